export interface RateLimit {
  readonly perSecond: number;
  /** So many may come at once. */
  readonly burst: number;
}

/** How fast a viewer's messages are taken: whoever sends faster is not listened to for a while, and loses nothing. */
export class MessageRate {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** `now` in milliseconds on a clock that only goes forward. */
  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
    this.#left = limit.burst;
    this.#at = now();
  }

  /** Counts one message; answers for how many milliseconds no more should be taken. */
  take(): number {
    const { perSecond, burst } = this.#limit;
    const now = this.#now();
    this.#left = Math.min(burst, this.#left + ((now - this.#at) * perSecond) / 1000) - 1;
    this.#at = now;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left * 1000) / perSecond);
  }
}
