import { errnoOf } from '../../core/errno.ts';
import { failure, type Result } from '../../core/result.ts';

/**
 * How much may be blocked in the kernel at once. Each blocked write holds one of libuv's four threads until the kernel
 * lets go of it (an unbind during the wait for an ack: a minute), and files are read by the same threads.
 */
const mostBlocked = 2;

export interface BlockingWork {
  /** The device or bus that is worked on; nothing else is done with it before this has ended. */
  readonly subject: string;
  /** "the unbind of 0000:01:00.0 from vfio-pci". */
  readonly what: string;
  readonly patience: number;
  /** Called when the work ended after patience did. */
  readonly late: (result: Result<void>) => void;
}

/** Waits for work that may block in the kernel, and for no longer than it has patience: the work itself goes on. */
export class BlockingWrites {
  readonly #underWay = new Set<string>();
  readonly #blocked = new Set<string>();

  async outlast(work: BlockingWork, run: () => Promise<Result<void>>): Promise<Result<void>> {
    const { subject, what, patience, late } = work;
    if (this.#underWay.has(subject)) {
      return failure('busy', `The kernel is still at work on ${subject}; wait until that has ended.`, {
        errno: errnoOf('EBUSY'),
      });
    }
    if (this.#blocked.size >= mostBlocked) {
      const others = [...this.#blocked].join(', ');
      return failure('busy', `The kernel is blocking work on ${others}; wait until one of them has ended.`, {
        errno: errnoOf('EBUSY'),
      });
    }
    this.#underWay.add(subject);
    let outlasted = false;
    const finished = run().finally(() => {
      this.#underWay.delete(subject);
      this.#blocked.delete(subject);
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const given = new Promise<Result<void>>((resolve) => {
      timer = setTimeout(() => {
        outlasted = true;
        this.#blocked.add(subject);
        resolve(
          failure(
            'callTimedOut',
            `The kernel is still blocking ${what}: it waits for the device's lock, as during the wait for an ack. It goes on by itself; ack or withdraw what is open.`,
            { errno: errnoOf('ETIMEDOUT') },
          ),
        );
      }, patience);
    });
    const ended = finished.then((result) => {
      if (outlasted) late(result);
      return result;
    });
    const result = await Promise.race([ended, given]);
    clearTimeout(timer);
    return result;
  }
}
