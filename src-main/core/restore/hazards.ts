import { decodeUncorrectable } from '../pci/aer.ts';
import { baseAddressesOf } from '../pci/base-addresses.ts';
import { longAt, wordAt } from '../pci/bytes.ts';
import { capabilityId, extendedCapabilityId } from '../pci/capability-ids.ts';
import {
  aerRegister,
  deviceControlBit,
  msiControlBit,
  msiRegister,
  msixControlBit,
  msixRegister,
  pciExpressRegister,
} from '../pci/capability-registers.ts';
import type { Placement } from '../pci/placement.ts';
import { baseAddressBit, commandBit, configOffset } from '../pci/registers.ts';
import type { RestoreMoment } from './recordings.ts';

/** Config spaces by moment, of one view; a moment that was not kept is not there. */
export type Readings = Readonly<Partial<Record<RestoreMoment, Uint8Array>>>;

export const hazardKinds = [
  'allOnes',
  'baseAddressesZero',
  'memoryOff',
  'busMasterOff',
  'msixOff',
  'msiOff',
  'reportingOff',
  'serrOff',
  'errorStatusKept',
] as const;
export type HazardKind = (typeof hazardKinds)[number];

export interface Hazard {
  readonly kind: HazardKind;
  /** The moment it is told for: the last one at which it was seen. */
  readonly moment: RestoreMoment;
  /** `present`: still so when the config space was last kept. `passed`: seen after the reset and put right since. */
  readonly state: 'present' | 'passed';
  /** Two or three words: `MSI-X off`. */
  readonly name: string;
  readonly title: string;
  readonly explanation: string;
  readonly remedy: string;
  /** What was read, in numbers. */
  readonly evidence: string;
  /** Offsets of the registers that it was read from. */
  readonly offsets: readonly number[];
}

type Words = Pick<Hazard, 'name' | 'title' | 'explanation' | 'remedy'>;

// Observations 3, 4, 5, 6 and 16 of the kernel facts for x86; "In error" of those for s390x.
const words: Readonly<Record<HazardKind, Words>> = {
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
};

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

interface Seen {
  readonly kind: HazardKind;
  readonly evidence: string;
  readonly offsets: readonly number[];
}

const baseOf = ({ capabilities }: Placement, id: number, extended: boolean): number | null =>
  capabilities.find(({ entry }) => entry.id === id && entry.extended === extended)?.base ?? null;

const readsAllOnes = (config: Uint8Array): boolean =>
  config.length > 0 && config.subarray(0, 64).every((byte) => byte === 0xff);

/** Bits of a 16-bit register that were on in `before` and are off in `now`. */
const bitsLost = (before: Uint8Array, now: Uint8Array, offset: number, mask: number): boolean =>
  (wordAt(before, offset) & mask) !== 0 && (wordAt(now, offset) & mask) === 0;

const addressOf = (value: number): number =>
  (value & (value & baseAddressBit.ioSpace ? baseAddressBit.ioAddress : baseAddressBit.memoryAddress)) >>> 0;

const baseAddressesLost = (before: Uint8Array, now: Uint8Array, placement: Placement): Seen | null => {
  const lost = baseAddressesOf(before, placement.headerKind).flatMap(({ index, offset, part }) => {
    const [was, is] = [longAt(before, offset), longAt(now, offset)];
    const gone = part === 'upper' ? was !== 0 && is === 0 : addressOf(was) !== 0 && addressOf(is) === 0;
    const name = part === 'upper' ? `BAR ${index - 1} upper half` : `BAR ${index}`;
    return gone ? [{ offset, evidence: `${name} ${hex(is, 8)}, was ${hex(was, 8)}` }] : [];
  });
  if (lost.length === 0) return null;
  return {
    kind: 'baseAddressesZero',
    evidence: lost.map(({ evidence }) => evidence).join('; '),
    offsets: lost.map(({ offset }) => offset),
  };
};

const seenIn = (
  before: Uint8Array,
  now: Uint8Array,
  placement: Placement,
  moment: RestoreMoment,
): readonly Seen[] => {
  if (readsAllOnes(now)) {
    return [{ kind: 'allOnes', evidence: 'The first 64 bytes read ff.', offsets: [configOffset.vendorId] }];
  }
  const seen: Seen[] = [];
  const bars = baseAddressesLost(before, now, placement);
  if (bars !== null) seen.push(bars);
  const wordHazard = (kind: HazardKind, name: string, offset: number, mask: number): void => {
    if (!bitsLost(before, now, offset, mask)) return;
    const evidence = `${name} ${hex(wordAt(now, offset), 4)}, was ${hex(wordAt(before, offset), 4)}`;
    seen.push({ kind, evidence, offsets: [offset] });
  };
  wordHazard('memoryOff', 'COMMAND', configOffset.command, commandBit.memorySpace);
  wordHazard('busMasterOff', 'COMMAND', configOffset.command, commandBit.busMaster);
  const msix = baseOf(placement, capabilityId.msix, false);
  if (msix !== null) {
    wordHazard('msixOff', 'Message Control', msix + msixRegister.control, msixControlBit.enable);
  }
  const msi = baseOf(placement, capabilityId.msi, false);
  if (msi !== null) wordHazard('msiOff', 'Message Control', msi + msiRegister.control, msiControlBit.enable);
  const express = baseOf(placement, capabilityId.pciExpress, false);
  if (express !== null) {
    const offset = express + pciExpressRegister.deviceControl;
    wordHazard('reportingOff', 'DevCtl', offset, deviceControlBit.allErrorReporting);
  }
  wordHazard('serrOff', 'COMMAND', configOffset.command, commandBit.serr);
  const aer = baseOf(placement, extendedCapabilityId.advancedErrorReporting, true);
  // Right after the reset the status is evidence that nobody has looked at yet; at the end it is left over.
  if (aer !== null && moment === 'end' && now.length >= aer + aerRegister.headerLog) {
    const status = longAt(now, aer + aerRegister.uncorrectableStatus);
    const names = decodeUncorrectable(status, 0).map(({ name }) => name);
    if (names.length > 0) {
      const evidence = `Uncorrectable Error Status ${hex(status, 8)} (${names.join(', ')})`;
      seen.push({ kind: 'errorStatusKept', evidence, offsets: [aer + aerRegister.uncorrectableStatus] });
    }
  }
  return seen;
};

/**
 * What is dangerous in the state that a device came back with, from what was read alone: `placement` is that of the
 * reading when armed, which everything is held against. The worst first; those that were put right come last.
 */
export const hazardsOf = (readings: Readings, placement: Placement): readonly Hazard[] => {
  const { armed } = readings;
  const later = (['duringWait', 'afterReset', 'end'] as const).filter(
    (moment) => readings[moment] !== undefined,
  );
  const last = later.at(-1);
  if (armed === undefined || last === undefined) return [];
  const found = new Map<HazardKind, Hazard>();
  for (const moment of later) {
    const now = readings[moment];
    if (now === undefined) continue;
    for (const { kind, evidence, offsets } of seenIn(armed, now, placement, moment)) {
      const state = moment === last ? 'present' : 'passed';
      found.set(kind, { kind, moment, state, ...words[kind], evidence, offsets });
    }
  }
  const rank = ({ kind, state }: Hazard): number =>
    hazardKinds.indexOf(kind) + (state === 'present' ? 0 : hazardKinds.length);
  return [...found.values()].sort((one, other) => rank(one) - rank(other));
};
