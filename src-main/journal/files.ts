import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/** One open file that only grows. Every method throws what node:fs throws: an Error with `errno` and `code`. */
export interface JournalFile {
  /** One write(2) at the end of what was written so far. Answers how many bytes were taken, which may be fewer. */
  write(bytes: Uint8Array, offset: number): number;
  /** fdatasync(2): data and size are on the disk. */
  sync(): void;
  truncate(length: number): void;
  close(): void;
}

/** The file system as the writer needs it. */
export interface JournalFiles {
  /** With its parents; an existing directory is fine. */
  makeDirectory(path: string): void;
  /** Refuses an existing file with EEXIST. */
  openNew(path: string): JournalFile;
  /** Makes the name of a new file survive a power cut (fsync(2), NOTES: an fsync of the directory is needed too). */
  syncDirectory(path: string): void;
  remove(path: string): void;
}

const fileOf = (descriptor: number): JournalFile => ({
  write: (bytes, offset) => writeSync(descriptor, bytes, offset),
  sync: () => fdatasyncSync(descriptor),
  truncate: (length) => ftruncateSync(descriptor, length),
  close: () => closeSync(descriptor),
});

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

/** Every byte, over as many writes as it takes. */
export const writeWhole = (file: JournalFile, bytes: Uint8Array): void => {
  for (let offset = 0; offset < bytes.length;) {
    const taken = file.write(bytes, offset);
    if (taken <= 0) throw new Error('the system takes no more bytes');
    offset += taken;
  }
};
