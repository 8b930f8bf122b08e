import type { Microseconds } from '../../core/recovery/phase.ts';
import type { Disposer, RigClock } from '../rig.ts';
import type { FarTime } from './protocol.ts';

/** How the far clock stood between the two moments at which it was asked and had answered, in local milliseconds. */
export interface ClockSample {
  readonly sent: number;
  readonly received: number;
  readonly far: FarTime;
}

/** Samples that are compared; the one with the shortest round trip counts. */
const samplesKept = 16;
/** Two quartz clocks drift apart by up to this share of the time: an old sample is worth less by that much. */
const drift = 100e-6;
/** The longest timer of Node, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * The far machine's clock as seen from here: the local monotonic clock and an offset, taken from the round trip that
 * leaves the least doubt. The error is at most half of that round trip.
 */
export class RemoteClock implements RigClock {
  readonly #local: () => number;
  readonly #timers = new Set<() => void>();
  #samples: ClockSample[] = [];
  #best: ClockSample | null = null;
  #floor: Microseconds = 0;
  /** Added to what the far end says, so that time goes on when its machine starts again from 0. */
  #shift: Microseconds = 0;

  constructor(local: () => number = () => performance.now()) {
    this.#local = local;
  }

  /** Milliseconds of doubt. */
  get uncertainty(): number {
    return this.#best === null ? Infinity : (this.#best.received - this.#best.sent) / 2;
  }

  add(sample: ClockSample): void {
    this.#samples = [...this.#samples, sample].slice(-samplesKept);
    const latest = sample.received;
    const doubt = ({ sent, received }: ClockSample): number =>
      (received - sent) / 2 + (latest - received) * drift;
    this.#best = this.#samples.reduce((one, other) => (doubt(other) < doubt(one) ? other : one));
    this.heard(sample.far.now);
  }

  /** The far end is another one, with another clock: what it says goes on from now. */
  restart(far: FarTime): void {
    this.#shift = Math.max(0, this.now() - far.now);
    this.#samples = [];
    this.#best = null;
  }

  /** A moment that the far end told, on this clock. It has passed over there, so it has passed here. */
  heard(far: Microseconds): Microseconds {
    const moment = far + this.#shift;
    this.#floor = Math.max(this.#floor, moment);
    return moment;
  }

  now(): Microseconds {
    const best = this.#best;
    if (best !== null) {
      const since = this.#local() - (best.sent + best.received) / 2;
      const estimate = Math.floor(best.far.now + since * 1_000 * best.far.rate) + this.#shift;
      this.#floor = Math.max(this.#floor, estimate);
    }
    return this.#floor;
  }

  wall(): string {
    const best = this.#best;
    if (best === null) return new Date().toISOString();
    const since = (this.now() - this.#shift - best.far.now) / 1_000;
    return new Date(best.far.wall + Math.floor(since)).toISOString();
  }

  at(moment: Microseconds, callback: () => void): Disposer {
    let timer: NodeJS.Timeout | null = null;
    const cancel = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      this.#timers.delete(cancel);
    };
    const wait = (): void => {
      const left = (moment - this.now()) / 1_000 / (this.#best?.far.rate ?? 1);
      timer = setTimeout(look, Math.min(longestTimer, Math.max(0, Math.ceil(left))));
    };
    const look = (): void => {
      if (this.now() < moment) return wait();
      cancel();
      callback();
    };
    this.#timers.add(cancel);
    wait();
    return cancel;
  }

  /** No timer fires any more. */
  close(): void {
    for (const cancel of [...this.#timers]) cancel();
  }
}
