import type { Microseconds } from '../../../core/recovery/phase.ts';
import type { RigClock } from '../../rig.ts';

/**
 * The kernel's own threads as generators: what blocks in the kernel yields here. A thread runs until it has to wait,
 * as on a machine with enough CPUs.
 */
export type KernelThread<Value> = Generator<KernelWait, Value, unknown>;

export type KernelWait =
  | { readonly kind: 'delay'; readonly duration: Microseconds }
  | { readonly kind: 'queue'; readonly enqueue: (wake: (value: unknown) => void) => void };

export function* delay(duration: Microseconds): KernelThread<void> {
  yield { kind: 'delay', duration };
}

/** Runs `thread` to its end; the callback gets its value. A thread that never blocks ends before this returns. */
export const runThread = <Value>(
  clock: RigClock,
  thread: KernelThread<Value>,
  finished: (value: Value) => void,
): void => {
  const advance = (value: unknown): void => {
    const next = thread.next(value);
    if (next.done === true) return finished(next.value);
    const wait = next.value;
    if (wait.kind === 'delay') clock.at(clock.now() + wait.duration, () => advance(undefined));
    else wait.enqueue(advance);
  };
  advance(undefined);
};

/** A sleeping lock, first come first served (kernel/locking/mutex.c; device_lock of include/linux/device.h). */
export class Mutex {
  #held = false;
  readonly #waiting: (() => void)[] = [];

  get held(): boolean {
    return this.#held;
  }

  tryLock(): boolean {
    if (this.#held) return false;
    this.#held = true;
    return true;
  }

  *lock(): KernelThread<void> {
    if (this.tryLock()) return;
    yield { kind: 'queue', enqueue: (wake) => this.#waiting.push(() => wake(undefined)) };
  }

  unlock(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}

/** pci_bus_sem: many readers or one writer; readers queue behind a waiting writer (kernel/locking/rwsem.c). */
export class ReadWriteSemaphore {
  #readers = 0;
  #writing = false;
  readonly #waiting: { readonly writer: boolean; readonly wake: () => void }[] = [];

  *read(): KernelThread<void> {
    if (!this.#writing && this.#waiting.length === 0) {
      this.#readers += 1;
      return;
    }
    yield {
      kind: 'queue',
      enqueue: (wake) => this.#waiting.push({ writer: false, wake: () => wake(undefined) }),
    };
  }

  *write(): KernelThread<void> {
    if (!this.#writing && this.#readers === 0) {
      this.#writing = true;
      return;
    }
    yield {
      kind: 'queue',
      enqueue: (wake) => this.#waiting.push({ writer: true, wake: () => wake(undefined) }),
    };
  }

  releaseRead(): void {
    this.#readers -= 1;
    this.#admit();
  }

  releaseWrite(): void {
    this.#writing = false;
    this.#admit();
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#writing || (next.writer && this.#readers > 0)) return;
      this.#waiting.shift();
      if (next.writer) this.#writing = true;
      else this.#readers += 1;
      next.wake();
    }
  }
}

/** struct completion: complete() before the wait is remembered, reinit() forgets (kernel/sched/completion.c). */
export class Completion {
  #count = 0;
  readonly #waiting: ((completed: boolean) => void)[] = [];

  reinitialise(): void {
    this.#count = 0;
  }

  /** How many threads wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  complete(): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#count += 1;
    else waiter(true);
  }

  /** wait_for_completion_timeout(): false when the time ran out. */
  *wait(clock: RigClock, timeout: Microseconds): KernelThread<boolean> {
    if (this.#count > 0) {
      this.#count -= 1;
      return true;
    }
    const completed = yield {
      kind: 'queue',
      enqueue: (wake) => {
        const waiter = (value: boolean): void => {
          cancel();
          wake(value);
        };
        const cancel = clock.at(clock.now() + timeout, () => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
          wake(false);
        });
        this.#waiting.push(waiter);
      },
    };
    return completed === true;
  }
}
