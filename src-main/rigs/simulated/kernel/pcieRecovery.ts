import type { AerSeverity } from '../../../core/pci/aer.ts';
import { aerRegister, pciExpressRegister } from '../../../core/pci/capability-registers.ts';
import type { Machine } from './machine.ts';
import type { ChannelState, ErsResult, PciDevice } from './pciDevice.ts';
import { timing } from './profile.ts';
import { delay, type KernelThread } from './scheduler.ts';

/** merge_result() of drivers/pci/pcie/err.c. */
export const mergeResult = (original: ErsResult, next: ErsResult): ErsResult => {
  if (next === 'noAerDriver') return 'noAerDriver';
  if (next === 'none') return original;
  switch (original) {
    case 'canRecover':
    case 'recovered':
      return next;
    case 'disconnect':
      return next === 'needReset' ? 'needReset' : original;
    default:
      return original;
  }
};

const announceVote = (machine: Machine, device: PciDevice, vote: ErsResult): void => {
  switch (vote) {
    case 'none':
    case 'canRecover':
    case 'needReset':
      return machine.uevent(device.address, 'beginRecovery');
    case 'recovered':
      return machine.uevent(device.address, 'successfulRecovery');
    case 'disconnect':
      return machine.uevent(device.address, 'failedRecovery');
    case 'noAerDriver':
      return undefined;
  }
};

function* reportErrorDetected(
  machine: Machine,
  device: PciDevice,
  state: ChannelState,
): KernelThread<ErsResult> {
  yield* device.lock.lock();
  device.channel = state;
  const handlers = device.driver?.handlers ?? null;
  let vote: ErsResult = 'none';
  if (handlers !== null) vote = yield* handlers.errorDetected(device, state);
  else if (!device.isBridge) {
    vote = 'noAerDriver';
    machine.log(device.address, "can't recover (no error_detected callback)");
  }
  announceVote(machine, device, vote);
  device.lock.unlock();
  return vote;
}

function* reportSlotReset(device: PciDevice): KernelThread<ErsResult> {
  yield* device.lock.lock();
  const vote = device.driver?.handlers?.slotReset?.(device) ?? 'none';
  device.lock.unlock();
  return vote;
}

function* reportResume(machine: Machine, device: PciDevice): KernelThread<ErsResult> {
  yield* device.lock.lock();
  device.channel = 'normal';
  announceVote(machine, device, 'recovered');
  device.lock.unlock();
  return 'none';
}

function* reportPermanentFailure(machine: Machine, device: PciDevice): KernelThread<ErsResult> {
  yield* device.lock.lock();
  device.channel = 'permanentFailure';
  const handlers = device.driver?.handlers ?? null;
  if (handlers !== null) yield* handlers.errorDetected(device, 'permanentFailure');
  announceVote(machine, device, 'disconnect');
  device.lock.unlock();
  return 'none';
}

/** pci_walk_bus(): the semaphore is held for reading across all callbacks, waits included (observation 13). */
function* walk(
  machine: Machine,
  port: PciDevice,
  initial: ErsResult,
  callback: (device: PciDevice) => KernelThread<ErsResult>,
): KernelThread<ErsResult> {
  yield* machine.busSemaphore.read();
  let status = initial;
  for (const device of machine.below(port)) status = mergeResult(status, yield* callback(device));
  machine.busSemaphore.releaseRead();
  return status;
}

/** pci_bus_error_reset(): all devices below are locked and reset; nothing is saved before or restored after. */
function* resetSubordinates(machine: Machine, port: PciDevice): KernelThread<void> {
  const devices = machine.below(port);
  for (const device of devices) yield* device.lock.lock();
  yield* delay(machine.random.around(timing.busReset));
  machine.hierarchy.resetBelow(port.node);
  for (const device of devices) device.lock.unlock();
}

/** report_perm_failure_detected() of 6.1.192: a uevent for every device below, and no callback. */
function* announceFailure(machine: Machine, device: PciDevice): KernelThread<ErsResult> {
  announceVote(machine, device, 'disconnect');
  return 'none';
}

/** pcie_do_recovery() of drivers/pci/pcie/err.c, with the order of the profile's kernel. */
export function* pcieDoRecovery(
  machine: Machine,
  reporter: PciDevice,
  severity: Exclude<AerSeverity, 'correctable'>,
): KernelThread<void> {
  const { profile } = machine;
  const above = reporter.node.parent;
  const port = reporter.isBridge || above === undefined ? reporter : machine.device(above);
  const state: ChannelState = severity === 'fatal' ? 'frozen' : 'normal';
  let status = yield* walk(machine, port, 'canRecover', (device) =>
    reportErrorDetected(machine, device, state),
  );
  // Before 6.17 a frozen link is reset right after the votes, whatever they were, and NEED_RESET resets nothing.
  if (state === 'frozen' || (profile.needResetResetsBus && status === 'needReset')) {
    yield* resetSubordinates(machine, port);
  }
  if (status === 'canRecover') status = 'recovered';
  if (status === 'needReset') {
    yield* delay(
      machine.random.around(profile.needResetResetsBus ? timing.callback : timing.slotResetWithoutReset),
    );
    status = yield* walk(machine, port, 'recovered', reportSlotReset);
  }
  yield* delay(machine.random.around(timing.callback));
  if (status === 'recovered') {
    yield* walk(machine, port, 'none', (device) => reportResume(machine, device));
    clearReporterStatus(reporter);
    machine.log(port.address, 'AER: device recovery successful');
    return;
  }
  yield* delay(machine.random.around(timing.permanentFailure));
  const report = profile.reportsPermanentFailure ? reportPermanentFailure : announceFailure;
  yield* walk(machine, port, 'none', (device) => report(machine, device));
  machine.log(port.address, 'AER: device recovery failed');
}

/** pcie_clear_device_status() and pci_aer_clear_nonfatal_status(): a fatal bit stays (observation 5). */
const clearReporterStatus = (device: PciDevice): void => {
  const { fn } = device;
  if (fn.expressCapability !== 0)
    fn.writeConfig(fn.expressCapability + pciExpressRegister.deviceStatus, 2, 0x000f);
  if (fn.aerCapability === 0) return;
  const status = fn.readConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4);
  const severity = fn.readConfig(fn.aerCapability + aerRegister.uncorrectableSeverity, 4);
  fn.writeConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4, (status & ~severity) >>> 0);
};
