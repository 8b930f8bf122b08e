import type { JournalLine } from '../core/journal/line.ts';

/** Older lines are read from the journal. */
const linesKept = 100_000;
/** How many are let go at once, because moving the rest costs time. */
const slack = 10_000;

/** The first index whose line has this number or a higher one. */
const lowerBound = (lines: readonly JournalLine[], seq: number): number => {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle] as JournalLine).seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The newest lines of one run, oldest first. */
export class LineStore {
  readonly #kept: number;
  readonly #slack: number;
  #lines: JournalLine[] = [];

  constructor(kept = linesKept, room = slack) {
    this.#kept = kept;
    this.#slack = room;
  }

  add(line: JournalLine): void {
    this.#lines.push(line);
    if (this.#lines.length >= this.#kept + this.#slack) this.#lines = this.#lines.slice(-this.#kept);
  }

  /** The number of the oldest line that is kept; 1 while there is none. */
  get first(): number {
    return this.#lines[0]?.seq ?? 1;
  }

  newest(count: number): readonly JournalLine[] {
    return this.#lines.slice(-count);
  }

  /** Up to `count` lines with numbers below `seq`, the newest of them. */
  before(seq: number, count: number): readonly JournalLine[] {
    const to = lowerBound(this.#lines, seq);
    return this.#lines.slice(Math.max(0, to - count), to);
  }
}
