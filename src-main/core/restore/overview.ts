import { valueAt } from '../pci/bytes.ts';
import { configOffset } from '../pci/registers.ts';
import { placeRegisters } from '../pci/placement.ts';
import { hazardsOf, type Hazard, type Readings } from './hazards.ts';
import { restoreMoments, type RestoreMoment } from './recordings.ts';
import { registersOfStep, type StepRegister } from './stepRegisters.ts';
import type { RestoreStep } from './steps.ts';

/** A register at one moment, held against what it was when the device was armed. */
export interface RestoreCell {
  readonly moment: RestoreMoment;
  /** `back`: as when armed, after it had been something else. `notKept`: nobody read it then. */
  readonly state: 'same' | 'changed' | 'back' | 'notKept';
  /** Null when not kept. */
  readonly value: number | null;
}

/**
 * What became of a register by the last reading.
 * - `unchanged`: the same at every reading; `restored`: it was something else in between and is as before;
 * - `lost`: bits that were set are gone and none came; `hazard`: so, and dangerous; `changed`: any other difference;
 * - `cleared`: a status register that is zero again, which the step that clears it restores nothing for;
 * - `pending`: no reading to hold it against yet.
 */
export const verdicts = ['unchanged', 'restored', 'cleared', 'changed', 'lost', 'hazard', 'pending'] as const;
export type RestoreVerdict = (typeof verdicts)[number];

export interface RestoreRow extends StepRegister {
  readonly cells: readonly RestoreCell[];
  readonly verdict: RestoreVerdict;
  /** The hazards at the last reading that this register shows. */
  readonly hazards: readonly Hazard[];
}

export interface StepOverview {
  readonly step: RestoreStep;
  /** Whether the device has what this step writes; `unknown` until its config space was read. */
  readonly presence: 'present' | 'absent' | 'unknown';
  readonly rows: readonly RestoreRow[];
  /** Registers that never changed and say little, such as ids: counted, not listed. */
  readonly folded: number;
}

export interface RestoreOverview {
  readonly steps: readonly StepOverview[];
  readonly hazards: readonly Hazard[];
  /** The last moment that was kept; the verdicts are as of then. Null when nothing was. */
  readonly asOf: RestoreMoment | null;
}

const cellsOf = ({ offset, width }: StepRegister, readings: Readings): readonly RestoreCell[] => {
  let before: number | null = null;
  let differed = false;
  return restoreMoments.map((moment): RestoreCell => {
    const config = readings[moment];
    if (config === undefined || offset + width > config.length) {
      return { moment, state: 'notKept', value: null };
    }
    const value = valueAt(config, offset, width);
    before ??= value;
    if (value !== before) {
      differed = true;
      return { moment, state: 'changed', value };
    }
    return { moment, state: differed ? 'back' : 'same', value };
  });
};

const verdictOf = (
  step: RestoreStep,
  cells: readonly RestoreCell[],
  hazards: readonly Hazard[],
): RestoreVerdict => {
  const kept = cells.filter(({ state }) => state !== 'notKept');
  const before = kept[0]?.value ?? null;
  const after = kept.at(-1)?.value ?? null;
  if (kept.length < 2 || before === null || after === null) return 'pending';
  if (hazards.length > 0) return 'hazard';
  if (after === before) {
    if (kept.every(({ state }) => state === 'same')) return 'unchanged';
    return step.provenance === 'hardwareStatus' ? 'cleared' : 'restored';
  }
  return (after & ~before) === 0 || after === 2 ** 32 - 1 ? 'lost' : 'changed';
};

/** Rows of a step beyond which unchanged ones are folded: a header has twenty registers, a steering table sixty-four. */
const mostRows = 8;

const isTelling = (row: RestoreRow): boolean => {
  if (row.cells.some(({ state }) => state === 'changed')) return true;
  const value = row.cells.find((cell) => cell.value !== null)?.value ?? 0;
  return row.offset === configOffset.command || (row.label.startsWith('BAR ') && value !== 0);
};

const stepOverview = (
  step: RestoreStep,
  registers: readonly StepRegister[],
  readings: Readings,
  hazards: readonly Hazard[],
): StepOverview => {
  const rows = registers.map((register): RestoreRow => {
    const cells = cellsOf(register, readings);
    const own = hazards.filter(
      ({ state, offsets }) => state === 'present' && offsets.includes(register.offset),
    );
    return { ...register, cells, verdict: verdictOf(step, cells, own), hazards: own };
  });
  const shown = rows.length > mostRows ? rows.filter(isTelling) : rows;
  return {
    step,
    presence: registers.length === 0 ? 'absent' : 'present',
    rows: shown,
    folded: rows.length - shown.length,
  };
};

/**
 * The restore steps of a kernel beside what was read of a device: one view of its config space, at the moments that
 * were kept. It tells that values changed and came back; who wrote them no snapshot can tell.
 */
export const restoreOverview = (steps: readonly RestoreStep[], readings: Readings): RestoreOverview => {
  const kept = restoreMoments.filter((moment) => readings[moment] !== undefined);
  const first = kept[0] === undefined ? new Uint8Array(0) : (readings[kept[0]] ?? new Uint8Array(0));
  const placement = placeRegisters(first);
  const hazards = hazardsOf(readings, placement);
  return {
    steps: steps.map((step) =>
      kept.length === 0
        ? { step, presence: 'unknown', rows: [], folded: 0 }
        : stepOverview(step, registersOfStep(step, placement, first), readings, hazards),
    ),
    hazards,
    asOf: kept.at(-1) ?? null,
  };
};
