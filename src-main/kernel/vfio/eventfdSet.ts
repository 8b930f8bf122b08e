import { success, type BenchError, type Result } from '../../core/result.ts';
import { refused } from '../refusal.ts';
import { eventfdFlags } from '../syscalls.ts';
import type { Kernel } from '../kernel.ts';
import type { AutomaticAnswer } from '../waiter/messages.ts';
import type { EventfdListener, EventfdWatch, Signal } from '../waiter/waiter.ts';

/** An eventfd of our own that the waiter watches. */
export interface WatchedEventfd {
  readonly fd: number;
  handDown(automatic: AutomaticAnswer, heard: number): Promise<Result<void>>;
  takeBack(): Promise<Result<void>>;
  /** Nothing is told after it has resolved; the kernel has to have been told before to signal it no more. */
  close(): Promise<void>;
}

export const openWatchedEventfd = async (
  { calls, waiter }: Pick<Kernel, 'calls' | 'waiter'>,
  listener: EventfdListener,
): Promise<Result<WatchedEventfd>> => {
  const opened = calls.eventfd(0, eventfdFlags.EFD_NONBLOCK | eventfdFlags.EFD_CLOEXEC);
  if (!opened.ok) return refused(opened.errno, 'The kernel gave no eventfd; close what holds so many files.');
  const fd = opened.value;
  const watch: Result<EventfdWatch> = await waiter.watchEventfd(fd, listener);
  if (!watch.ok) {
    calls.close(fd);
    return watch;
  }
  return success({
    fd,
    handDown: (automatic, heard) => watch.value.handDown(automatic, heard),
    takeBack: () => watch.value.takeBack(),
    close: async () => {
      await watch.value.stop();
      calls.close(fd);
    },
  });
};

/** The interrupts of a device, counted as they arrive, for whoever wants to see one come. */
export class InterruptCounters {
  readonly #kernel: Pick<Kernel, 'calls' | 'waiter'>;
  readonly #eventfds: WatchedEventfd[] = [];
  readonly #counts: bigint[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(kernel: Pick<Kernel, 'calls' | 'waiter'>) {
    this.#kernel = kernel;
  }

  get eventfds(): readonly number[] {
    return this.#eventfds.map(({ fd }) => fd);
  }

  /** Opens eventfds until there are so many; none is left of an attempt that failed. */
  async grow(count: number): Promise<Result<void>> {
    while (this.#eventfds.length < count) {
      const vector = this.#eventfds.length;
      const opened = await openWatchedEventfd(this.#kernel, {
        signal: ({ count: more }: Signal) => {
          this.#counts[vector] = this.count(vector) + more;
          for (const look of [...this.#waiting]) look();
        },
        broken: (_error: BenchError) => undefined,
      });
      if (!opened.ok) {
        await this.close();
        return opened;
      }
      this.#eventfds.push(opened.value);
    }
    return success(undefined);
  }

  /** Interrupts of a vector since it was opened. */
  count(vector: number): bigint {
    return this.#counts[vector] ?? 0n;
  }

  /** Whether a vector gets beyond `count` within so many milliseconds. */
  reaches(vector: number, count: bigint, within: number): Promise<boolean> {
    if (this.count(vector) >= count) return Promise.resolve(true);
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.count(vector) >= count) finish(true);
      };
      const timer = setTimeout(() => finish(false), within);
      const finish = (arrived: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(arrived);
      };
      this.#waiting.add(look);
    });
  }

  async close(): Promise<void> {
    for (const eventfd of this.#eventfds.splice(0)) await eventfd.close();
  }
}
