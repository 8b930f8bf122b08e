import type { JournalLine, LineOf, SnapshotView } from '../journal/line.ts';
import { isOutcome, type Microseconds, type Outcome, type Protocol } from '../recovery/phase.ts';
import type { Severity } from '../recovery/reports.ts';

type ReadingLine = LineOf<'snapshot' | 'unreadable'>;

/** When the bench keeps the config space, in this order: before the error, and three times in a recovery. */
export const restoreMoments = ['armed', 'duringWait', 'afterReset', 'end'] as const;
export type RestoreMoment = (typeof restoreMoments)[number];

export interface MomentRecording {
  readonly at: Microseconds;
  /** Packed as in the `snapshot` line; a view that could not be read then is not there. */
  readonly views: Readonly<Partial<Record<SnapshotView, string>>>;
}

export interface RecordedRecovery {
  /** Number of the journal line that it begins with: unique in a run, as recovery numbers are not. */
  readonly seq: number;
  /** Null: armed, and no error yet. */
  readonly number: number | null;
  readonly openedAt: Microseconds;
  readonly protocol: Protocol | null;
  readonly severity: Severity;
  readonly outcome: Outcome | null;
  readonly moments: Readonly<Partial<Record<RestoreMoment, MomentRecording>>>;
}

const isReading = (line: JournalLine): line is ReadingLine =>
  line.type === 'snapshot' || line.type === 'unreadable';

const isMoment = (text: string): text is RestoreMoment =>
  (restoreMoments as readonly string[]).includes(text);

type Draft = {
  -readonly [Key in keyof RecordedRecovery]: Key extends 'moments'
    ? Partial<Record<RestoreMoment, MomentRecording>>
    : RecordedRecovery[Key];
};

/** Both views of a moment are two lines, one right after the other. */
const withView = (known: MomentRecording | undefined, line: ReadingLine): MomentRecording => ({
  at: known?.at ?? line.taken ?? line.at,
  views: { ...known?.views, ...(line.type === 'snapshot' ? { [line.view]: line.bytes } : {}) },
});

interface Baseline {
  readonly seq: number;
  /** Views that were read, or could not be. */
  readonly told: readonly SnapshotView[];
  readonly recording: MomentRecording;
}

const nextBaseline = (known: Baseline | null, line: ReadingLine): Baseline => {
  const { view, seq } = line;
  return known === null || known.told.includes(view)
    ? { seq, told: [view], recording: withView(undefined, line) }
    : { seq: known.seq, told: [...known.told, view], recording: withView(known.recording, line) };
};

/** What the lines of one device kept of its config space, recovery by recovery, oldest first. */
export const recordedRecoveries = (lines: readonly JournalLine[]): readonly RecordedRecovery[] => {
  const found: Draft[] = [];
  let protocol: Protocol | null = null;
  let baseline: Baseline | null = null;
  let open = new Map<number, Draft>();

  const recoveryOf = (number: number, line: JournalLine): Draft => {
    const known = open.get(number);
    if (known !== undefined) return known;
    const moments = baseline === null ? {} : { armed: baseline.recording };
    const { seq, at: openedAt } = line;
    const draft: Draft = { seq, number, openedAt, protocol, severity: 'unknown', outcome: null, moments };
    open.set(number, draft);
    found.push(draft);
    return draft;
  };

  for (const line of lines) {
    if (line.type === 'armed') {
      ({ protocol } = line.arming);
      // Recoveries are counted from 1 again; what was kept when the device was armed stays good until it is kept anew.
      open = new Map();
    } else if (isReading(line) && line.recovery === null && line.moment === 'armed') {
      baseline = nextBaseline(baseline, line);
    } else if (isReading(line) && line.recovery !== null && isMoment(line.moment)) {
      const { moments } = recoveryOf(line.recovery, line);
      moments[line.moment] = withView(moments[line.moment], line);
    } else if (line.type === 'step' && line.recovery !== null) {
      // A device that answers nothing while it is in error leaves no reading, but the recovery was there.
      const draft = recoveryOf(line.recovery, line);
      if (line.event.kind === 'inspected' && line.event.result.ok)
        draft.severity = line.event.result.value.severity;
      if (isOutcome(line.phase)) draft.outcome = line.phase;
    }
  }
  const last = found.at(-1);
  if (baseline !== null && (last === undefined || last.seq < baseline.seq)) {
    const { seq, recording } = baseline;
    found.push({
      seq,
      number: null,
      openedAt: recording.at,
      protocol,
      severity: 'unknown',
      outcome: null,
      moments: { armed: recording },
    });
  }
  return found;
};

/** The recovery that was under way at a moment, or the last one before it; the newest when none is given. */
export const recoveryAt = (
  recoveries: readonly RecordedRecovery[],
  at: Microseconds | null,
): RecordedRecovery | null =>
  (at === null ? undefined : recoveries.findLast(({ openedAt }) => openedAt <= at)) ??
  recoveries.at(-1) ??
  null;
