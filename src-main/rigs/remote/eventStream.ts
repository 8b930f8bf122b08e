import type { MissedEvents, NumberedEvent } from './protocol.ts';
import type { FarEvent } from './shapes.ts';

export interface EventStreamHandlers {
  readonly tell: (event: FarEvent) => void;
  /** Asks the far end for what comes after a number; the answer goes to `fill`. */
  readonly ask: (after: number) => void;
  /** So many events are gone for good. */
  readonly dropped: (count: number) => void;
}

/**
 * Puts the far end's events in order by their numbers, each once. A number that is left out means that events were
 * lost on the way: what follows waits until the far end has been asked for them.
 */
export class EventStream {
  readonly #handlers: EventStreamHandlers;
  #early: NumberedEvent[] = [];
  #asking = true;
  #last = 0;

  constructor(handlers: EventStreamHandlers) {
    this.#handlers = handlers;
  }

  /** The number of the last event that was told. */
  get last(): number {
    return this.#last;
  }

  /** Nothing is told until `begin` or `fill`. */
  hold(): void {
    this.#asking = true;
    this.#early = [];
  }

  /** The numbers start after this one. */
  begin(last: number): void {
    this.#last = last;
    this.#resume();
  }

  fill({ events, dropped }: MissedEvents): void {
    if (dropped > 0) this.#handlers.dropped(dropped);
    for (const event of events) {
      if (event.number > this.#last) this.#tell(event);
    }
    this.#resume();
  }

  take(event: NumberedEvent): void {
    if (this.#asking) this.#early.push(event);
    else if (event.number === this.#last + 1) this.#tell(event);
    else if (event.number > this.#last) {
      this.#asking = true;
      this.#early.push(event);
      this.#handlers.ask(this.#last);
    }
  }

  #resume(): void {
    this.#asking = false;
    const early = this.#early;
    this.#early = [];
    for (const event of early) this.take(event);
  }

  #tell({ number, event }: NumberedEvent): void {
    this.#last = number;
    this.#handlers.tell(event);
  }
}
