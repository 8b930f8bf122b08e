import type { Microseconds } from '../../../core/recovery/phase.ts';
import type { Disposer, RigClock } from '../../rig.ts';

/**
 * An eventfd with its reader: signals add up in a counter until the reader gets to it, so a slow reader finds several
 * at once (observation 8).
 */
export class SimulatedEventfd {
  readonly #clock: RigClock;
  readonly #read: (count: number) => void;
  /** How long the reader takes. */
  latency: Microseconds;
  #counter = 0;
  #pending: Disposer | null = null;
  #closed = false;

  constructor(clock: RigClock, latency: Microseconds, read: (count: number) => void) {
    this.#clock = clock;
    this.latency = latency;
    this.#read = read;
  }

  signal(): void {
    this.#counter += 1;
    if (this.#closed) return;
    this.#pending ??= this.#clock.at(this.#clock.now() + this.latency, () => {
      this.#pending = null;
      const count = this.#counter;
      this.#counter = 0;
      this.#read(count);
    });
  }

  /** The reader is gone; what it has not read stays unread. */
  close(): void {
    this.#closed = true;
    this.#pending?.();
    this.#pending = null;
  }
}
