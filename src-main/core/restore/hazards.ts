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

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** A hazard as one reading shows it. */
export interface SeenHazard {
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

const baseAddressesLost = (before: Uint8Array, now: Uint8Array, placement: Placement): SeenHazard | null => {
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

/**
 * What one reading shows to be dangerous, held against `before`. `settled`: nothing more is going to be done, so that a
 * status that is still set is left over, and not evidence that somebody has yet to look at.
 */
export const hazardsIn = (
  before: Uint8Array,
  now: Uint8Array,
  placement: Placement,
  settled: boolean,
): readonly SeenHazard[] => {
  if (readsAllOnes(now)) {
    return [{ kind: 'allOnes', evidence: 'The first 64 bytes read ff.', offsets: [configOffset.vendorId] }];
  }
  const seen: SeenHazard[] = [];
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
  if (aer !== null && settled && now.length >= aer + aerRegister.headerLog) {
    const status = longAt(now, aer + aerRegister.uncorrectableStatus);
    const names = decodeUncorrectable(status, 0).map(({ name }) => name);
    if (names.length > 0) {
      const evidence = `Uncorrectable Error Status ${hex(status, 8)} (${names.join(', ')})`;
      seen.push({ kind: 'errorStatusKept', evidence, offsets: [aer + aerRegister.uncorrectableStatus] });
    }
  }
  return seen;
};
