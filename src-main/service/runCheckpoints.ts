import type { Microseconds } from '../core/recovery/phase.ts';
import type { DevicesAt } from './runFold.ts';

/** The fold as it was before one line of the journal. */
export interface Checkpoint {
  /** Index of that line, from 0 over the whole lines. */
  readonly line: number;
  readonly byteOffset: number;
  /** The latest moment of the lines before it. */
  readonly clock: Microseconds;
  readonly devices: ReadonlyMap<string, DevicesAt extends Map<string, infer Device> ? Device : never>;
}

/** Lines between two checkpoints: some 5 ms of folding. */
const closest = 1_024;
/** Entries of all maps together; beyond it every second checkpoint is let go and the next ones are twice as far. */
const entriesKept = 200_000;

/** Moments of a long run from which the fold can go on, so that no scrubbing begins at its first line. */
export class Checkpoints {
  readonly #most: number;
  #kept: Checkpoint[] = [];
  #stride: number;
  #entries = 0;

  constructor(stride = closest, most = entriesKept) {
    this.#stride = stride;
    this.#most = most;
  }

  get count(): number {
    return this.#kept.length;
  }

  /** Called before each line. */
  offer(line: number, byteOffset: number, clock: Microseconds, devices: DevicesAt): void {
    if (line % this.#stride !== 0) return;
    this.#kept.push({ line, byteOffset, clock, devices: new Map(devices) });
    this.#entries += devices.size + 1;
    while (this.#entries > this.#most && this.#kept.length > 2) this.#thin();
  }

  /** The last one whose lines before it are all of this moment or an earlier one. */
  atMoment(at: Microseconds): Checkpoint | null {
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#kept[middle] as Checkpoint).clock <= at) low = middle + 1;
      else high = middle;
    }
    return this.#kept[low - 1] ?? null;
  }

  #thin(): void {
    this.#stride *= 2;
    this.#kept = this.#kept.filter(({ line }) => line % this.#stride === 0);
    this.#entries = this.#kept.reduce((sum, { devices }) => sum + devices.size + 1, 0);
  }
}
