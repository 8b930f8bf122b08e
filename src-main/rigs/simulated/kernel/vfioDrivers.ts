import type { Machine } from './machine.ts';
import type { BoundDriver, ErrorHandlers, ErsResult, PciDevice } from './pciDevice.ts';
import { loadSavedState, restoreState } from '../savedState.ts';
import type { KernelThread } from './scheduler.ts';

/** vfio_pci_core_aer_err_detected() of a stock kernel: signal index 3, never wait. */
function* stockErrorDetected(device: PciDevice): KernelThread<ErsResult> {
  device.vfio?.errorEventfd?.signal();
  return 'canRecover';
}

const stockHandlers: ErrorHandlers = { errorDetected: stockErrorDetected };

/**
 * The RFC's callbacks (seed 1): with index 5 registered, signal and wait for the ack; index 3 stays silent then
 * (observation 14). perm_failure is treated like any other error, so it signals and waits as well (observation 7).
 */
const notifyHandlers = (machine: Machine): ErrorHandlers => ({
  *errorDetected(device) {
    const { vfio } = device;
    if (vfio === null || vfio.notifyEventfd === null) return yield* stockErrorDetected(device);
    vfio.acknowledgement.reinitialise();
    vfio.notifyEventfd.signal();
    const acknowledged = yield* vfio.acknowledgement.wait(machine.clock, machine.profile.ackTimeout);
    if (!acknowledged) {
      machine.log(device.address, 'vfio error handler timed out waiting for userspace ack');
      return 'canRecover';
    }
    return vfio.notifyEventfd === null ? 'canRecover' : 'needReset';
  },
  slotReset(device) {
    const { vfio } = device;
    if (machine.profile.notify === 'restoreOpenSnapshot') {
      if (vfio?.openSnapshot !== undefined) loadSavedState(device.state, vfio.openSnapshot);
      restoreState(device.state, device.fn, machine.tracer(device));
    }
    vfio?.notifyEventfd?.signal();
    return 'recovered';
  },
});

/** A well-behaved host driver: it can recover from anything. */
const hostHandlers: ErrorHandlers = {
  *errorDetected(_device, state): KernelThread<ErsResult> {
    return state === 'normal' ? 'canRecover' : 'needReset';
  },
  slotReset: () => 'recovered',
};

/** Drivers of the host that have error handlers; the others make a recovery below the same port fail. */
const hostDriversWithHandlers = new Set(['nvme', 'pcieport', 'e1000e']);

export const vfioDriverNames = ['vfio-pci', 'vfio-pci-notify'] as const;

/** The driver of a name, or a host driver without error handlers for any other name. */
export const driverNamed = (machine: Machine, name: string): BoundDriver => {
  if (name === 'vfio-pci-notify' && machine.profile.notify !== 'absent') {
    return { name, handlers: notifyHandlers(machine), vfio: 'vfio' };
  }
  if (name === 'vfio-pci' || name === 'vfio-pci-notify') {
    // The RFC is a patch of vfio-pci itself; without the notify driver every VFIO device is on the stock one.
    return { name: 'vfio-pci', handlers: stockHandlers, vfio: 'vfio' };
  }
  return { name, handlers: hostDriversWithHandlers.has(name) ? hostHandlers : null, vfio: 'host' };
};
