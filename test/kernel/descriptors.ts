import { eventfdFlags, type Syscalls } from '../../src-main/kernel/syscalls.ts';
import { taken } from '../conformance/syscallsSuite.ts';

/** What one write adds to an eventfd. */
export const counted = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

export const newEventfd = (calls: Syscalls): number =>
  taken(calls.eventfd(0, eventfdFlags.EFD_NONBLOCK | eventfdFlags.EFD_CLOEXEC));

export const signal = (calls: Syscalls, fd: number, count = 1n): void => {
  taken(calls.write(fd, counted(count)));
};

/** The counter, or null where it is 0. */
export const counterOf = (calls: Syscalls, fd: number): bigint | null => {
  const counter = new BigUint64Array(1);
  return calls.read(fd, new Uint8Array(counter.buffer)).ok ? (counter[0] ?? null) : null;
};

/** A value that a callback gives once. */
export const awaited = <Value>(): { promise: Promise<Value>; give: (value: Value) => void } => {
  let give: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolve) => {
    give = resolve;
  });
  return { promise, give };
};

/** Hands out what a callback was given, one by one, waiting where there is nothing yet. */
export class Arrivals<Value> {
  readonly #arrived: Value[] = [];
  readonly #waiting: ((value: Value) => void)[] = [];

  readonly add = (value: Value): void => {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(value);
    else waiting(value);
  };

  next(): Promise<Value> {
    const value = this.#arrived.shift();
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get pending(): number {
    return this.#arrived.length;
  }
}
