/**
 * Marking: distinct values in harmless registers, written before a fault and during it, so that afterwards the value
 * alone says which source it came from. What may be written is kept short on purpose; each register has its reason.
 */
import { valueAt } from '../pci/bytes.ts';
import { capabilityId, extendedCapabilityId } from '../pci/capability-ids.ts';
import { aerRegister, deviceControlBit, pciExpressRegister } from '../pci/capability-registers.ts';
import { placeRegisters, type Placement } from '../pci/placement.ts';
import { configOffset } from '../pci/registers.ts';

/**
 * - `armed`: after the open-time snapshot was taken, so that a later save differs from it;
 * - `duringWait`: after the kernel saved, if it did, so that what is lost with the reset differs from that save;
 * - `afterReset`: before DEVICE_RESET saves, so that its save differs from all before it.
 */
export const markingMoments = ['armed', 'duringWait', 'afterReset'] as const;
export type MarkingMoment = (typeof markingMoments)[number];

export interface Mark {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly label: string;
  /** Why writing it does no harm. */
  readonly reason: string;
  /**
   * Sticky (RWS): no reset changes it. What a DEVICE_RESET saved and restored of it is then the same as what was left.
   */
  readonly sticky: boolean;
  /** The only bits that are written; in the register. */
  readonly mask: number;
  /** These bits as they were. */
  readonly original: number;
  /** What to write there; a moment for which no distinct value is left is not there. */
  readonly values: Readonly<Partial<Record<MarkingMoment, number>>>;
}

export interface MarkingPlan {
  readonly marks: readonly Mark[];
  /** Registers that look like good marks and are left alone. */
  readonly leftAlone: readonly { readonly label: string; readonly reason: string }[];
}

/** One write through VFIO. */
export interface MarkWrite {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly value: number;
}

type Candidate = Pick<Mark, 'offset' | 'width' | 'label' | 'reason' | 'sticky' | 'mask'> & {
  /** In the order of preference. */
  readonly values: readonly number[];
};

const baseOf = ({ capabilities }: Placement, id: number, extended: boolean): number | null =>
  capabilities.find(({ entry }) => entry.id === id && entry.extended === extended)?.base ?? null;

const cacheLine: Candidate = {
  offset: configOffset.cacheLineSize,
  width: 1,
  label: 'Cache Line Size',
  reason: 'It has no effect on a PCI Express function (PCIe 7.5.1.1.7), and VFIO passes the write on.',
  sticky: false,
  mask: 0xff,
  values: [0x24, 0x28, 0x2c, 0x30, 0x34],
};

/** Replay number rollover and replay timer time-out: both correctable, of the link, and nothing recovers from them. */
const correctable = { rollover: 0x0100, timer: 0x1000 } as const;

const correctableMask = (aer: number): Candidate => ({
  offset: aer + aerRegister.correctableMask,
  width: 4,
  label: 'Correctable Error Mask',
  reason:
    'Only the replay errors of the link are masked, which hardware corrects and no recovery starts from; they go uncounted meanwhile.',
  sticky: true,
  mask: correctable.rollover | correctable.timer,
  values: [correctable.rollover, correctable.timer, correctable.rollover | correctable.timer],
});

const { relaxedOrdering, noSnoop } = deviceControlBit;

/** Only bits that are set are cleared: what is taken away is a permission, which no device needs to be correct. */
const deviceControl = (express: number, config: Uint8Array): Candidate => {
  const offset = express + pciExpressRegister.deviceControl;
  const mask = valueAt(config, offset, 2) & (relaxedOrdering | noSnoop);
  return {
    offset,
    width: 2,
    label: 'Device Control, Relaxed Ordering and No Snoop',
    reason:
      'Clearing them only takes a permission from the device (PCIe 7.5.3.4); payload, tags and reporting are not touched.',
    sticky: false,
    mask,
    // Both clear is what a reset may leave, and would mark nothing.
    values: [relaxedOrdering, noSnoop].filter((value) => value !== mask && (value & mask) !== 0),
  };
};

const leftAlone = (placement: Placement): MarkingPlan['leftAlone'] => {
  const conventional = baseOf(placement, capabilityId.pciExpress, false) === null;
  const has = (id: number, extended: boolean): boolean => baseOf(placement, id, extended) !== null;
  const all: readonly (readonly [boolean, string, string])[] = [
    [true, 'Interrupt Line', 'VFIO keeps writes to it in memory; they never reach the hardware.'],
    [conventional, 'Cache Line Size', 'On conventional PCI it governs Memory Write and Invalidate.'],
    [
      true,
      'Latency Timer',
      conventional
        ? 'It governs the arbitration of the bus.'
        : 'It is 0 in PCI Express functions (PCIe 7.5.1.1.8).',
    ],
    [
      has(capabilityId.pciExpress, false),
      'Device Control, Max Payload',
      'A wrong size makes malformed TLPs.',
    ],
    [has(capabilityId.msi, false), 'MSI mask bits', 'A masked vector is a lost interrupt.'],
    [has(capabilityId.msix, false), 'MSI-X control', 'The kernel owns it; VFIO lets nobody write it.'],
    [
      has(extendedCapabilityId.advancedErrorReporting, true),
      'Uncorrectable mask and severity',
      'They decide which errors are told and how: the recovery would be another one.',
    ],
    [
      has(extendedCapabilityId.latencyToleranceReporting, true),
      'LTR latencies',
      'VFIO lets nobody write them.',
    ],
  ];
  return all.flatMap(([there, label, reason]) => (there ? [{ label, reason }] : []));
};

/** A device that does not answer reads ones everywhere; what is written to it goes nowhere. */
const answers = ({ offset, width }: Pick<Mark, 'offset' | 'width'>, current: Uint8Array): boolean =>
  offset + width <= current.length && valueAt(current, offset, width) !== 2 ** (8 * width) - 1;

const markOf = (candidate: Candidate, config: Uint8Array): Mark | null => {
  const { values, ...rest } = candidate;
  const { offset, width, mask } = rest;
  if (mask === 0 || !answers(rest, config)) return null;
  const original = (valueAt(config, offset, width) & mask) >>> 0;
  const distinct = values.filter((value) => value !== original);
  const chosen: Partial<Record<MarkingMoment, number>> = {};
  markingMoments.forEach((moment, index) => {
    // The reset that comes between takes the first value away, so it tells as much the second time.
    const value = distinct[index] ?? (moment === 'afterReset' ? distinct[0] : undefined);
    if (value !== undefined) chosen[moment] = value;
  });
  return distinct.length === 0 ? null : { ...rest, original, values: chosen };
};

/** What can be marked on the device that `config` was read of, in the hardware's view or VFIO's; it may be nothing. */
export const markingPlan = (config: Uint8Array): MarkingPlan => {
  const placement = placeRegisters(config);
  const express = baseOf(placement, capabilityId.pciExpress, false);
  const aer = baseOf(placement, extendedCapabilityId.advancedErrorReporting, true);
  const candidates = [
    ...(express === null ? [] : [cacheLine, deviceControl(express, config)]),
    ...(aer === null ? [] : [correctableMask(aer)]),
  ];
  // A bridge belongs to the host, never to VFIO.
  const marks =
    placement.headerKind === 'endpoint'
      ? candidates.flatMap((candidate) => markOf(candidate, config) ?? [])
      : [];
  return { marks, leftAlone: leftAlone(placement) };
};

const write = ({ offset, width, mask }: Mark, bits: number, current: Uint8Array): MarkWrite => ({
  offset,
  width,
  value: ((valueAt(current, offset, width) & ~mask) | bits) >>> 0,
});

/** The writes of one moment, to the registers that answer; `current` is a reading of that moment, whose other bits are kept. */
export const marksAt = (
  plan: MarkingPlan,
  moment: MarkingMoment,
  current: Uint8Array,
): readonly MarkWrite[] =>
  plan.marks.flatMap((mark) => {
    const bits = mark.values[moment];
    return bits === undefined || !answers(mark, current) ? [] : [write(mark, bits, current)];
  });

const bitsIn = ({ offset, width, mask }: Mark, config: Uint8Array): number =>
  (valueAt(config, offset, width) & mask) >>> 0;

/** The plan with those registers only that took the marks of `moment`: some are hardwired. */
export const marksThatTook = (plan: MarkingPlan, moment: MarkingMoment, after: Uint8Array): MarkingPlan => ({
  ...plan,
  marks: plan.marks.filter((mark) => {
    const wanted = mark.values[moment];
    return wanted === undefined || bitsIn(mark, after) === wanted;
  }),
});

/** The marked registers that do not hold what they held before. */
export const stillMarked = (plan: MarkingPlan, current: Uint8Array): readonly Mark[] =>
  plan.marks.filter((mark) => !answers(mark, current) || bitsIn(mark, current) !== mark.original);

/** The writes that put every marked register back that answers; none for one that is as it was. */
export const unmark = (plan: MarkingPlan, current: Uint8Array): readonly MarkWrite[] =>
  plan.marks
    .filter((mark) => answers(mark, current) && bitsIn(mark, current) !== mark.original)
    .map((mark) => write(mark, mark.original, current));
