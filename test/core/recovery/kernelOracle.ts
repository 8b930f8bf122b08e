import type { RecoveryEffect } from '../../../src-main/core/recovery/effect.ts';
import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import type { Arming } from '../../../src-main/core/recovery/policy.ts';

/**
 * What the kernel may be waiting for, told from the outside of the phase model: by signals, uevents and what the
 * bench sent. It knows no phases. A wait opens with a signal that is not event 2, and closes with an ack, with time,
 * with a uevent, or when the eventfd goes.
 */
export class KernelOracle {
  readonly #arming: Arming;
  #deadline: Microseconds | null = null;
  /** An ack is with the kernel, so that its next signal is event 2. */
  #ackOf: { readonly recovery: number; readonly deadline: Microseconds; answered: boolean } | null = null;
  #loopbacks = 0;

  constructor(arming: Arming) {
    this.#arming = arming;
  }

  waitsAt(at: Microseconds): boolean {
    return this.#deadline !== null && at < this.#deadline;
  }

  hears(event: RecoveryEvent): void {
    if (this.#arming.protocol !== 'notify') return;
    switch (event.kind) {
      case 'loopbackTriggered':
        if (event.count > 0) this.#loopbacks += event.count;
        break;
      case 'signal':
        this.#hearsSignal(event.count, event.at);
        break;
      case 'uevent':
        if (event.uevent === 'failedRecovery' || (event.uevent === 'beginRecovery' && this.#ackOf === null)) {
          this.#deadline = null;
        }
        break;
      case 'acknowledgeFinished':
        // The kernel refused: it waits on.
        if (this.#ackOf?.recovery === event.recovery && !this.#ackOf.answered) {
          if (event.error === null) this.#ackOf.answered = true;
          else [this.#deadline, this.#ackOf] = [this.#ackOf.deadline, null];
        }
        break;
      case 'closed':
      case 'deviceRemoved':
        this.#deadline = null;
        this.#ackOf = null;
        break;
      default:
    }
  }

  #hearsSignal(count: number, at: Microseconds): void {
    if (count <= 0) return;
    const own = Math.min(count, this.#loopbacks);
    this.#loopbacks -= own;
    const isEventTwo = this.#ackOf !== null && count > own;
    const errors = count - own - (isEventTwo ? 1 : 0);
    if (isEventTwo) this.#ackOf = null;
    if (errors > 0) this.#deadline = at + this.#arming.ackTimeout;
  }

  sees(effect: RecoveryEffect): void {
    if (effect.kind === 'acknowledge') {
      this.#ackOf = { recovery: effect.recovery, deadline: this.#deadline ?? 0, answered: false };
      this.#deadline = null;
    }
    // With an outcome the bench has stopped to expect event 2: what comes next is a new error.
    if (effect.kind === 'conclude') this.#ackOf = null;
    if (effect.kind === 'conclude' && effect.outcome === 'withdrawn') this.#deadline = null;
  }
}
