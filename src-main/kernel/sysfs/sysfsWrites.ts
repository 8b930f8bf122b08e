import { errnoOf } from '../../core/errno.ts';
import { done, failure, type Result } from '../../core/result.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import type { BlockingCalls } from '../threads/blockingCalls.ts';

/**
 * One write into a file of sysfs, text or bytes. It takes as long as the kernel does: an unbind waits for the device's lock.
 * `doing` is what it is for, "the unbind of 0000:01:00.0 from vfio-pci".
 */
export type SysfsWrite = (path: string, content: string | Uint8Array, doing: string) => Promise<Result<void>>;

const advice: Readonly<Record<number, string>> = {
  1: 'run the agent as root', // EPERM
  2: 'there is no such file; list devices and drivers again', // ENOENT
  5: 'the platform did not carry it out; look at the kernel log', // EIO
  13: 'run the agent as root', // EACCES
  16: 'somebody else holds it; try again when that has ended', // EBUSY
  19: 'the device is gone, or the driver does not take it; list the devices again', // ENODEV
  22: 'the driver refused the device; an endpoint in an IOMMU group is needed', // EINVAL
  95: 'this machine has no service element that takes it, as a guest of QEMU has none', // EOPNOTSUPP
};

/** Each write has a thread of its own while it lasts, so nothing else waits for it. */
export const sysfsWriter =
  (calls: Syscalls, blocking: BlockingCalls): SysfsWrite =>
  async (path, content, doing) => {
    const sentence = (errno: number): string =>
      `The kernel refused ${doing}: ${advice[errno] ?? 'look at the kernel log'}.`;
    // Not O_RDWR, which sysfs refuses for a file that cannot be read.
    const file = calls.open(path, openFlags.O_WRONLY | openFlags.O_CLOEXEC);
    if (!file.ok) return refused(file.errno, sentence(file.errno));
    const answer = await blocking.make({ call: 'write', fd: file.value, bytes: Buffer.from(content) });
    calls.close(file.value);
    if (!answer.ok) return answer;
    const { result } = answer.value;
    return result.ok ? done : refused(result.errno, sentence(result.errno));
  };

export interface LongWork {
  /** The device that is worked on; nothing else is done with it before this has ended. */
  readonly subject: string;
  /** "the unbind of 0000:01:00.0". */
  readonly what: string;
  /** Milliseconds. */
  readonly patience: number;
  /** Called when the work ended after patience did. */
  readonly late: (result: Result<void>) => void;
}

/** Work that may block in the kernel: it is waited for as long as there is patience, and goes on by itself after that. */
export class KernelWork {
  readonly #underWay = new Set<string>();

  async outlast(
    { subject, what, patience, late }: LongWork,
    run: () => Promise<Result<void>>,
  ): Promise<Result<void>> {
    if (this.#underWay.has(subject)) {
      return failure('busy', `The kernel is still at work on ${subject}; wait until that has ended.`, {
        errno: errnoOf('EBUSY'),
      });
    }
    this.#underWay.add(subject);
    return new Promise((resolve, reject) => {
      let outlasted = false;
      const timer = setTimeout(() => {
        outlasted = true;
        resolve(
          failure(
            'callTimedOut',
            `The kernel is still blocking ${what}: it waits for the device's lock, as during the wait for an ack. It goes on by itself; ack or withdraw what is open.`,
            { errno: errnoOf('ETIMEDOUT') },
          ),
        );
      }, patience);
      run()
        .finally(() => {
          clearTimeout(timer);
          this.#underWay.delete(subject);
        })
        .then((result) => {
          if (outlasted) late(result);
          else resolve(result);
        }, reject);
    });
  }
}
