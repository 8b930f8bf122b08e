import type { SnapshotView } from '../../../src-main/core/journal/line.ts';
import type { AuditVerdict, FieldAudit, RegisterAudit } from '../../../src-main/core/restore/audit.ts';
import { findingText, provenanceText } from '../../../src-main/core/restore/auditText.ts';
import type { CellState } from '../../../src-main/core/restore/auditTable.ts';
import { momentOf, type SnapshotMomentKind } from '../../../src-main/core/restore/moments.ts';
import type { Finding } from '../../../src-main/core/restore/provenance.ts';
import type { RecordedRecovery } from '../../../src-main/core/restore/recordings.ts';
import type { StepSight } from '../../../src-main/core/restore/stepsTraced.ts';
import type { SnapshotDependence, StepProvenance } from '../../../src-main/core/restore/steps.ts';
import { onClock } from '../../snapshots/moments.ts';

const names: Readonly<Record<SnapshotMomentKind, string>> = {
  open: 'Open',
  armed: 'Armed',
  beforeFault: 'Before',
  duringWait: 'Error',
  afterReset: 'Reset',
  afterStep: 'Step',
  end: 'End',
  look: 'Look',
};

/** When exactly each reading was taken: it bounds what can have changed a value in between. */
const meanings: Readonly<Record<SnapshotMomentKind, string>> = {
  open: 'Right after the device was opened.',
  armed: 'When the device was armed, before any error.',
  beforeFault: 'Right before the bench injected a fault.',
  duringWait:
    'Right after the signal, before the ack; not where whoever waits for the signals acked at once.',
  afterReset: 'After the reset, before the bench wrote anything back.',
  afterStep: 'After one step of bringing the device back.',
  end: 'When the recovery had its outcome.',
  look: 'When somebody asked for it.',
};

/** Short enough for a column. */
export const momentName = (text: string): string => {
  const moment = momentOf(text);
  if (moment === null) return text;
  return moment.kind === 'afterStep' ? moment.step : names[moment.kind];
};

export const momentMeaning = (text: string): string => {
  const moment = momentOf(text);
  return moment === null ? text : meanings[moment.kind];
};

export const viewNames: Readonly<Record<SnapshotView, string>> = { hardware: 'Hardware', vfio: 'VFIO' };

export const dependenceWords: Readonly<Record<SnapshotDependence, string>> = {
  yes: 'yes',
  gated: 'gated',
  no: 'no',
  notARestore: '–',
};

export const sourceWords: Readonly<Record<StepProvenance, string>> = {
  lastSave: 'last save',
  liveKernelState: 'live',
  policy: 'policy',
  hardwareStatus: 'clears',
};

/** The sign in a cell; it says without colour what the colour says. */
export const cellSigns: Readonly<Record<CellState, string>> = {
  same: '=',
  changed: '≠',
  back: '↩',
  before: '~',
  notRead: '·',
};

export const cellMeanings: Readonly<Record<CellState, string>> = {
  same: 'as when armed',
  changed: 'differs',
  back: 'as when armed again',
  before: 'another value, before it was armed',
  notRead: 'not read',
};

/** What a trace of the kernel says of a step. */
export const sightMeanings: Readonly<Record<StepSight, string>> = {
  ran: 'The trace of the kernel saw it run.',
  didNotRun: 'The trace of the kernel would have seen it, and did not.',
  unseen: 'The trace cannot show it: this kernel lacks the function or has made it part of another one.',
  notTraced: 'The kernel was not traced; the step is inferred from the values.',
};

export const ranWords = (count: number): string =>
  count === 1
    ? 'a trace saw it run before this reading'
    : `a trace saw it run ${count} times before this reading`;

export const verdictTones: Readonly<Record<AuditVerdict, string>> = {
  expected: '',
  restored: 'good',
  changed: 'warn',
  lost: 'fatal',
  hazard: 'fatal',
};

export const verdictMeanings: Readonly<Record<AuditVerdict, string>> = {
  expected: 'It never changed, the device or the bench changed it, or it is a status that was cleared.',
  restored: 'It was something else in between and has the value of when it was armed again.',
  changed: 'Not the value of when it was armed.',
  lost: 'Bits that were set when armed are gone, and none came.',
  hazard: 'Part of a hazard that is still there: see below.',
};

/** For a column; the whole of it is `findingText` of the core. */
export const findingWords = (finding: Finding | null): string => {
  if (finding === null) return 'by field';
  switch (finding.certainty) {
    case 'proved':
    case 'inferred':
      if (finding.evidence.some(({ kind }) => kind === 'setByDevice')) return 'the device itself';
      return `${finding.source === null ? 'unknown' : provenanceText[finding.source]}, ${finding.certainty}`;
    case 'ambiguous':
      return `ambiguous: ${finding.candidates.length} sources`;
    case 'open':
      return finding.evidence.some(({ kind }) => kind === 'unexplained') ? 'unexplained' : 'unknown';
  }
};

export interface FindingGroup {
  readonly fields: readonly FieldAudit[];
  readonly finding: Finding;
  readonly text: string;
}

/** The findings of a register, each once, with the fields that it is of; one without fields has its own. */
export const findingGroups = ({ fields, finding }: RegisterAudit): readonly FindingGroup[] => {
  if (fields.length === 0)
    return finding === null ? [] : [{ fields: [], finding, text: findingText(finding) }];
  const groups = new Map<string, { fields: FieldAudit[]; finding: Finding; text: string }>();
  for (const field of fields) {
    const key = JSON.stringify(field.finding);
    const known = groups.get(key);
    if (known === undefined) {
      groups.set(key, { fields: [field], finding: field.finding, text: findingText(field.finding) });
    } else known.fields.push(field);
  }
  return [...groups.values()];
};

export const recoveryName = ({ number, openedAt, outcome, severity }: RecordedRecovery): string =>
  number === null
    ? `Armed at ${onClock(openedAt)}, no error yet`
    : `Recovery ${number} at ${onClock(openedAt)}, ${severity === 'nonFatal' ? 'non-fatal' : severity}, ${outcome ?? 'open'}`;
