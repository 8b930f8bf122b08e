import type { JournalLine, LineOf, SnapshotView } from '../../../src-main/core/journal/line.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import { momentOf } from '../../../src-main/core/restore/moments.ts';
import { onClock } from '../../snapshots/moments.ts';

/** A reading that the run kept, of one view. `id` is the number of its line; it also stands in the choice. */
export interface KeptReading {
  readonly id: number;
  readonly at: Microseconds;
  readonly name: string;
  readonly packed: string;
}

const momentWords: Readonly<Record<string, string>> = {
  armed: 'armed',
  duringWait: 'error',
  afterReset: 'after reset',
  end: 'end',
};

const wordsOf = (text: string): string => {
  const moment = momentOf(text);
  return moment?.kind === 'afterStep' ? `after ${moment.step}` : (momentWords[text] ?? text);
};

const takenAt = ({ taken, at }: LineOf<'snapshot'>): Microseconds => taken ?? at;

const nameOf = (line: LineOf<'snapshot'>): string => {
  const where = line.recovery === null ? '' : `recovery ${line.recovery}, `;
  return `${where}${wordsOf(line.moment)}, ${onClock(takenAt(line))}`;
};

/** The readings of one view, newest first. */
export const keptReadings = (lines: readonly JournalLine[], view: SnapshotView): readonly KeptReading[] =>
  lines
    .filter(
      (line): line is JournalLine & LineOf<'snapshot'> => line.type === 'snapshot' && line.view === view,
    )
    .map((line) => ({ id: line.seq, at: takenAt(line), name: nameOf(line), packed: line.bytes }))
    .toReversed();

/** The last reading at or before a moment. */
export const readingAt = (readings: readonly KeptReading[], at: Microseconds): KeptReading | undefined =>
  readings.find((reading) => reading.at <= at);
