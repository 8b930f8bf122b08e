import { done, type Result } from '../core/result.ts';

/**
 * Brings what was written to the disk, for many lines at once: one sync is under way at most, and what is asked for
 * meanwhile is covered by the one after it. A sync that began before a line was written says nothing about that line.
 */
export class GroupSync {
  readonly #sync: () => void | Promise<void>;
  readonly #failed: (thrown: unknown) => Result<never>;
  #underWay: Promise<Result<void>> | null = null;
  #next: Promise<Result<void>> | null = null;

  /** `sync`: of a file of `JournalFiles`. `failed`: told once what a sync that went on by itself threw. */
  constructor(sync: () => void | Promise<void>, failed: (thrown: unknown) => Result<never>) {
    this.#sync = sync;
    this.#failed = failed;
  }

  /** For everything written so far. Throws what a sync throws that is done before it returns. */
  request(): void {
    if (this.#next !== null) return;
    if (this.#underWay === null) this.#begin();
    else this.#next = this.#underWay.then((before) => this.#follow(before));
  }

  /** Settles when all that was requested is on the disk, or cannot get there; null when nothing is on its way. */
  outstanding(): Promise<Result<void>> | null {
    return this.#next ?? this.#underWay;
  }

  #begin(): Promise<Result<void>> | null {
    const syncing = this.#sync();
    if (syncing === undefined) return null;
    this.#underWay = syncing.then(
      () => this.#land(done),
      (thrown: unknown) => this.#land(this.#failed(thrown)),
    );
    return this.#underWay;
  }

  #land(result: Result<void>): Result<void> {
    this.#underWay = null;
    return result;
  }

  #follow(before: Result<void>): Result<void> | Promise<Result<void>> {
    this.#next = null;
    // What the kernel could not write it may have dropped: a later sync that succeeds would prove nothing.
    return before.ok ? (this.#begin() ?? done) : before;
  }
}
