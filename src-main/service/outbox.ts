import type { ConsoleDelta, DeltaBatch } from '../../preload/contract/deltas.ts';
import { reportDefect } from './defects.ts';

type WithoutNumber<Delta> = Delta extends ConsoleDelta ? Omit<Delta, 'number'> : never;
/** A delta before it has its number, which each viewer counts on its own. */
export type DeltaBody = WithoutNumber<ConsoleDelta>;

/** A batch goes out this long after its first delta, in milliseconds, or as soon as it is full. */
const batchAge = 10;
const batchSize = 256;

/**
 * Numbers the deltas of one viewer, contiguous from 1, and hands them on in batches. What nobody listens to is numbered
 * all the same, so that a listener that comes later sees the gap.
 */
export class Outbox {
  readonly #listeners = new Set<(batch: DeltaBatch) => void>();
  #pending: ConsoleDelta[] = [];
  #number = 0;
  #timer: NodeJS.Timeout | null = null;

  /** The number of the last delta. */
  get number(): number {
    return this.#number;
  }

  push(body: DeltaBody): void {
    this.#number += 1;
    if (this.#listeners.size === 0) return;
    this.#pending.push({ number: this.#number, ...body });
    if (this.#pending.length >= batchSize) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), batchAge);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#pending.length === 0) return;
    const batch = this.#pending;
    this.#pending = [];
    for (const listener of this.#listeners) {
      try {
        listener(batch);
      } catch (thrown) {
        reportDefect('a listener of deltas', thrown);
      }
    }
  }

  listen(listener: (batch: DeltaBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#pending = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
