import type { OperatorView } from '../../preload/contract/views.ts';
import { done, failure, type Result } from '../core/result.ts';

export interface Viewer {
  readonly name: string;
  readonly transport: 'electron' | 'browser';
}

/** One who looks, under a name that nobody else has. */
export interface Seat {
  readonly name: string;
  readonly transport: Viewer['transport'];
}

/**
 * Who drives. One at a time; the role goes from hand to hand only by the holder's own word, or when the holder is gone.
 */
export class OperatorDesk {
  readonly #seats: Seat[] = [];
  readonly #changed: () => void;
  #holder: Seat | null = null;
  #asking: Seat | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /**
   * Whoever comes first drives. Later nobody inherits by coming, but the window of the app, and a viewer who is alone:
   * a page that was reloaded in the middle of a wait has to be able to act at once.
   */
  join(viewer: Viewer): Seat {
    const seat = { name: this.#freeName(viewer.name), transport: viewer.transport };
    this.#seats.push(seat);
    if (this.#holder === null && (seat.transport === 'electron' || this.#seats.length === 1)) {
      this.#holder = seat;
    }
    this.#changed();
    return seat;
  }

  /** When the holder goes, who has asked takes over; otherwise nobody drives until somebody takes it. */
  leave(seat: Seat): void {
    const at = this.#seats.indexOf(seat);
    if (at === -1) return;
    this.#seats.splice(at, 1);
    if (this.#asking === seat) this.#asking = null;
    if (this.#holder === seat) {
      this.#holder = this.#asking;
      this.#asking = null;
    }
    this.#changed();
  }

  holds(seat: Seat): boolean {
    return this.#holder === seat;
  }

  view(seat: Seat): OperatorView {
    return {
      you: seat.name,
      holder: this.#holder?.name ?? null,
      asking: this.#asking?.name ?? null,
      viewers: this.#seats.map(({ name }) => name),
    };
  }

  /** Why this one may not act. */
  refusal(): ReturnType<typeof failure> {
    return failure(
      'notOperator',
      this.#holder === null
        ? 'Nobody drives this bench now; take over to act.'
        : `${this.#holder.name} drives this bench; ask to take over.`,
    );
  }

  /** At once when nobody drives; otherwise the holder is asked. */
  take(seat: Seat): Result<void> {
    if (this.#holder === seat) return done;
    if (this.#holder === null) {
      this.#holder = seat;
      this.#asking = null;
    } else if (this.#asking === null) {
      this.#asking = seat;
    } else if (this.#asking !== seat) {
      return failure(
        'busy',
        `${this.#asking.name} has asked already; ${this.#holder.name} has to answer first.`,
      );
    } else {
      return done;
    }
    this.#changed();
    return done;
  }

  /** The holder hands over without being asked. */
  offer(name: string): Result<void> {
    const seat = this.#seats.find((candidate) => candidate.name === name);
    if (seat === undefined) return failure('malformedInput', `No viewer is called ${JSON.stringify(name)}.`);
    if (seat === this.#holder) return done;
    this.#holder = seat;
    this.#asking = null;
    this.#changed();
    return done;
  }

  answer(grant: boolean): Result<void> {
    if (this.#asking === null) return failure('malformedInput', 'Nobody asks to take over.');
    if (grant) this.#holder = this.#asking;
    this.#asking = null;
    this.#changed();
    return done;
  }

  #freeName(wished: string): string {
    const trimmed = wished.trim().slice(0, 100);
    const base = trimmed === '' ? 'Viewer' : trimmed;
    const taken = new Set(this.#seats.map(({ name }) => name));
    for (let count = 1; ; count += 1) {
      const name = count === 1 ? base : `${base} ${count}`;
      if (!taken.has(name)) return name;
    }
  }
}
