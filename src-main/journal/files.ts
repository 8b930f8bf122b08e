import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

/** One open file that only grows. Every method throws what node:fs throws: an Error with `errno` and `code`. */
export interface JournalFile {
  /** One write(2) at the end of what was written so far. Answers how many bytes were taken, which may be fewer. */
  write(bytes: Uint8Array, offset: number): number;
  /**
   * fdatasync(2): data and size of what was written before the call are on the disk when it returns or, where it
   * answers with a promise, when that is fulfilled. A file does always the one or always the other.
   */
  sync(): void | Promise<void>;
  truncate(length: number): void;
  close(): void;
}

/** The file system as the writer needs it. Syncs are done when the call returns, or go on by themselves. */
export interface JournalFiles {
  /** With its parents; an existing directory is fine. */
  makeDirectory(path: string): void;
  /** Refuses an existing file with EEXIST. */
  openNew(path: string): JournalFile;
  /** Makes the name of a new file survive a power cut (fsync(2), NOTES: an fsync of the directory is needed too). */
  syncDirectory(path: string): void | Promise<void>;
  remove(path: string): void;
}

const fileOf = (descriptor: number): JournalFile => ({
  write: (bytes, offset) => writeSync(descriptor, bytes, offset),
  sync: () => fdatasyncSync(descriptor),
  truncate: (length) => ftruncateSync(descriptor, length),
  close: () => closeSync(descriptor),
});

/**
 * Every sync holds up the caller, for seconds on a disk that others keep busy. For virtual time at full speed, which
 * stands still meanwhile and so does not depend on the disk.
 */
export const systemFiles: JournalFiles = {
  makeDirectory: (path) => {
    mkdirSync(path, { recursive: true });
  },
  openNew: (path) => fileOf(openSync(path, 'wx')),
  syncDirectory: (path) => {
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  remove: (path) => unlinkSync(path),
};

const fdatasyncAside = promisify(fdatasync);

/** Every sync goes on beside the main thread, on one of the threads that Node keeps for files. */
export const backgroundFiles: JournalFiles = {
  ...systemFiles,
  openNew: (path) => {
    const descriptor = openSync(path, 'wx');
    return { ...fileOf(descriptor), sync: () => fdatasyncAside(descriptor) };
  },
  syncDirectory: async (path) => {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

/** Every byte, over as many writes as it takes. */
export const writeWhole = (file: JournalFile, bytes: Uint8Array): void => {
  for (let offset = 0; offset < bytes.length;) {
    const taken = file.write(bytes, offset);
    if (taken <= 0) throw new Error('the system takes no more bytes');
    offset += taken;
  }
};
