import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Result } from '../../src-main/core/result.ts';
import type { Finding } from '../../src-main/journal/findings.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { createScanner, type ScanSummary } from '../../src-main/journal/scanner.ts';
import { createJournal, type JournalOptions, type RecordBody } from '../../src-main/journal/writer.ts';
import { header } from './header.ts';

/** 2026-11-21T02:31:07.250Z */
export const wallClock = Date.UTC(2026, 10, 21, 2, 31, 7, 250);

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A directory that is gone when the tests of this file are over. */
export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-journal-'));
  directories.push(directory);
  return directory;
};

export const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

export const errorOf = (result: Result<unknown>) => {
  if (result.ok) throw new Error(`expected an error, got ${JSON.stringify(result.value)}`);
  return result.error;
};

let runs = 0;

/** Options of a run with a fixed clock and a name of its own. */
export const optionsIn = (directory: string, more: Partial<JournalOptions> = {}): JournalOptions => ({
  directory,
  header,
  at: 1_000,
  now: () => wallClock,
  suffix: () => (runs++).toString(16).padStart(4, '0'),
  writer: { pid: 4_194_304, started: null },
  ...more,
});

/** Writes a whole journal and gives its path. */
export const writeJournal = (directory: string, bodies: readonly RecordBody[]): string => {
  const journal = valueOf(createJournal(optionsIn(directory)));
  bodies.forEach((body, index) => valueOf(journal.append(2_000 + index, body)));
  // Everything is done when the call returns, because every sync is.
  void journal.close();
  if (journal.broken() !== null) throw new Error(journal.broken()?.message);
  return journal.path;
};

export interface Scan {
  readonly lines: readonly JournalLine[];
  readonly findings: readonly Finding[];
  readonly summary: ScanSummary;
}

/** Reads bytes as the reader does, in chunks of the given size. */
export const scan = (bytes: Uint8Array, chunkBytes = bytes.length || 1): Scan => {
  const lines: JournalLine[] = [];
  const findings: Finding[] = [];
  const scanner = createScanner({
    line: (line) => lines.push(line),
    finding: (finding) => findings.push(finding),
  });
  for (let from = 0; from < bytes.length; from += chunkBytes) {
    scanner.push(Buffer.from(bytes.subarray(from, from + chunkBytes)));
  }
  return { lines, findings, summary: scanner.end() };
};

/** A small journal with one line of several kinds, non-ASCII text included. */
export const smallRun: readonly RecordBody[] = [
  { type: 'uevent', device: '0000:01:00.0', uevent: 'BEGIN_RECOVERY' },
  { type: 'kernelLog', device: null, text: 'pcieport 0000:00:01.0: Fehler übertragen – “fatal” 𝄞\n' },
  { type: 'scenario', step: 1, text: 'inject a fatal error', result: 'passed' },
  { type: 'end', outcome: 'passed' },
];

export const smallJournal = (directory: string): string => writeJournal(directory, smallRun);

/** A file with the given bytes, for what a writer would never write. */
export const fileWith = (directory: string, name: string, bytes: Uint8Array | string): string => {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
};
