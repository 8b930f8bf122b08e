import type { Microseconds, Protocol } from '../core/recovery/phase.ts';
import { missingCase } from '../core/exhaustive.ts';

export interface OpenWait {
  readonly rig: string;
  readonly device: string;
  readonly left: Microseconds;
  readonly protocol: Protocol;
}

/** What becomes of a wait when the bench ends, and its devices are closed, in the middle of it. */
export const consequenceOfEnding = (protocol: Protocol): string => {
  switch (protocol) {
    case 'notify':
      // Observation 10 of the notify driver: close completes the wait before it clears the trigger.
      return 'closing the device counts as an ack: the kernel resets it, and nobody brings it back';
    case 'legacy':
      return 'nobody resets the device: it stays as the error left it until somebody does';
    case 'mediated':
      return 'the function stays in its error state until somebody resets it';
    case 'eeh':
      return 'the PE stays frozen until somebody resets it';
    default:
      return missingCase(protocol);
  }
};

/** One sentence a wait. */
export const describeWait = ({ rig, device, left, protocol }: OpenWait): string =>
  `${device} of ${rig} waits for an ack, ${(left / 1e6).toFixed(1)} s left; ${consequenceOfEnding(protocol)}.`;
