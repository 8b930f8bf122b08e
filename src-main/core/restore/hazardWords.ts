import { hazardKinds, type HazardKind } from './hazards.ts';

/** Hazards that only the history shows: what was saved when, and what the kernel holds live. */
export const historyHazardKinds = [
  'poisonedSave',
  'memoryOffSaved',
  'msixMemoryOff',
  'interruptsKernelOnly',
  'tphTrap',
  'mappedReadsZero',
] as const;
export type HistoryHazardKind = (typeof historyHazardKinds)[number];

export type AuditHazardKind = HazardKind | HistoryHazardKind;

/** All that an audit can find. */
export const auditHazardKinds: readonly AuditHazardKind[] = [...hazardKinds, ...historyHazardKinds];

export interface HazardText {
  /** Two or three words: `MSI-X off`. */
  readonly name: string;
  readonly title: string;
  readonly explanation: string;
  readonly remedy: string;
}

// Observations 3, 4, 5, 6 and 16 of the kernel facts for x86; "In error" of those for s390x; seed 2 for TPH and MSI-X.
export const hazardWords: Readonly<Record<AuditHazardKind, HazardText>> = {
  allOnes: {
    name: 'All ones',
    title: 'The device does not answer: its config space reads all ones.',
    explanation:
      'Every read of it, a BAR as well, gives ones; a vendor id that VFIO makes up proves nothing.',
    remedy: 'Reset it again, or replug it; until then nothing else here means anything.',
  },
  baseAddressesZero: {
    name: 'BARs zero',
    title: 'BARs are zero in hardware.',
    explanation:
      'BAR reads return 0 and not an error, a mapped BAR silently reads 0, and VFIO’s own view goes on showing the old addresses.',
    remedy:
      'Write COMMAND through VFIO: that makes it restore the BARs. A DEVICE_RESET before that saves the zeros.',
  },
  memoryOff: {
    name: 'Memory off',
    title: 'COMMAND.Memory is off.',
    explanation: 'The device answers no access to its BARs, and its MSI-X table cannot be written.',
    remedy: 'Write COMMAND with Memory, Bus Master and SERR.',
  },
  busMasterOff: {
    name: 'Bus Master off',
    title: 'COMMAND.BusMaster is off.',
    explanation: 'The device can do no DMA and send no MSI, and nothing says so.',
    remedy: 'Write COMMAND with Memory, Bus Master and SERR.',
  },
  msixOff: {
    name: 'MSI-X off',
    title: 'MSI-X is off in hardware.',
    explanation:
      'It was on when the device was armed. Where the kernel still holds it enabled, interrupts are lost without an error.',
    remedy:
      'DEVICE_RESET after the COMMAND write, or switch the vectors off and on again through SET_IRQS; nothing else brings them back.',
  },
  msiOff: {
    name: 'MSI off',
    title: 'MSI is off in hardware.',
    explanation:
      'It was on when the device was armed. Where the kernel still holds it enabled, interrupts are lost without an error.',
    remedy: 'DEVICE_RESET after the COMMAND write, or switch the vectors off and on again through SET_IRQS.',
  },
  reportingOff: {
    name: 'DevCtl zero',
    title: 'DevCtl reports no errors.',
    explanation:
      'The next error of this device is not reported to the root port, so no recovery is opened for it.',
    remedy: 'Write the four reporting bits of Device Control (0x000f) after the reset.',
  },
  serrOff: {
    name: 'SERR off',
    title: 'COMMAND.SERR is off.',
    explanation: 'Uncorrectable errors can vanish instead of being reported.',
    remedy: 'Write COMMAND with SERR (0x0100).',
  },
  errorStatusKept: {
    name: 'Status kept',
    title: 'Uncorrectable Error Status still has bits set.',
    explanation: 'The next error is logged under the name of this one.',
    remedy: 'Clear the status by writing back what it reads, before the next error.',
  },
  poisonedSave: {
    name: 'Poisoned save',
    title: 'A DEVICE_RESET saved the zeros of the reset before it.',
    explanation:
      'It ran before COMMAND was written, while the BARs were zero: the kernel saved that, reset, and restored it. It says that it succeeded, and every later one does the same.',
    remedy: 'Write COMMAND through VFIO, which restores the BARs, and then DEVICE_RESET once more.',
  },
  memoryOffSaved: {
    name: 'Memory off saved',
    title: 'COMMAND was saved with Memory off.',
    explanation:
      'The next restore brings COMMAND back like that; the device answers no access to its BARs, and a kernel that does not switch Memory on by itself (before 7.2) cannot write the MSI-X table.',
    remedy: 'Write COMMAND with Memory on before DEVICE_RESET, and again after it.',
  },
  msixMemoryOff: {
    name: 'MSI-X table lost',
    title: 'MSI-X was restored while Memory was off.',
    explanation:
      'The kernel wrote the table into a BAR that did not answer: Message Control says enabled, the entries are empty, and every interrupt is lost without an error.',
    remedy:
      'Write COMMAND with Memory on, then DEVICE_RESET; or switch the vectors off and on again through SET_IRQS.',
  },
  interruptsKernelOnly: {
    name: 'Kernel only',
    title: 'Interrupts are off in hardware and on in the kernel.',
    explanation:
      'A reset switched MSI or MSI-X off and nobody restored it; the kernel still holds it enabled, so that switching it on again does nothing and no call reports an error.',
    remedy:
      'DEVICE_RESET after the COMMAND write, or switch the vectors off first and then on through SET_IRQS.',
  },
  tphTrap: {
    name: 'TPH trap',
    title: 'Zeros of the open-time snapshot were restored over TPH that is on.',
    explanation:
      'TPH was off when the device was opened, so that its save buffer held zeros. The kernel holds TPH enabled, which lets the step write: the hardware has it off, the kernel on.',
    remedy:
      'Switch TPH off and on again after the reset, or load the open-time snapshot only when the device is closed.',
  },
  mappedReadsZero: {
    name: 'Mapping reads 0',
    title: 'A BAR is mapped that nothing decodes.',
    explanation:
      'Loads from the mapping return 0 and stores vanish; neither is an error, and no signal comes.',
    remedy: 'Unmap the BARs between signal and ack, and map them again after COMMAND was written.',
  },
};
