import { missingCase } from '../core/exhaustive.ts';
import type { Protocol } from '../core/recovery/phase.ts';

/** What quitting, which closes every device, does to a device whose recovery waits. */
export const whatQuittingDoes = (protocol: Protocol): string => {
  switch (protocol) {
    case 'notify':
      // Observation 10 of the handshake: complete() runs before the trigger is cleared.
      return (
        'The device is closed, and the kernel takes the close for an acknowledgement: it resets the slot, and nobody ' +
        'brings the device back. When it is opened again its BARs are 0.'
      );
    case 'legacy':
      return 'The kernel does not wait. The device is closed as the error left it, and nobody resets it or sets it up again.';
    case 'mediated':
      return 'The kernel has left the recovery to user space. The device stays in its error state until somebody resets it.';
    case 'eeh':
      return 'The partitionable endpoint stays frozen until somebody resets it.';
    default:
      return missingCase(protocol);
  }
};
