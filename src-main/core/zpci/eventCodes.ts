/**
 * What the kernel does with an error event (arch/s390/pci/pci_event.c, __zpci_event_error):
 * - `recoveryAttempt`: the function is in the error state and recovery is tried, or left to user space;
 * - `permanentFailure`: the driver is told that the device is gone;
 * - `ignored`: nothing is done.
 */
export type ErrorDisposition = 'recoveryAttempt' | 'permanentFailure' | 'ignored';

export interface ErrorEventCode {
  readonly number: number;
  /** The short name in QEMU's include/hw/s390x/s390-pci-bus.h; Linux names only a few of them, in comments. */
  readonly name: string;
  /** What the machine reports. Where only the name is public, the sentence says no more than the name does. */
  readonly meaning: string;
  readonly disposition: ErrorDisposition;
}

const errorEvent = (
  number: number,
  name: string,
  meaning: string,
  disposition: ErrorDisposition = 'recoveryAttempt',
): ErrorEventCode => ({ number, name, meaning, disposition });

/** PCI event codes of error events, the only ones that end in an error record. */
export const errorEventCodes: readonly ErrorEventCode[] = [
  errorEvent(0x01, 'INVALAS', 'The device used an invalid DMA address space.'),
  errorEvent(0x02, 'OORANGE', 'The device used an address outside the range that it may use for DMA.'),
  errorEvent(0x03, 'INVALTF', 'The format of the address translation is invalid.'),
  errorEvent(0x04, 'TPROTE', 'Translation protection: the device used an address that is not mapped for it.'),
  errorEvent(0x05, 'APROTE', 'Access protection: the device may not access that memory.'),
  errorEvent(0x06, 'KEYE', 'The storage key does not allow the access.'),
  errorEvent(0x07, 'INVALTE', 'An entry of a translation table is invalid.'),
  errorEvent(0x08, 'INVALTL', 'The length of a translation table is invalid.'),
  errorEvent(0x09, 'TT', 'A translation table has another type than the machine expected.'),
  errorEvent(0x0a, 'INVALMS', 'Reported as INVALMS; what it stands for is not documented in public.'),
  errorEvent(0x0b, 'SERR', 'The device reported a system error (SERR).'),
  errorEvent(0x10, 'NOMSI', 'The device sent an interrupt that is not set up as an MSI.'),
  errorEvent(0x11, 'INVALBV', 'The bit vector for interrupts is invalid.'),
  errorEvent(0x12, 'AIBV', 'The adapter interruption bit vector could not be used.'),
  errorEvent(0x13, 'AIRERR', 'An adapter interruption could not be delivered.'),
  errorEvent(
    0x2a,
    'FMBA',
    'An address error of the function measurement block; the device itself works.',
    'ignored',
  ),
  errorEvent(
    0x2b,
    'FMBUP',
    'An update error of the function measurement block; the device itself works.',
    'ignored',
  ),
  errorEvent(
    0x2c,
    'FMBPRO',
    'A protection error of the function measurement block; the device itself works.',
    'ignored',
  ),
  errorEvent(0x30, 'CCONF', 'Reported as CCONF; what it stands for is not documented in public.'),
  errorEvent(0x3a, 'SERVAC', 'The machine began a service action on the function.'),
  errorEvent(0x3b, 'PERMERR', 'The function failed permanently.', 'permanentFailure'),
  // Linux's own words; QEMU has no name for it.
  errorEvent(
    0x40,
    'RECOVERYFAILED',
    'A service action or error recovery by the machine failed.',
    'permanentFailure',
  ),
];

export interface AvailabilityEventCode {
  readonly number: number;
  readonly meaning: string;
}

/**
 * PCI event codes of availability events (__zpci_event_availability): the function comes or goes. They never end in an
 * error record, and the device must be looked for again.
 */
export const availabilityEventCodes: readonly AvailabilityEventCode[] = [
  {
    number: 0x301,
    meaning: 'The function was configured: it was reserved or in standby, and can be used now.',
  },
  { number: 0x302, meaning: 'The function went from reserved to standby.' },
  { number: 0x303, meaning: 'Somebody asked for the function to be deconfigured.' },
  { number: 0x304, meaning: 'The function was taken away: it went from configured to standby or reserved.' },
  { number: 0x306, meaning: 'Several functions changed; the list of functions must be read again.' },
  { number: 0x308, meaning: 'The function went from standby to reserved.' },
];

export type EventCodeDescription =
  | ({ readonly kind: 'error' } & ErrorEventCode)
  | ({ readonly kind: 'availability' } & AvailabilityEventCode)
  | {
      readonly kind: 'unnamed';
      readonly number: number;
      readonly meaning: string;
      /** The kernel tries a recovery for every error event that it has no other rule for. */
      readonly disposition: 'recoveryAttempt';
    };

const errors = new Map(errorEventCodes.map((code) => [code.number, code]));
const availabilities = new Map(availabilityEventCodes.map((code) => [code.number, code]));

/** `0x4` */
export const formatEventCode = (number: number): string => `0x${number.toString(16)}`;

export const describeEventCode = (number: number): EventCodeDescription => {
  const error = errors.get(number);
  if (error !== undefined) return { kind: 'error', ...error };
  const availability = availabilities.get(number);
  if (availability !== undefined) return { kind: 'availability', ...availability };
  const meaning = `The event code ${formatEventCode(number)} has no public name.`;
  return { kind: 'unnamed', number, meaning, disposition: 'recoveryAttempt' };
};
