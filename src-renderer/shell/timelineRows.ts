import type { LogRow, RigLog } from '../stores/rigLog.ts';
import { isOutcome, type Microseconds } from '../../src-main/core/recovery/phase.ts';

/** A row as it is drawn: a phase that begins stands in a row of its own, right after what began it. */
export interface TimelineEntry extends LogRow {
  readonly begins: boolean;
}

const entriesOf = (row: LogRow): readonly TimelineEntry[] =>
  // An outcome has a row of its own already: what the step concluded with.
  row.phase === null || isOutcome(row.phase)
    ? [{ ...row, begins: false }]
    : [
        { ...row, begins: false },
        { ...row, begins: true, part: row.part + 0.5, text: row.phase, tone: 'waiting' },
      ];

const textOf = (row: LogRow): string => `${row.text} ${row.device ?? ''} ${row.why}`.toLowerCase();

/** Whether a row has all words of the filter. */
export const rowMatches = (row: LogRow, words: readonly string[]): boolean => {
  if (words.length === 0) return true;
  const text = textOf(row);
  return words.every((word) => text.includes(word));
};

export const wordsOf = (filter: string): readonly string[] =>
  filter.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * The entries of a log that match, kept up with it: only what is new is looked at, unless the filter is another one or rows
 * came in front.
 */
export class FilteredRows {
  #log: RigLog | null = null;
  #filter = '';
  #device: string | null = null;
  #prepends = 0;
  #clears = 0;
  #frontShift = 0;
  #seen = 0;
  #entries: TimelineEntry[] = [];

  /** The array is the same one as long as it is only appended to. */
  read(log: RigLog, filter: string, device: string | null): readonly TimelineEntry[] {
    const words = wordsOf(filter);
    const fresh =
      log !== this.#log ||
      filter !== this.#filter ||
      device !== this.#device ||
      log.prepends !== this.#prepends ||
      log.clears !== this.#clears;
    if (fresh) {
      this.#log = log;
      this.#filter = filter;
      this.#device = device;
      this.#prepends = log.prepends;
      this.#clears = log.clears;
      this.#frontShift = log.frontShift;
      this.#seen = 0;
      this.#entries = [];
    }
    if (log.frontShift < this.#frontShift) this.#dropFront(log);
    for (let index = this.#seen; index < log.rows.length; index += 1) {
      const row = log.rows[index];
      if (row === undefined) continue;
      if (device !== null && row.device !== null && row.device !== device) continue;
      for (const entry of entriesOf(row)) if (rowMatches(entry, words)) this.#entries.push(entry);
    }
    this.#seen = log.rows.length;
    return this.#entries;
  }

  /** What the log has dropped goes; the array is another one then. */
  #dropFront(log: RigLog): void {
    this.#seen = Math.max(0, this.#seen - (this.#frontShift - log.frontShift));
    this.#frontShift = log.frontShift;
    const from =
      log.rows[0] === undefined ? this.#entries.length : indexOfSeq(this.#entries, log.rows[0].seq, 0);
    this.#entries = this.#entries.slice(from);
  }
}

/** The index of the last row that is not after the moment, or -1. Rows of one line may go back a little: that is fine here. */
export const lastRowAt = (rows: readonly LogRow[], moment: Microseconds): number => {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.at ?? Infinity) <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** The index of a row by its place in the journal, or of the one that follows where it would be. */
export const indexOfSeq = (rows: readonly LogRow[], seq: number, part: number): number => {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && (row.seq < seq || (row.seq === seq && row.part < part))) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Where a recovery began: the last row with `errorDetected` that is not after the moment; null before the first. */
export const originOf = (rows: readonly LogRow[], moment: Microseconds | null): Microseconds | null => {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row?.phase === 'errorDetected' && (moment === null || row.at <= moment)) return row.at;
  }
  return null;
};

/** `+1.310`: seconds since the origin, to the millisecond as long as that is readable. */
export const relativeTime = (at: Microseconds, origin: Microseconds): string => {
  const seconds = (at - origin) / 1_000_000;
  const sign = seconds < 0 ? '-' : '+';
  const size = Math.abs(seconds);
  return size < 9_999.9995 ? `${sign}${size.toFixed(3)}` : `${sign}${Math.round(size)}`;
};
