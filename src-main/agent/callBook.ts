/** Answers that are kept for a near end that has not said that it has them. */
const mostKept = 10_000;

/**
 * The calls of one near end by their numbers, each carried out once. One that comes again, because its answer was lost
 * with a link, gets the answer of the first time, also when that is still being worked on.
 */
export class CallBook {
  #answers = new Map<number, Promise<unknown>>();
  #settled = 0;

  /** Null: it was carried out, and the answer is not kept any more; or too many wait. */
  answer(number: number, settled: number, run: () => Promise<unknown>): Promise<unknown> | null {
    this.#forget(Math.min(settled, number - 1));
    const known = this.#answers.get(number);
    if (known !== undefined) return known;
    if (number <= this.#settled || this.#answers.size >= mostKept) return null;
    const answer = run();
    answer.catch(() => undefined);
    this.#answers.set(number, answer);
    return answer;
  }

  /** For a near end that counts from 1 again. */
  clear(): void {
    this.#answers = new Map();
    this.#settled = 0;
  }

  #forget(settled: number): void {
    if (settled <= this.#settled) return;
    this.#settled = settled;
    for (const number of this.#answers.keys()) {
      if (number <= settled) this.#answers.delete(number);
    }
  }
}
