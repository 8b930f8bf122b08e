import { reportDefect } from './defects.ts';
import type { Microseconds, Protocol } from '../core/recovery/phase.ts';

/**
 * Somebody is waited for: the kernel waits for an ack (`notify`), or the bench for a person's decision on the reset
 * (the protocols that user space drives). Times in microseconds on the rig's clock.
 */
export interface OpenWait {
  readonly rig: string;
  readonly device: string;
  readonly deadline: Microseconds;
  readonly left: Microseconds;
  readonly protocol: Protocol;
}

const keyOf = (waits: readonly OpenWait[]): string =>
  waits.map(({ rig, device, deadline }) => `${rig} ${device} ${deadline}`).join('\n');

/** Tells when the set of open waits has become another one. */
export class WaitWatch {
  readonly #settle: () => readonly OpenWait[];
  readonly #listeners = new Set<() => void>();
  #last = '';
  #due = false;

  /** `settle` answers the waits of this moment. */
  constructor(settle: () => readonly OpenWait[]) {
    this.#settle = settle;
  }

  /** Looks after the present step is through: in the middle of one, line and state do not fit together. */
  hint(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      const key = keyOf(this.#settle());
      if (key === this.#last) return;
      this.#last = key;
      for (const listener of this.#listeners) {
        try {
          listener();
        } catch (thrown) {
          reportDefect('a listener of waits', thrown);
        }
      }
    });
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
