import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src-main/rigs/simulated/kernel/random.ts';
import {
  Completion,
  delay,
  Mutex,
  ReadWriteSemaphore,
  runThread,
} from '../../../src-main/rigs/simulated/kernel/scheduler.ts';
import type { KernelThread } from '../../../src-main/rigs/simulated/kernel/scheduler.ts';
import { SimulatedClock } from '../../../src-main/rigs/simulated/simulatedClock.ts';

/** Threads that write down what they do and when. */
class Threads {
  readonly clock = new SimulatedClock({ kind: 'unbounded' }, 0);
  readonly notes: string[] = [];

  note(text: string): void {
    this.notes.push(`${this.clock.now()} ${text}`);
  }

  start(thread: KernelThread<unknown>): void {
    runThread(this.clock, thread, () => undefined);
  }

  until(moment: number): Promise<void> {
    return new Promise((resolve) => this.clock.at(moment, resolve));
  }
}

describe('a kernel thread', () => {
  it('that never blocks has ended before it was started, as it were', () => {
    const threads = new Threads();
    const ended: number[] = [];
    const thread = function* (): KernelThread<number> {
      return 7;
    };
    runThread(threads.clock, thread(), (value) => ended.push(value));
    expect(ended).toEqual([7]);
  });

  it('goes on after each of its delays', async () => {
    const threads = new Threads();
    const thread = function* (): KernelThread<void> {
      threads.note('started');
      yield* delay(10);
      threads.note('then');
      yield* delay(5);
      threads.note('ended');
    };
    threads.start(thread());
    await threads.until(20);
    expect(threads.notes).toEqual(['0 started', '10 then', '15 ended']);
  });
});

describe('a mutex', () => {
  const holder = function* (threads: Threads, mutex: Mutex, name: string, time: number): KernelThread<void> {
    yield* mutex.lock();
    threads.note(name);
    yield* delay(time);
    mutex.unlock();
  };

  it('is given in the order of asking, and held across the hand-over', async () => {
    const [threads, mutex] = [new Threads(), new Mutex()];
    for (const name of ['one', 'two', 'three']) threads.start(holder(threads, mutex, name, 10));
    expect(mutex.tryLock()).toBe(false);
    await threads.until(15);
    expect(mutex.tryLock()).toBe(false);
    await threads.until(40);
    expect(threads.notes).toEqual(['0 one', '10 two', '20 three']);
    expect(mutex.held).toBe(false);
    expect(mutex.tryLock()).toBe(true);
    expect(mutex.held).toBe(true);
  });
});

describe('a read-write semaphore', () => {
  const user = function* (
    threads: Threads,
    semaphore: ReadWriteSemaphore,
    kind: 'read' | 'write',
    name: string,
  ): KernelThread<void> {
    yield* kind === 'read' ? semaphore.read() : semaphore.write();
    threads.note(name);
    yield* delay(10);
    if (kind === 'read') semaphore.releaseRead();
    else semaphore.releaseWrite();
  };

  it.each([
    ['readers go together', 'rrr', ['0 r0', '0 r1', '0 r2']],
    ['writers one after the other', 'ww', ['0 w0', '10 w1']],
    ['a writer waits for all readers', 'rrw', ['0 r0', '0 r1', '10 w2']],
    ['a reader queues behind a waiting writer', 'rwr', ['0 r0', '10 w1', '20 r2']],
    ['readers behind a writer go together', 'rwrrw', ['0 r0', '10 w1', '20 r2', '20 r3', '30 w4']],
    ['readers wait for a writer', 'wrr', ['0 w0', '10 r1', '10 r2']],
  ] as const)('%s', async (_, order, notes) => {
    const [threads, semaphore] = [new Threads(), new ReadWriteSemaphore()];
    [...order].forEach((letter, index) =>
      threads.start(user(threads, semaphore, letter === 'r' ? 'read' : 'write', `${letter}${index}`)),
    );
    await threads.until(100);
    expect(threads.notes).toEqual(notes);
  });
});

describe('a completion', () => {
  const waiter = function* (threads: Threads, completion: Completion, timeout: number): KernelThread<void> {
    threads.note((yield* completion.wait(threads.clock, timeout)) ? 'completed' : 'timed out');
  };

  it.each([
    ['completed in time', [30], 100, ['30 completed']],
    ['too late', [150], 100, ['100 timed out']],
    ['twice', [30, 40], 100, ['30 completed']],
  ] as const)('%s', async (_, moments, timeout, notes) => {
    const [threads, completion] = [new Threads(), new Completion()];
    threads.start(waiter(threads, completion, timeout));
    for (const moment of moments) threads.clock.at(moment, () => completion.complete());
    await threads.until(200);
    expect(threads.notes).toEqual(notes);
  });

  it('remembers complete() before the wait, once for each, until it is reinitialised', async () => {
    const [threads, completion] = [new Threads(), new Completion()];
    completion.complete();
    completion.complete();
    for (let count = 0; count < 3; count++) threads.start(waiter(threads, completion, 10));
    await threads.until(20);
    expect(threads.notes).toEqual(['0 completed', '0 completed', '10 timed out']);
    completion.complete();
    completion.reinitialise();
    threads.start(waiter(threads, completion, 10));
    await threads.until(50);
    expect(threads.notes.at(-1)).toBe('30 timed out');
  });

  it('one complete() wakes one waiter, the first', async () => {
    const [threads, completion] = [new Threads(), new Completion()];
    threads.start(waiter(threads, completion, 50));
    threads.start(waiter(threads, completion, 60));
    threads.clock.at(10, () => completion.complete());
    await threads.until(100);
    expect(threads.notes).toEqual(['10 completed', '60 timed out']);
  });
});

describe('chance', () => {
  const draws = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 200 }, () => random.between(10, 20));
  };

  it('is the same for the same seed, another for another, and keeps its bounds', () => {
    expect(draws(7)).toEqual(draws(7));
    expect(draws(7)).not.toEqual(draws(8));
    expect(new Set(draws(7))).toEqual(new Set([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]));
    const random = new SeededRandom(3);
    for (let count = 0; count < 1_000; count++) {
      const value = random.around(1_000);
      expect(value).toBeGreaterThanOrEqual(950);
      expect(value).toBeLessThanOrEqual(1_050);
    }
  });
});
