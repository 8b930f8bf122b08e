import type { SnapshotView } from '../../../src-main/core/journal/line.ts';
import type { RestoreCell, RestoreVerdict, StepOverview } from '../../../src-main/core/restore/overview.ts';
import type { RecordedRecovery, RestoreMoment } from '../../../src-main/core/restore/recordings.ts';
import type { SnapshotDependence, StepProvenance } from '../../../src-main/core/restore/steps.ts';
import { hexOf } from '../../snapshots/hex.ts';
import { onClock } from '../../snapshots/moments.ts';

export const momentNames: Readonly<Record<RestoreMoment, string>> = {
  armed: 'Armed',
  duringWait: 'Error',
  afterReset: 'Reset',
  end: 'End',
};

/** When exactly each reading was taken: it bounds what can have changed a value in between. */
export const momentMeanings: Readonly<Record<RestoreMoment, string>> = {
  armed: 'When the device was armed, before any error.',
  duringWait: 'Right after the signal, before the device was quiesced.',
  afterReset: 'After the reset, before the bench wrote anything back.',
  end: 'When the recovery had its outcome.',
};

export const viewNames: Readonly<Record<SnapshotView, string>> = { hardware: 'Hardware', vfio: 'VFIO' };

export const dependenceWords: Readonly<Record<SnapshotDependence, string>> = {
  yes: 'yes',
  gated: 'gated',
  no: 'no',
  notARestore: '–',
};

export const provenanceWords: Readonly<Record<StepProvenance, string>> = {
  lastSave: 'last save',
  liveKernelState: 'live',
  policy: 'policy',
  hardwareStatus: 'clears',
};

/** The sign in a cell; it says without colour what the colour says. */
export const cellSigns: Readonly<Record<RestoreCell['state'], string>> = {
  same: '=',
  changed: '≠',
  back: '↩',
  notKept: '·',
};

export const cellMeanings: Readonly<Record<RestoreCell['state'], string>> = {
  same: 'as when armed',
  changed: 'differs',
  back: 'as when armed again',
  notKept: 'not read',
};

export const verdictTones: Readonly<Record<RestoreVerdict, string>> = {
  unchanged: '',
  restored: 'good',
  cleared: 'good',
  changed: 'warn',
  lost: 'fatal',
  hazard: 'fatal',
  pending: '',
};

export const verdictMeanings: Readonly<Record<RestoreVerdict, string>> = {
  unchanged: 'The same at every reading.',
  restored: 'It was something else in between and has the value of when it was armed again.',
  cleared: 'A status that is clear again.',
  changed: 'Not the value of when it was armed.',
  lost: 'Bits that were set when armed are gone.',
  hazard: 'Bits that were set when armed are gone, and that is dangerous: see below.',
  pending: 'There is no later reading to hold it against.',
};

export const recoveryName = ({ number, openedAt, outcome, severity }: RecordedRecovery): string =>
  number === null
    ? `Armed at ${onClock(openedAt)}, no error yet`
    : `Recovery ${number} at ${onClock(openedAt)}, ${severity === 'nonFatal' ? 'non-fatal' : severity}, ${outcome ?? 'open'}`;

const textOfCell = ({ value, state }: RestoreCell, width: 1 | 2 | 4): string =>
  value === null ? cellSigns[state] : hexOf(value, width);

/** The table as text with tabs, for a mail or a sheet. */
export const tableText = (steps: readonly StepOverview[], moments: readonly RestoreMoment[]): string => {
  const head = ['step', 'source', 'snapshot-dependent', 'register', ...moments, 'provenance', 'verdict'];
  const rows = steps.flatMap(({ step, presence, rows: registers, folded }) => {
    const start = [step.name, provenanceWords[step.provenance], dependenceWords[step.snapshotDependent]];
    if (presence !== 'present')
      return [
        [...start, '', ...moments.map(() => ''), '', presence === 'absent' ? 'not on this device' : ''],
      ];
    const listed = registers.map((row) => [
      ...start,
      row.label,
      ...row.cells.map((cell) => textOfCell(cell, row.width)),
      row.verdict === 'unchanged' || row.verdict === 'pending' ? '' : 'unknown',
      row.verdict,
    ]);
    return folded === 0
      ? listed
      : [...listed, [...start, `${folded} more`, ...moments.map(() => ''), '', 'unchanged']];
  });
  return [head, ...rows].map((row) => row.join('\t')).join('\n');
};
