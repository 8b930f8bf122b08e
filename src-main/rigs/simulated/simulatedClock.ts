import type { Microseconds } from '../../core/recovery/phase.ts';
import type { Disposer, RigClock } from '../rig.ts';

/** How fast virtual time passes: as fast as the machine can, or so many virtual seconds per real second. */
export type Pace = { readonly kind: 'unbounded' } | { readonly kind: 'paced'; readonly factor: number };

interface Timer {
  readonly moment: Microseconds;
  readonly order: number;
  callback: (() => void) | null;
}

const before = (one: Timer, other: Timer): boolean =>
  one.moment < other.moment || (one.moment === other.moment && one.order < other.order);

/** How many timers fire before the event loop gets its turn, so that input, output and other timers are served. */
const timersPerTurn = 32;

const settled = Promise.resolve();

/** A wake-up without a timer: when it comes and finds nothing due, it does nothing. */
const uncancelled = { cancel: () => undefined };

/**
 * Virtual time for a simulated rig. Time stands still while anything that was woken still runs: the next timer fires
 * only when all promises have settled. So a simulation is deterministic, however many awaits there are between two
 * moments, as long as nothing in it waits for real input or output.
 */
export class SimulatedClock implements RigClock {
  readonly #heap: Timer[] = [];
  readonly #pace: Pace;
  readonly #wallStart: number;
  #now: Microseconds = 0;
  #order = 0;
  #cancelled = 0;
  #turn: { cancel(): void } | null = null;
  #realStart = 0;
  /** Paced only: set while a call back, and the promises it settled, run. */
  #moment: { release(): void } | null = null;
  #firedInTurn = 0;
  readonly #wake = (): void => this.#fire();
  readonly #tick = (): void => process.nextTick(this.#wake);
  #closed = false;

  constructor(pace: Pace, wallStart: number) {
    this.#pace = pace;
    this.#wallStart = wallStart;
    this.#realStart = performance.now();
  }

  now(): Microseconds {
    if (this.#pace.kind === 'unbounded' || this.#moment !== null) return this.#now;
    const elapsed = Math.floor((performance.now() - this.#realStart) * 1_000 * this.#pace.factor);
    const next = this.#nextMoment();
    // Never past a timer that has not fired yet: its callback must find its own moment.
    this.#now = Math.max(this.#now, next === null ? elapsed : Math.min(elapsed, next));
    return this.#now;
  }

  wall(): string {
    return new Date(this.#wallStart + Math.floor(this.now() / 1_000)).toISOString();
  }

  at(moment: Microseconds, callback: () => void): Disposer {
    const timer: Timer = { moment: Math.max(moment, this.now()), order: this.#order++, callback };
    this.#push(timer);
    this.#schedule();
    return () => {
      if (timer.callback === null) return;
      timer.callback = null;
      this.#cancelled += 1;
      if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#compact();
    };
  }

  /** No timer fires any more. */
  close(): void {
    this.#closed = true;
    this.#turn?.cancel();
    this.#turn = null;
    this.#moment?.release();
    this.#moment = null;
    this.#heap.length = 0;
  }

  #schedule(): void {
    if (this.#closed) return;
    const next = this.#nextMoment();
    if (this.#pace.kind === 'unbounded') {
      if (this.#turn !== null || next === null) return;
      this.#turn = uncancelled;
      this.#afterPromises();
      return;
    }
    if (next === null) {
      this.#turn?.cancel();
      this.#turn = null;
      return;
    }
    this.#turn?.cancel();
    const left = this.#realStart + next / 1_000 / this.#pace.factor - performance.now();
    if (left <= 0) {
      // What is due fires in the next turn: the shortest timer of Node takes a millisecond, and a machine with more to
      // do than a thousand things a second would be ever later.
      const handle = setImmediate(this.#wake);
      this.#turn = { cancel: () => clearImmediate(handle) };
    } else {
      const handle = setTimeout(this.#wake, left);
      this.#turn = { cancel: () => clearTimeout(handle) };
    }
  }

  /**
   * Node runs what nextTick was given within a microtask only when no microtask is left, those included that are queued
   * later. A whole turn of the event loop for each timer would do the same, with a system call each.
   */
  #afterPromises(): void {
    this.#firedInTurn += 1;
    if (this.#firedInTurn < timersPerTurn) {
      void settled.then(this.#tick);
    } else {
      this.#firedInTurn = 0;
      setImmediate(this.#wake);
    }
  }

  #fire(): void {
    this.#turn = null;
    if (this.#closed) return;
    const next = this.#nextMoment();
    if (next === null) return;
    if (this.#pace.kind === 'paced') {
      const elapsed = (performance.now() - this.#realStart) * 1_000 * this.#pace.factor;
      if (elapsed < next) return this.#schedule();
    }
    const timer = this.#pop();
    if (timer !== undefined && timer.callback !== null) {
      this.#now = Math.max(this.#now, timer.moment);
      const { callback } = timer;
      timer.callback = null;
      if (this.#pace.kind === 'paced') this.#holdMoment();
      callback();
    }
    this.#schedule();
  }

  /** A call back that fires late in real time finds its own moment all the same, until the next turn. */
  #holdMoment(): void {
    this.#moment?.release();
    const handle = setImmediate(() => {
      this.#moment = null;
    });
    this.#moment = { release: () => clearImmediate(handle) };
  }

  #nextMoment(): Microseconds | null {
    while (this.#heap.length > 0 && this.#heap[0]?.callback === null) {
      this.#pop();
      this.#cancelled -= 1;
    }
    return this.#heap[0]?.moment ?? null;
  }

  #compact(): void {
    const live = this.#heap.filter((timer) => timer.callback !== null);
    this.#heap.length = 0;
    this.#cancelled = 0;
    for (const timer of live) this.#push(timer);
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Timer;
      if (!before(timer, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      const below = heap[child] as Timer;
      if (!before(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}
