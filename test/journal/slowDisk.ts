import type { ErrnoName } from '../../src-main/core/errno.ts';
import type { JournalFiles } from '../../src-main/journal/files.ts';
import { systemError } from './failingFiles.ts';

/** A disk in memory whose syncs go on beside the caller, and end when the test says so. */
export class SlowDisk {
  readonly contents = new Map<string, Buffer>();
  /** Begins and ends of syncs, and closes, in order. */
  readonly order: ('begin' | 'end' | 'close')[] = [];
  /** How much of the file the disk has. */
  kept = 0;
  #held = false;
  readonly #syncs: ((errno: ErrnoName | null) => void)[] = [];

  /** Syncs that begin from now on wait for `land`, `fail` or `release`. */
  hold(): void {
    this.#held = true;
  }

  /** The syncs under way come to an end, and those that begin from now on at once. */
  release(): void {
    this.#held = false;
    for (const settle of this.#syncs.splice(0)) settle(null);
  }

  get underWay(): number {
    return this.#syncs.length;
  }

  /** Ends the oldest sync under way. */
  land(errno: ErrnoName | null = null): void {
    const settle = this.#syncs.shift();
    if (settle === undefined) throw new Error('no sync is under way');
    settle(errno);
  }

  readonly files: JournalFiles = {
    makeDirectory: () => undefined,
    openNew: (path) => {
      const now = (): Buffer => this.contents.get(path) ?? Buffer.of();
      this.contents.set(path, Buffer.of());
      return {
        write: (bytes, offset) => {
          this.contents.set(path, Buffer.concat([now(), bytes.subarray(offset)]));
          return bytes.length - offset;
        },
        sync: () => this.#sync(now().length),
        truncate: (length) => {
          this.contents.set(path, now().subarray(0, length));
        },
        close: () => {
          this.order.push('close');
        },
      };
    },
    syncDirectory: () => Promise.resolve(),
    remove: (path) => {
      this.contents.delete(path);
    },
  };

  #sync(covers: number): Promise<void> {
    this.order.push('begin');
    return new Promise((resolve, reject) => {
      const settle = (errno: ErrnoName | null): void => {
        this.order.push('end');
        if (errno !== null) return reject(systemError(errno));
        this.kept = covers;
        resolve();
      };
      if (this.#held) this.#syncs.push(settle);
      else settle(null);
    });
  }
}
