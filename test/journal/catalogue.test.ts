import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listRuns, pathOfRun } from '../../src-main/journal/catalogue.ts';
import { exportJsonl } from '../../src-main/journal/export.ts';
import { systemFiles } from '../../src-main/journal/files.ts';
import { sentenceOfFinding } from '../../src-main/journal/findings.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src-main/journal/snapshot.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { thisProcess } from '../../src-main/journal/writerIdentity.ts';
import { systemError } from './failingFiles.ts';
import {
  errorOf,
  fileWith,
  optionsIn,
  scan,
  smallRun,
  temporaryDirectory,
  valueOf,
  wallClock,
  writeJournal,
} from './fixtures.ts';

describe('the list of runs', () => {
  it('tells what became of each, newest first, and passes over other files', async () => {
    const directory = temporaryDirectory();
    const at = (minute: number) => ({ now: () => wallClock + minute * 60_000, suffix: () => '00aa' });
    const begin = (minute: number, more = {}) =>
      valueOf(createJournal(optionsIn(directory, { ...at(minute), ...more })));

    const ended = begin(0);
    for (const body of smallRun) valueOf(ended.append(1, body));
    const recording = begin(1, { writer: thisProcess() });
    valueOf(recording.append(1, { type: 'scenario', step: 1, text: 'arm', result: 'started' }));
    const interrupted = begin(2);
    valueOf(interrupted.append(1, { type: 'kernelLog', device: null, text: 'x'.repeat(40_000) }));
    appendFileSync(interrupted.path, '{"seq":3,"at"');
    const headless = begin(3);
    writeFileSync(headless.path, 'x'.repeat(50));
    fileWith(directory, 'notes.txt', 'not a run');
    fileWith(directory, 'notes.jsonl', 'not a run either');
    mkdirSync(join(directory, '2026-11-21T02-31-07Z-dddd.jsonl'));

    const runs = valueOf(await listRuns(directory));
    expect(runs).toMatchObject([
      { run: headless.run, status: 'unreadable', header: null, lines: null, bytes: 50 },
      { run: interrupted.run, status: 'interrupted', lines: 2, outcome: null },
      { run: recording.run, status: 'recording', lines: 2 },
      { run: ended.run, status: 'ended', lines: 5, outcome: 'passed', lastWall: '2026-11-21T02:31:07.250Z' },
    ]);
    expect(runs[3]?.header).toEqual(scan(readFileSync(ended.path)).lines[0]);
    expect(runs.map(({ path }) => path)).toEqual(
      [headless, interrupted, recording, ended].map(({ path }) => path),
    );
    for (const journal of [ended, recording, interrupted, headless]) await journal.close();
  });

  it('of a directory that is not there is empty; of a file it is an error', async () => {
    const directory = temporaryDirectory();
    expect(valueOf(await listRuns(join(directory, 'none')))).toEqual([]);
    const error = errorOf(await listRuns(fileWith(directory, 'file', '')));
    expect(error).toMatchObject({ code: 'journalUnreadable', errno: { name: 'ENOTDIR' } });
  });

  it.each(['', '.', '../secret', '2026-11-21T02-31-07Z-5f0a/..', '2026-11-21T02-31-07Z-5f0a\n', 'run'])(
    'makes no path of %j',
    (run) => {
      expect(errorOf(pathOfRun('/runs', run)).code).toBe('unknownRun');
    },
  );

  it('makes a path of a run that it listed', () => {
    expect(valueOf(pathOfRun('/runs', '2026-11-21T02-31-07Z-5f0a'))).toBe(
      join('/runs', '2026-11-21T02-31-07Z-5f0a.jsonl'),
    );
  });
});

describe('exporting a journal', () => {
  it('copies the whole lines byte for byte and reports the rest', async () => {
    const directory = temporaryDirectory();
    const path = writeJournal(directory, smallRun);
    const bytes = readFileSync(path);
    const target = join(directory, 'whole.jsonl');
    expect(valueOf(await exportJsonl(path, target))).toMatchObject({
      lines: 5,
      bytes: bytes.length,
      findings: [],
    });
    expect(readFileSync(target)).toEqual(bytes);

    const damaged = Buffer.from(bytes);
    damaged[bytes.indexOf('BEGIN_RECOVERY')] = 0x58;
    writeFileSync(path, damaged);
    const partial = join(directory, 'partial.jsonl');
    const report = valueOf(await exportJsonl(path, partial));
    expect(report.findings).toMatchObject([{ kind: 'damagedLine', lineNumber: 2, because: 'checksum' }]);
    expect(report.findings.map(sentenceOfFinding)[0]).toMatch(
      /^Line 2 at byte \d+ is damaged \(checksum\): /,
    );
    expect(scan(readFileSync(partial)).lines.map(({ seq }) => seq)).toEqual([1, 3, 4, 5]);
    expect(readFileSync(path)).toEqual(damaged);
  });

  it('overwrites nothing, not even the journal itself', async () => {
    const directory = temporaryDirectory();
    const path = writeJournal(directory, smallRun);
    const bytes = readFileSync(path);
    expect(errorOf(await exportJsonl(path, path))).toMatchObject({
      code: 'journalUnwritable',
      errno: { name: 'EEXIST' },
    });
    expect(readFileSync(path)).toEqual(bytes);
  });

  it('that fails leaves no part behind', async () => {
    const directory = temporaryDirectory();
    const path = writeJournal(directory, smallRun);
    const before = readdirSync(directory);
    const target = join(directory, 'export.jsonl');
    const full = {
      ...systemFiles,
      openNew: (name: string) => ({
        ...systemFiles.openNew(name),
        write: () => {
          throw systemError('ENOSPC');
        },
      }),
    };
    expect(errorOf(await exportJsonl(path, target, full))).toMatchObject({
      code: 'journalUnwritable',
      errno: { name: 'ENOSPC' },
    });
    expect(errorOf(await exportJsonl(join(directory, 'absent'), target)).code).toBe('journalUnreadable');
    expect(readdirSync(directory)).toEqual(before);
  });
});

describe('a snapshot in a journal', () => {
  it.each([0, 64, 256, 4096])('of %i bytes comes back', (length) => {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37) % 251);
    expect(valueOf(decodeSnapshot(encodeSnapshot(bytes)))).toEqual(bytes);
  });

  it('of a quiet config space is short', () => {
    expect(encodeSnapshot(new Uint8Array(4096)).length).toBeLessThan(50);
  });

  it.each([
    ['no base64', '@@@@'],
    ['nothing', ''],
    ['noise', Buffer.from('no deflate stream here').toString('base64')],
    ['a cut stream', encodeSnapshot(Uint8Array.from({ length: 99 }, (_, index) => index)).slice(0, 40)],
    ['what inflates without end', encodeSnapshot(new Uint8Array(1 << 20))],
  ])('that is %s is an error', (_title, text) => {
    expect(errorOf(decodeSnapshot(text)).code).toBe('journalDamaged');
  });
});
