import type { MissedEvents, NumberedEvent } from '../rigs/remote/protocol.ts';
import type { FarEvent } from '../rigs/remote/shapes.ts';

/** The last events of the rig, with their numbers from 1 up, for a near end that has missed some. */
export class EventRing {
  readonly #size: number;
  /** The event with the number n is at n modulo the size. */
  readonly #events: NumberedEvent[] = [];
  #last = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get last(): number {
    return this.#last;
  }

  add(event: FarEvent): NumberedEvent {
    this.#last += 1;
    const numbered = { number: this.#last, event };
    this.#events[this.#last % this.#size] = numbered;
    return numbered;
  }

  /** What came after a number, and how much of that is gone. */
  after(number: number): MissedEvents {
    const first = Math.max(number + 1, this.#last - this.#size + 1, 1);
    const events: NumberedEvent[] = [];
    for (let next = first; next <= this.#last; next += 1) {
      const event = this.#events[next % this.#size];
      if (event !== undefined) events.push(event);
    }
    return { events, dropped: Math.max(0, first - number - 1), last: this.#last };
  }
}
