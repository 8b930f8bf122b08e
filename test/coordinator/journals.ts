import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { JournalFiles } from '../../src-main/journal/files.ts';
import { createJournal, type JournalWriter } from '../../src-main/journal/writer.ts';
import { header } from '../journal/header.ts';
import { valueOf } from './lab.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A real journal in a directory of its own, which is gone when the tests of the file are over. */
export const journalOn = (files?: JournalFiles): JournalWriter => {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-coordinator-'));
  directories.push(directory);
  return valueOf(
    createJournal({ directory, header, at: 0, now: Date.now, ...(files === undefined ? {} : { files }) }),
  );
};

/** A journal in memory, for runs by the hundred. */
export const journalInMemory = () => {
  const chunks: Uint8Array[] = [];
  const files: JournalFiles = {
    makeDirectory: () => undefined,
    openNew: () => ({
      write: (bytes, offset) => {
        chunks.push(bytes.slice(offset));
        return bytes.length - offset;
      },
      sync: () => undefined,
      truncate: () => undefined,
      close: () => undefined,
    }),
    syncDirectory: () => undefined,
    remove: () => undefined,
  };
  const journal = valueOf(createJournal({ directory: '/', header, at: 0, now: () => 0, files }));
  return { journal, bytes: (): Uint8Array => Buffer.concat(chunks) };
};
