import { markRaw, shallowRef, type ShallowRef } from 'vue';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import type { BenchError, Result } from '../../../src-main/core/result.ts';

const pageLines = 200;
/** Some 8,000 lines: what somebody scrolls over in a while. */
const pagesKept = 40;

type ReadLines = (from: number, count: number) => Promise<Result<readonly JournalLine[]>>;

/** The lines of a run, a page at a time as they come into sight. `version` changes when one has come. */
export class RunPages {
  readonly version: ShallowRef<number> = shallowRef(0);
  readonly trouble: ShallowRef<BenchError | null> = shallowRef(null);
  readonly #read: ReadLines;
  readonly #pages = new Map<number, readonly JournalLine[]>();
  readonly #asked = new Set<number>();

  constructor(read: ReadLines) {
    this.#read = read;
    markRaw(this);
  }

  /** The line with this index, or null while it is not here; `want` has it read. */
  line(index: number): JournalLine | null {
    return this.#pages.get(Math.floor(index / pageLines))?.[index % pageLines] ?? null;
  }

  /** Has the lines from `first` to `last` read, both included. */
  want(first: number, last: number): void {
    for (let page = Math.floor(Math.max(0, first) / pageLines); page * pageLines <= last; page += 1) {
      const kept = this.#pages.get(page);
      if (kept === undefined) void this.#ask(page);
      else {
        // The newest are at the end of the map.
        this.#pages.delete(page);
        this.#pages.set(page, kept);
      }
    }
  }

  /** Pages that were not full are read again: the run has more lines now. */
  grown(): void {
    for (const [page, lines] of this.#pages) if (lines.length < pageLines) this.#pages.delete(page);
    this.version.value += 1;
  }

  async #ask(page: number): Promise<void> {
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    const answer = await this.#read(page * pageLines, pageLines);
    this.#asked.delete(page);
    this.trouble.value = answer.ok ? null : answer.error;
    if (!answer.ok) return;
    this.#pages.set(page, answer.value);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= pagesKept) break;
      this.#pages.delete(oldest);
    }
    this.version.value += 1;
  }
}
