import type { DmaAperture } from '../../../core/faults/badDma.ts';
import { encodeCcdf } from '../../../core/zpci/ccdf.ts';
import { describeEventCode } from '../../../core/zpci/eventCodes.ts';
import { isStaleEvent } from '../../../core/zpci/functionHandle.ts';
import type { ZpciFunction } from '../../../core/zpci/zpciFunction.ts';
import type { Machine } from './machine.ts';
import type { PciDevice } from './pciDevice.ts';
import { timing } from './profile.ts';
import { delay, type KernelThread } from './scheduler.ts';

/** What firmware reports about one error. */
export interface ZpciError {
  readonly eventCode: number;
  readonly failingAddress: bigint;
  readonly functionHandle: number;
}

/** The addresses that a function may use for DMA: those of QEMU's emulated functions. */
export const dmaAperture: DmaAperture = { start: 0x1_0000_0000n, end: 0x1ff_ffff_ffffn };

/** The handle of a function: bit 31 says that it is enabled (arch/s390/include/asm/pci_clp.h). */
export const functionHandleOf = (device: PciDevice): number =>
  (0x8002_0000 + device.node.description.iommuGroup * 0x1_0000) >>> 0;

export const fidOf = (device: PciDevice): number => {
  const { identity } = device.node.description;
  return identity.kind === 'zpci' ? Number(identity.fid) : 0;
};

/** What sysfs shows of a function; its group and type are those of QEMU's emulated functions. */
export const zpciFunctionOf = (device: PciDevice): ZpciFunction => {
  const { identity } = device.node.description;
  return {
    uid: identity.kind === 'zpci' ? identity.uid : null,
    fid: fidOf(device),
    functionHandle: functionHandleOf(device),
    pchid: 0,
    pfgid: 0xff,
    pft: 0,
    vfn: 0,
    utilityString: '',
    uidIsUnique: true,
  };
};

const recordOf = (device: PciDevice, error: ZpciError): Uint8Array =>
  encodeCcdf({
    functionHandle: error.functionHandle,
    functionId: fidOf(device),
    expectedTableType: 0,
    msiVectorNumber: 0,
    dmaAddressSpace: 0,
    eventQualifier: 0,
    readWrite: 0,
    failingAddress: error.failingAddress,
    eventCode: error.eventCode,
  });

/** The kernel goes on by itself: MMIO and DMA are unblocked again, and the driver resumes. */
function* resumeByKernel(machine: Machine, device: PciDevice): KernelThread<void> {
  yield* delay(machine.random.around(timing.zpciResume));
  device.fn.setLink('up');
  device.channel = 'normal';
  machine.uevent(device.address, 'successfulRecovery');
  machine.log(device.address, 'The device is ready to resume operations');
}

/** error_detected(perm_failure): the record is stored and the eventfd signalled here as well. */
const failPermanently = (machine: Machine, device: PciDevice): void => {
  device.channel = 'permanentFailure';
  device.vfio?.errorEventfd?.signal();
  machine.uevent(device.address, 'failedRecovery');
};

/** __zpci_event_error() (arch/s390/pci/pci_event.c): what one error event leads to. */
export function* zpciErrorEvent(machine: Machine, device: PciDevice, error: ZpciError): KernelThread<void> {
  // Firmware queues its events: a later one never overtakes an earlier one of the same function.
  const now = machine.clock.now();
  const drawn = machine.random.between(timing.zpciEvent.least, timing.zpciEvent.most);
  device.lastEventAt = Math.max(device.lastEventAt, now + drawn);
  yield* delay(device.lastEventAt - now);
  if (isStaleEvent(error.functionHandle, functionHandleOf(device))) return;
  const described = describeEventCode(error.eventCode);
  if (described.kind === 'availability') return;
  const { disposition } = described;
  const code = `0x${error.eventCode.toString(16)}`;
  machine.log(
    device.address,
    `Event ${code} reports an error for PCI function 0x${fidOf(device).toString(16)}`,
  );
  if (disposition === 'ignored') return;
  yield* device.lock.lock();
  device.channel = 'frozen';
  device.fn.setLink('frozen');
  const vfio = device.vfio;
  const mediated = machine.profile.mediation === 'mediated' && vfio !== null && vfio.isOpen;
  if (mediated) vfio.queueZpciError(recordOf(device, error));
  if (disposition === 'permanentFailure') {
    failPermanently(machine, device);
  } else {
    vfio?.errorEventfd?.signal();
    machine.uevent(device.address, 'beginRecovery');
    if (mediated) {
      yield* delay(machine.random.between(timing.zpciLockHeld.least, timing.zpciLockHeld.most));
      machine.log(device.address, 'Leaving recovery of pass-through device to user-space');
    } else {
      yield* resumeByKernel(machine, device);
    }
  }
  device.lock.unlock();
}
