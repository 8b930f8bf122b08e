import type { JournalLine, LineOf } from '../journal/line.ts';
import { isOutcome } from '../recovery/phase.ts';
import { momentOf } from './moments.ts';
import type { RecordedRecovery } from './recordings.ts';

type ReadingLine = LineOf<'snapshot' | 'unreadable'>;

const isReading = (line: JournalLine): line is ReadingLine =>
  line.type === 'snapshot' || line.type === 'unreadable';

const isLoose = (line: JournalLine): line is ReadingLine => isReading(line) && line.recovery === null;

const isOpening = (line: JournalLine | undefined): boolean =>
  line !== undefined && isReading(line) && momentOf(line.moment)?.kind === 'open';

/** What was read at the opening comes before its `operation` line; journals of before have no such readings. */
const openingBefore = (lines: readonly JournalLine[], seq: number): number => {
  let first = lines.findLastIndex(
    (line) =>
      line.seq <= seq &&
      (isOpening(line) || (line.type === 'operation' && line.operation === 'open' && line.result === 'done')),
  );
  while (first > 0 && isOpening(lines[first - 1])) first -= 1;
  return Math.max(0, first);
};

/** Where the recovery ends: before the next one, the next arming, or the reading that the next fault begins with. */
const endOf = (lines: readonly JournalLine[], { seq, number }: RecordedRecovery): number => {
  const first = lines.findIndex((line) => line.seq >= seq);
  if (first === -1) return lines.length;
  let concluded = false;
  for (let index = first; index < lines.length; index += 1) {
    const line = lines[index];
    if (line === undefined) continue;
    const own = 'recovery' in line && line.recovery === number;
    if (line.type === 'step' && own && isOutcome(line.phase)) concluded = true;
    if (index === first) continue;
    if (line.type === 'armed') return index;
    if ('recovery' in line && line.recovery !== null && !own) return index;
    // What came of a fault may be known only when the recovery that it led to is over.
    const another = line.type === 'fault' && line.receipt === null;
    if (concluded && (another || isLoose(line))) return index;
  }
  return lines.length;
};

/** More recoveries of one opening than this are not gone through for one of them: who looks on does so at each line. */
const mostBefore = 4;

export interface HistoryLines {
  readonly lines: readonly JournalLine[];
  /** How many of them come before those that were left out; null: none was. */
  readonly gap: number | null;
}

/**
 * The lines that one recovery builds upon: from the device's last opening before it, or the first line there is, to its
 * end. Of many recoveries before it the oldest are left out; the opening and the last arming stay.
 */
export const historyLines = (run: readonly JournalLine[], recovery: RecordedRecovery): HistoryLines => {
  const lines = run.filter((line) => line.type !== 'kernelTrace' || line.device !== null);
  const all = lines.slice(openingBefore(lines, recovery.seq), endOf(lines, recovery));
  const starts: number[] = [];
  let under: number | null = null;
  all.forEach((line, index) => {
    if (line.type === 'armed') under = null;
    if (!('recovery' in line) || line.recovery === null || line.recovery === under) return;
    under = line.recovery;
    if (line.seq < recovery.seq) starts.push(index);
  });
  const [first] = starts;
  const cut = starts.at(-mostBefore);
  if (first === undefined || cut === undefined || cut <= first) return { lines: all, gap: null };
  const arming = all.findLastIndex((line) => line.type === 'armed' && line.seq <= recovery.seq);
  const armed = all
    .slice(first, cut)
    .filter((line, index) => first + index > arming && isLoose(line) && line.moment === 'armed');
  const before = [...all.slice(0, first), ...armed];
  return { lines: [...before, ...all.slice(cut)], gap: before.length };
};

/** Whether a line is of this device, or of none and says whether the kernel is traced: what a history is made from. */
export const concerns = (line: JournalLine, device: string): boolean =>
  'device' in line && (line.device === device || (line.type === 'kernelTrace' && line.device === null));

/** The lines of a device that a history is made of; the others may be forgotten. */
export const tellsOfRestore = ({ type }: JournalLine): boolean =>
  type === 'armed' ||
  type === 'disarmed' ||
  type === 'uevent' ||
  type === 'step' ||
  type === 'snapshot' ||
  type === 'unreadable' ||
  type === 'operation' ||
  type === 'fault' ||
  type === 'kernelTrace';
