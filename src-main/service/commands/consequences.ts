import { missingCase } from '../../core/exhaustive.ts';
import { isVfioDriver } from '../../core/faults/bindPreflight.ts';
import type { DeviceSession } from '../../rigs/rig.ts';
import type { RecoveryState } from '../../core/recovery/state.ts';
import type { Fault } from '../../core/faults/fault.ts';
import type { ResetKind } from '../../core/recovery/reports.ts';
import { platformConsequence } from './platform.ts';
import type { Asked } from './refusals.ts';

export interface Situation {
  readonly state: RecoveryState | null;
  readonly session: DeviceSession | null;
  /** As `uname -r` says it. */
  readonly kernel: string;
  /** What the rules before a change of driver allow, and want to have known. */
  readonly warnings: readonly string[];
}

const listed = (addresses: readonly string[]): string => addresses.join(', ');

/** pcie_do_recovery() of 6.17 and later resets the bus also for a non-fatal error (observation 2). */
const resetsBusForNonFatal = (kernel: string): boolean => {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 17);
};

const acknowledgeConsequence = ({ state, session, kernel }: Situation): string => {
  const sharers = session?.capabilities.sharers ?? [];
  const severity = state === null || state.phase === 'armed' ? 'unknown' : state.recovery.severity;
  const what =
    severity === 'nonFatal' && !resetsBusForNonFatal(kernel)
      ? 'The kernel goes on to slot_reset; on this kernel a non-fatal error is not followed by a reset of the bus'
      : 'The kernel resets the slot';
  const whom = sharers.length === 0 ? '' : `, and with it ${listed(sharers)}`;
  return `${what}${whom}. The device comes back with COMMAND, BARs and DevCtl of zero until they are restored.`;
};

const withdrawConsequence = ({ state }: Situation): string => {
  switch (state?.arming.protocol ?? 'notify') {
    case 'notify':
      return 'The eventfd is removed; the kernel still waits out its time, and further errors of this device are not heard.';
    case 'legacy':
    case 'mediated':
      return 'The eventfd is removed; the device stays as the error left it, and nobody resets it.';
    case 'eeh':
      return 'The eventfd is removed; the PE stays frozen until somebody resets it.';
  }
};

const resetWords: Readonly<Record<ResetKind, string>> = {
  device: 'The function is reset by itself (VFIO_DEVICE_RESET); what it was doing is lost',
  hot: 'Every function of the slot or bus is reset (VFIO_DEVICE_PCI_HOT_RESET)',
  peHot: 'The PE gets a hot reset, with every function in it',
  peFundamental: 'The PE gets a fundamental reset (PERST), with every function in it',
};

const resetConsequence = (kind: ResetKind | null, { session }: Situation): string => {
  const chosen = kind ?? session?.capabilities.resetKinds[0] ?? 'device';
  const sharers = chosen === 'device' ? [] : (session?.capabilities.sharers ?? []);
  return `${resetWords[chosen]}${sharers.length === 0 ? '' : `: also ${listed(sharers)}`}.`;
};

const armedWords = ({ state }: Situation): string => {
  if (state === null) return 'The device is not armed: nobody hears of it but the kernel.';
  switch (state.arming.protocol) {
    case 'notify':
      return 'The kernel stops the device, signals the bench and waits for an ack.';
    case 'legacy':
      return 'The kernel signals the bench and does not wait; after a fatal error it resets the bus under the device.';
    case 'mediated':
      return 'The kernel signals the bench and leaves the recovery to it.';
    case 'eeh':
      return 'The PE freezes; all reads give ones until it is reset.';
  }
};

const injectConsequence = (fault: Fault | null, situation: Situation): string => {
  if (fault === null) return `The device has an error. ${armedWords(situation)}`;
  switch (fault.kind) {
    case 'aer':
      return fault.severity === 'correctable'
        ? 'A correctable error is counted; the link has mended it, and no recovery follows.'
        : `${fault.error} is reported through AER. ${armedWords(situation)}`;
    case 'zpciDma':
      if (fault.where === 'aboveAperture') return 'Nothing: no error comes of it.';
      return `A DMA is refused by the platform, and the function is in error. ${armedWords(situation)}`;
    case 'eehFreeze':
      return `The PE is frozen. ${armedWords(situation)}`;
    case 'loopback':
      return 'The eventfd is triggered and nothing else happens: it shows that signals get through.';
    case 'unplug':
      return 'The device is pulled out; a recovery that is open ends with the device lost, and a rescan brings it back.';
    default:
      return missingCase(fault);
  }
};

const markConsequence =
  'The marks are written now, in the wait of the next recovery and after its reset, and the old values when it has ended, or the device is disarmed or closed. Until then nobody acks without the bench: marks come before the ack.';

const driverConsequence = (driver: string | null | undefined): string => {
  if (driver === null || driver === undefined) {
    return 'The device is left without its driver; it cannot be armed until it is bound to vfio-pci again.';
  }
  const host = isVfioDriver(driver) ? '' : ' The host uses it again, and it cannot be armed.';
  return `The device is taken from its driver and given to ${driver}.${host}`;
};

/** What happens when the card is confirmed: it stands on the card before the choice is made. */
export const consequenceOf = (asked: Asked, situation: Situation): string => {
  switch (asked.action) {
    case 'acknowledge':
      return acknowledgeConsequence(situation);
    case 'withdraw':
      return withdrawConsequence(situation);
    case 'reset':
      return resetConsequence(asked.kind, situation);
    case 'mark':
      return markConsequence;
    case 'inject':
      return injectConsequence(asked.fault, situation);
    case 'unbind':
      return [driverConsequence(asked.driver), ...situation.warnings].join(' ');
    case 'platform':
      return platformConsequence(asked.platform);
    default:
      return missingCase(asked.action);
  }
};
