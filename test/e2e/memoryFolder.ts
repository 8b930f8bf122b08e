import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** TMPFS_MAGIC of linux/magic.h. */
const tmpfs = 0x01021994;
/** A dozen profiles at once have less. */
const room = 128 * 1024 * 1024;

/**
 * A folder for short-lived files that no disk is behind. Chromium waits for fdatasync(2) of its profile's databases some
 * five times before it shows a window, and again before it ends; on a disk that is busy with something else, such as the
 * packages that were unpacked a moment ago, each can take many seconds. In memory there is nothing to wait for.
 */
export const memoryFolder = (): string => {
  const folder = '/dev/shm';
  try {
    accessSync(folder, constants.W_OK);
    const { type, bavail, bsize } = statfsSync(folder);
    return type === tmpfs && bavail * bsize >= room ? folder : tmpdir();
  } catch {
    return tmpdir();
  }
};
