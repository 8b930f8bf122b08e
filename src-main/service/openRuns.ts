import type { JournalLine, OpenedRun, RunMoment } from '../../preload/contract/views.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { failure, success, type Result } from '../core/result.ts';
import { pathOfRun, runEntry } from '../journal/catalogue.ts';
import { RunReading } from './runReading.ts';

/** Readings that are kept: two that are compared, and two more to go back to. */
const readingsKept = 4;
/** A run that takes longer to read is answered for by what is known then. In milliseconds. */
const patience = 300;

/** The runs that somebody looks at. */
export class OpenRuns {
  readonly #directory: string | null;
  readonly #patience: number;
  readonly #readings = new Map<string, RunReading>();

  constructor(directory: string | null, answerAfter = patience) {
    this.#directory = directory;
    this.#patience = answerAfter;
  }

  path(run: string): Result<string> {
    return this.#directory === null
      ? failure('unknownRun', 'This bench records nothing, so there are no runs.')
      : pathOfRun(this.#directory, run);
  }

  /** Reads a run, or says how far that is. One that has grown since is read anew. */
  async open(run: string): Promise<Result<OpenedRun>> {
    const path = this.path(run);
    if (!path.ok) return path;
    const reading = await this.#reading(run, 'anew');
    if (!reading.ok) return reading;
    const read = await this.#answered(reading.value);
    if (read !== null && !read.ok) {
      this.#readings.delete(run);
      return read;
    }
    return success(reading.value.view());
  }

  /** Lines from this index on, counted from 0 over the lines that are whole. */
  async lines(run: string, from: number, count: number): Promise<Result<readonly JournalLine[]>> {
    const reading = await this.#reading(run, 'asIs');
    return reading.ok ? reading.value.lines(from, count) : reading;
  }

  async moment(run: string, at: Microseconds, device: string | null): Promise<Result<RunMoment>> {
    const reading = await this.#reading(run, 'asIs');
    return reading.ok ? reading.value.moment(at, device) : reading;
  }

  /** `anew`: a reading that is finished and older than the file is not good enough. */
  async #reading(run: string, freshness: 'anew' | 'asIs'): Promise<Result<RunReading>> {
    const path = this.path(run);
    if (!path.ok) return path;
    const known = this.#readings.get(run);
    if (known !== undefined && (freshness === 'asIs' || !known.finished)) return success(known);
    const entry = await runEntry(this.#directory ?? '', run);
    if (entry === null) return failure('unknownRun', `There is no run ${run}.`);
    // Somebody else may have opened it while its ends were read.
    const present = this.#readings.get(run);
    if (present !== undefined && (!present.finished || present.entry.bytes === entry.bytes)) {
      return success(present);
    }
    const reading = new RunReading(entry);
    this.#keep(run, reading);
    return success(reading);
  }

  /** Null when it is not done by then. */
  async #answered(reading: RunReading): Promise<Result<void> | null> {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), this.#patience);
    });
    const answer = await Promise.race([reading.done, late]);
    if (timer !== null) clearTimeout(timer);
    return answer;
  }

  #keep(run: string, reading: RunReading): void {
    this.#readings.delete(run);
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size < readingsKept) break;
      this.#readings.delete(oldest);
    }
    this.#readings.set(run, reading);
  }
}
