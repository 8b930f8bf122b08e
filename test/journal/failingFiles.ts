import { errnoNumbers, type ErrnoName } from '../../src-main/core/errno.ts';
import type { JournalFiles } from '../../src-main/journal/files.ts';

/** What node:fs throws. */
export const systemError = (name: ErrnoName): Error =>
  Object.assign(new Error(`${name}: made up`), { code: name, errno: -errnoNumbers[name], syscall: 'write' });

export interface Trouble {
  readonly errno: ErrnoName;
  /** Bytes that the file takes before it fails: a write across this border is cut short first, as write(2) does. */
  readonly capacity?: number;
  /** The call that fails, from 1. */
  readonly failingSync?: number;
  readonly truncateFails?: boolean;
  readonly openFails?: boolean;
  readonly makeDirectoryFails?: boolean;
  /** The most that one write takes. */
  readonly bite?: number;
}

/** A file system in memory, with a limit. */
export const failingFiles = (trouble: Trouble) => {
  const contents = new Map<string, Buffer>();
  let syncs = 0;
  let closed = 0;
  const check = (fails: boolean | undefined): void => {
    if (fails === true) throw systemError(trouble.errno);
  };
  const files: JournalFiles = {
    makeDirectory: () => check(trouble.makeDirectoryFails),
    openNew: (path) => {
      check(trouble.openFails);
      if (contents.has(path)) throw systemError('EEXIST');
      contents.set(path, Buffer.of());
      const now = (): Buffer => contents.get(path) ?? Buffer.of();
      return {
        write: (bytes, offset) => {
          const room = (trouble.capacity ?? Infinity) - now().length;
          const taken = Math.min(bytes.length - offset, room, trouble.bite ?? Infinity);
          if (taken <= 0) throw systemError(trouble.errno);
          contents.set(path, Buffer.concat([now(), bytes.subarray(offset, offset + taken)]));
          return taken;
        },
        sync: () => check(++syncs === trouble.failingSync),
        truncate: (length) => {
          check(trouble.truncateFails);
          contents.set(path, now().subarray(0, length));
        },
        close: () => {
          closed += 1;
        },
      };
    },
    syncDirectory: () => undefined,
    remove: (path) => {
      contents.delete(path);
    },
  };
  return { files, contents, syncs: () => syncs, closed: () => closed };
};
