import type { JournalLine } from '../core/journal/line.ts';
import type { Result } from '../core/result.ts';
import { indexNewLines, LineIndex, readLines } from './lineIndex.ts';

/** The lines of a run that is being recorded, as far as they are no longer in memory. */
export class JournalArchive {
  readonly #path: string;
  readonly #index = new LineIndex();
  /** One reader at a time: two would index the same lines twice. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** `count` lines from this number on. The file is this process's own: the number of a line is its place. */
  read(seq: number, count: number): Promise<Result<readonly JournalLine[]>> {
    const mine = this.#turn.then(async () => {
      const indexed = await indexNewLines(this.#path, this.#index, seq);
      return indexed.ok ? readLines(this.#path, this.#index.placeOf(seq - 1), count) : indexed;
    });
    this.#turn = mine;
    return mine;
  }
}
