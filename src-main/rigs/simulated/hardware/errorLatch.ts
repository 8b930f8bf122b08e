import type { AerError, AerSeverity } from '../../../core/pci/aer.ts';
import {
  aerControlBit,
  aerRegister,
  aerRootCommandBit,
  aerRootStatusBit,
  deviceControlBit,
  deviceStatusBit,
  pciExpressRegister,
} from '../../../core/pci/capability-registers.ts';
import { commandBit, configOffset, statusBit } from '../../../core/pci/registers.ts';
import type { SimulatedFunction } from './simulatedFunction.ts';

/** What became of an error at the function that met it: a message on its way up, or where it ended. */
export type LatchResult =
  | { readonly kind: 'message'; readonly severity: AerSeverity }
  | {
      readonly kind: 'lost';
      readonly at: 'unreachable' | 'noAerCapability' | 'masked' | 'deviceControl' | 'serr';
    };

const reportingBit: Readonly<Record<AerSeverity, number>> = {
  correctable: deviceControlBit.correctableReporting,
  nonFatal: deviceControlBit.nonFatalReporting,
  fatal: deviceControlBit.fatalReporting,
};
const detectedBit: Readonly<Record<AerSeverity, number>> = {
  correctable: deviceStatusBit.correctableDetected,
  nonFatal: deviceStatusBit.nonFatalDetected,
  fatal: deviceStatusBit.fatalDetected,
};
const messages: Readonly<Record<AerSeverity, LatchResult>> = {
  correctable: { kind: 'message', severity: 'correctable' },
  nonFatal: { kind: 'message', severity: 'nonFatal' },
  fatal: { kind: 'message', severity: 'fatal' },
};
const lost = (at: Extract<LatchResult, { kind: 'lost' }>['at']): LatchResult => ({ kind: 'lost', at });

/** The header log of who names no header, as QEMU's monitor does not. */
const defaultHeader: readonly number[] = [0, 0, 0, 0];

const latchHeader = (fn: SimulatedFunction, bit: number, header: readonly number[]): void => {
  const control = fn.aerCapability + aerRegister.capabilitiesAndControl;
  const kept = (fn.readConfig(control, 4) & ~aerControlBit.firstErrorPointer) >>> 0;
  fn.latch(control, 4, kept | bit);
  for (let word = 0; word < 4; word++) {
    fn.latch(fn.aerCapability + aerRegister.headerLog + 4 * word, 4, header[word] ?? 0);
  }
};

/**
 * The function meets `error`: status bits, first error pointer and header log are set as PCIe 6.2.4 says (the log only
 * while no earlier unmasked error is pending), and the message goes up if it may. Without COMMAND.SERR, or with the
 * reporting bit of its severity clear in Device Control, an uncorrectable error vanishes: that is how it was measured
 * under QEMU (the specification would let either of the two do).
 */
export const latchError = (
  fn: SimulatedFunction,
  error: AerError,
  header: readonly number[] = defaultHeader,
): LatchResult => {
  if (fn.link !== 'up') return lost('unreachable');
  const aer = fn.aerCapability;
  if (aer === 0) return lost('noAerCapability');
  const correctable = error.kind === 'correctable';
  const statusAt = aer + (correctable ? aerRegister.correctableStatus : aerRegister.uncorrectableStatus);
  const maskAt = aer + (correctable ? aerRegister.correctableMask : aerRegister.uncorrectableMask);
  const severity: AerSeverity = correctable
    ? 'correctable'
    : (fn.readConfig(aer + aerRegister.uncorrectableSeverity, 4) & error.mask) !== 0
      ? 'fatal'
      : 'nonFatal';

  const status = fn.readConfig(statusAt, 4);
  const mask = fn.readConfig(maskAt, 4);
  fn.latch(statusAt, 4, (status | error.mask) >>> 0);
  const deviceStatusAt = fn.expressCapability + pciExpressRegister.deviceStatus;
  const unsupported = error.name === 'UNSUP' ? deviceStatusBit.unsupportedRequestDetected : 0;
  fn.latch(deviceStatusAt, 2, fn.readConfig(deviceStatusAt, 2) | detectedBit[severity] | unsupported);

  if ((mask & error.mask) !== 0) return lost('masked');
  if (!correctable && (status & ~mask) === 0) latchHeader(fn, error.bit, header);
  const deviceControl = fn.readConfig(fn.expressCapability + pciExpressRegister.deviceControl, 2);
  if ((deviceControl & reportingBit[severity]) === 0) return lost('deviceControl');
  if (!correctable) {
    if ((fn.command & commandBit.serr) === 0) return lost('serr');
    fn.latch(configOffset.status, 2, fn.readConfig(configOffset.status, 2) | statusBit.signalledSystemError);
  }
  return messages[severity];
};

/** What a root port does with a message: note it, and interrupt the kernel's AER service if that is enabled. */
export type RootPortResult = { readonly kind: 'interrupt' } | { readonly kind: 'notedOnly' };

const rootEnable: Readonly<Record<AerSeverity, number>> = {
  correctable: aerRootCommandBit.correctableEnable,
  nonFatal: aerRootCommandBit.nonFatalEnable,
  fatal: aerRootCommandBit.fatalEnable,
};

/** Root Error Status and Error Source Identification (PCIe 7.8.4.10, 7.8.4.11). `requester` is the sender's id. */
export const receiveErrorMessage = (
  rootPort: SimulatedFunction,
  severity: AerSeverity,
  requester: number,
): RootPortResult => {
  const aer = rootPort.aerCapability;
  if (aer === 0) return { kind: 'notedOnly' };
  const status = rootPort.readConfig(aer + aerRegister.rootStatus, 4);
  const bit = aerRootStatusBit;
  let next = status;
  if (severity === 'correctable') {
    if ((status & bit.correctableReceived) === 0)
      rootPort.latch(aer + aerRegister.correctableSource, 2, requester);
    else next |= bit.multipleCorrectableReceived;
    next |= bit.correctableReceived;
  } else {
    if ((status & bit.uncorrectableReceived) === 0) {
      rootPort.latch(aer + aerRegister.uncorrectableSource, 2, requester);
      if (severity === 'fatal') next |= bit.firstUncorrectableFatal;
    } else {
      next |= bit.multipleUncorrectableReceived;
    }
    next |= bit.uncorrectableReceived | (severity === 'fatal' ? bit.fatalReceived : bit.nonFatalReceived);
  }
  rootPort.latch(aer + aerRegister.rootStatus, 4, next >>> 0);
  const enabled = (rootPort.readConfig(aer + aerRegister.rootCommand, 4) & rootEnable[severity]) !== 0;
  return enabled ? { kind: 'interrupt' } : { kind: 'notedOnly' };
};
