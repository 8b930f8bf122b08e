import { errnoOf } from '../errno.ts';
import type { PciAddress } from '../pci/address.ts';
import { failure, type BenchError } from '../result.ts';
import { platformWords, type PlatformAction } from '../zpci/platformActions.ts';
import type { HostUse } from './fault.ts';
import { harmToHost } from './hostUse.ts';

/** An action and why it would be refused now, or null. */
export interface PlatformOffer {
  readonly action: PlatformAction;
  readonly refusal: BenchError | null;
}

/** What a rig knows of a device whose platform is about to act on it. */
export interface PlatformTarget {
  readonly address: PciAddress;
  /** An s390x function; everything else is refused. */
  readonly zpci: boolean;
  /** On the bus. One that is powered off is known and not there. */
  readonly present: boolean;
  readonly use: HostUse;
  readonly usedAs?: string;
  readonly openInBench: boolean;
  /** Other programs that hold the device's VFIO files open. */
  readonly holders: readonly string[];
  /** What the kernel has files for. */
  readonly canRecover: boolean;
  readonly canReport: boolean;
  /** Null where there is no such slot. */
  readonly powered: boolean | null;
}

const presenceRefusal = (target: PlatformTarget, action: PlatformAction): BenchError | null => {
  const { address, present, powered } = target;
  if (action === 'powerOn') {
    if (powered === null) {
      return failure('notSupported', `${address} has no slot that could be powered on.`).error;
    }
    return powered ? failure('malformedInput', `The slot of ${address} is powered on already.`).error : null;
  }
  return present
    ? null
    : failure(
        'deviceLost',
        `${address} is not on the bus; ${powered === false ? 'power its slot on first' : 'look at its slot, or rescan the bus'}.`,
      ).error;
};

const meansRefusal = (target: PlatformTarget, action: PlatformAction): BenchError | null => {
  const { address, canRecover, canReport, powered } = target;
  const needsRecover = action === 'recover' || action === 'zpcictlReset';
  if (needsRecover && !canRecover) {
    return failure('notSupported', `This kernel has no "recover" for ${address} in sysfs.`).error;
  }
  if (platformWords[action].toServiceElement && !canReport) {
    return failure(
      'notSupported',
      `There is no service element that would hear of ${address}: this kernel or machine has no "report_error".`,
    ).error;
  }
  return action === 'powerOff' && powered === null
    ? failure('notSupported', `${address} has no slot that could be powered off.`).error
    : null;
};

/**
 * The rules before an action of the platform. What takes the function away waits in the kernel until nobody holds it
 * (the kernel signals VFIO_PCI_REQ_IRQ_INDEX meanwhile), so it has to be closed first.
 */
export const platformRefusal = (target: PlatformTarget, action: PlatformAction): BenchError | null => {
  const { address } = target;
  if (!target.zpci) {
    return failure('notSupported', `${address} is no s390x function: its platform has no such action.`).error;
  }
  const absent = presenceRefusal(target, action) ?? meansRefusal(target, action);
  if (absent !== null || !platformWords[action].takesAway) return absent;
  const harm = harmToHost(target);
  if (harm !== null) return harm;
  if (target.openInBench) {
    return failure(
      'busy',
      `${address} is open in this bench, and the kernel would wait for it; close the device first.`,
      { errno: errnoOf('EBUSY') },
    ).error;
  }
  const [holder] = target.holders;
  return holder === undefined
    ? null
    : failure(
        'busy',
        `${address} is held open by ${holder}, and the kernel would wait for that program; end it first.`,
        { errno: errnoOf('EBUSY') },
      ).error;
};
