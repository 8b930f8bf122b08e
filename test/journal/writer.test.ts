import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrnoName } from '../../src-main/core/errno.ts';
import { longestLine } from '../../src-main/core/journal/line.ts';
import { isRunId } from '../../src-main/journal/runId.ts';
import { createJournal, type RecordBody } from '../../src-main/journal/writer.ts';
import { bodies } from './arbitraries.ts';
import { failingFiles } from './failingFiles.ts';
import { errorOf, fileWith, optionsIn, scan, smallRun, temporaryDirectory, valueOf } from './fixtures.ts';

const note = (text: string): RecordBody => ({ type: 'kernelLog', device: null, text });

describe('a new journal', () => {
  it('is a file of its own, named after its run, in a directory that is made for it', async () => {
    const directory = join(temporaryDirectory(), 'deep', 'runs');
    const journal = valueOf(createJournal(optionsIn(directory, { suffix: () => '5f0a' })));
    expect(journal.run).toBe('2026-11-21T02-31-07Z-5f0a');
    expect(isRunId(journal.run)).toBe(true);
    expect(journal.path).toBe(join(directory, '2026-11-21T02-31-07Z-5f0a.jsonl'));
    const { lines, findings } = scan(readFileSync(journal.path));
    expect(findings).toEqual([]);
    expect(lines).toMatchObject([{ seq: 1, at: 1_000, type: 'run', schema: 1, run: journal.run, seed: 7 }]);
    valueOf(await journal.close());
  });

  it('never takes the file of another run', () => {
    const directory = temporaryDirectory();
    const suffixes = ['0000', '0000', '0001'];
    const options = optionsIn(directory, { suffix: () => suffixes.shift() ?? '0000' });
    const first = valueOf(createJournal(options));
    const before = readFileSync(first.path);
    const second = valueOf(createJournal(options));
    expect(second.run).toMatch(/-0001$/);
    expect(readFileSync(first.path)).toEqual(before);
    expect(errorOf(createJournal(options))).toMatchObject({
      code: 'journalUnwritable',
      errno: { name: 'EEXIST' },
    });
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('where a file is in the way of the directory is an error with a sentence', () => {
    const path = fileWith(temporaryDirectory(), 'occupied', 'here');
    const error = errorOf(createJournal(optionsIn(join(path, 'runs'))));
    expect(error).toMatchObject({ code: 'journalUnwritable', errno: { name: 'ENOTDIR', number: 20 } });
    expect(error.message).toContain(path);
    expect(readFileSync(path, 'utf8')).toBe('here');
  });

  it.each<ErrnoName>(['EACCES', 'EROFS', 'ENOSPC', 'EMFILE'])('that cannot be opened says %s', (errno) => {
    for (const trouble of [{ makeDirectoryFails: true }, { openFails: true }]) {
      const { files, contents } = failingFiles({ errno, ...trouble });
      expect(errorOf(createJournal(optionsIn('/runs', { files })))).toMatchObject({
        code: 'journalUnwritable',
        errno: { name: errno },
      });
      expect(contents.size).toBe(0);
    }
  });

  it('leaves no file behind when not even the first line finds room, or reaches the disk', () => {
    for (const trouble of [{ capacity: 0 }, { capacity: 30 }, { failingSync: 1 }]) {
      const { files, contents, closed } = failingFiles({ errno: 'ENOSPC', ...trouble });
      const error = errorOf(createJournal(optionsIn('/runs', { files })));
      expect(error).toMatchObject({ code: 'journalUnwritable', errno: { name: 'ENOSPC' } });
      expect(contents.size).toBe(0);
      expect(closed()).toBe(1);
    }
  });
});

describe('appending', () => {
  it('gives back what was appended, whatever it was', async () => {
    const directory = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(bodies, fc.nat(), fc.boolean()), { maxLength: 20 }),
        async (appended) => {
          const journal = valueOf(createJournal(optionsIn(directory)));
          const numbers = appended.map(([body, at, durable]) =>
            valueOf(durable ? journal.appendDurable(at, body) : journal.append(at, body)),
          );
          valueOf(await journal.close());
          expect(numbers).toEqual(appended.map((_, index) => index + 2));
          const { lines, findings } = scan(readFileSync(journal.path), 97);
          expect(findings).toEqual([]);
          const wall = '2026-11-21T02:31:07.250Z';
          expect(lines.slice(1)).toEqual(
            appended.map(([body, at], index) => ({ seq: index + 2, at, wall, ...body })),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is in the file when it has answered, before any close', async () => {
    const journal = valueOf(createJournal(optionsIn(temporaryDirectory())));
    for (const body of smallRun) {
      const seq = valueOf(journal.append(1, body));
      expect(scan(readFileSync(journal.path)).lines.at(-1)).toMatchObject({ seq, ...body });
    }
    valueOf(await journal.close());
  });

  it('goes on when the system takes a line in bites', () => {
    const { files, contents } = failingFiles({ errno: 'EIO', bite: 7 });
    const journal = valueOf(createJournal(optionsIn('/runs', { files })));
    for (const body of smallRun) valueOf(journal.append(1, body));
    const { lines, findings } = scan(contents.get(journal.path) ?? Buffer.of());
    expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(findings).toEqual([]);
  });

  it('syncs the durable lines, and only those', () => {
    const { files, syncs } = failingFiles({ errno: 'EIO' });
    const journal = valueOf(createJournal(optionsIn('/runs', { files })));
    const before = syncs();
    valueOf(journal.append(1, note('one')));
    expect(syncs()).toBe(before);
    valueOf(journal.appendDurable(1, note('two')));
    expect(syncs()).toBe(before + 1);
  });

  it.each([
    ['a moment that is no whole number', 0.5, note('x')],
    ['what JSON cannot hold', 1, { type: 'fault', device: 'a', request: 1n, receipt: null }],
    ['a line too long for any reader', 1, note('x'.repeat(longestLine))],
  ] as const)('refuses %s, writes nothing, and goes on', async (_title, at, body) => {
    const journal = valueOf(createJournal(optionsIn(temporaryDirectory())));
    const size = statSync(journal.path).size;
    expect(errorOf(journal.append(at, body))).toMatchObject({ code: 'malformedInput' });
    expect(statSync(journal.path).size).toBe(size);
    expect(journal.broken()).toBeNull();
    expect(valueOf(journal.append(2, note('next')))).toBe(2);
    valueOf(await journal.close());
  });

  it('after the end answers that the journal is closed; closing twice is fine', async () => {
    const journal = valueOf(createJournal(optionsIn(temporaryDirectory())));
    valueOf(await journal.close());
    valueOf(await journal.close());
    expect(errorOf(journal.append(1, note('late')))).toMatchObject({ code: 'journalUnwritable' });
  });
});

describe('a disk that is full', () => {
  const wholeRun = (): Buffer => {
    const { files, contents } = failingFiles({ errno: 'EIO' });
    const journal = valueOf(createJournal(optionsIn('/runs', { files, suffix: () => '0000' })));
    for (const body of smallRun) valueOf(journal.append(1, body));
    return contents.get(journal.path) ?? Buffer.of();
  };
  const whole = wholeRun();
  const headerBytes = whole.indexOf(0x0a) + 1;

  it.each<ErrnoName>(['ENOSPC', 'EFBIG', 'EIO', 'EDQUOT'])(
    'at any byte (%s) keeps the whole lines, cuts the rest, and takes no further line',
    async (errno) => {
      for (let capacity = headerBytes; capacity < whole.length; capacity += 1) {
        const { files, contents } = failingFiles({ errno, capacity });
        const journal = valueOf(createJournal(optionsIn('/runs', { files, suffix: () => '0000' })));
        const results = smallRun.map((body) => journal.append(1, body));
        const written = results.filter(({ ok }) => ok).length;
        const kept = contents.get(journal.path) ?? Buffer.of();
        expect(kept).toEqual(whole.subarray(0, whole.lastIndexOf(0x0a, capacity - 1) + 1));
        expect(scan(kept)).toMatchObject({ findings: [], summary: { lines: written + 1 } });
        const [error, ...again] = results.slice(written).map(errorOf);
        expect(error).toMatchObject({ code: 'journalUnwritable', errno: { name: errno } });
        expect(error?.message).toContain(journal.path);
        expect(error?.message).toContain('What cannot be recorded is not done');
        for (const later of again) expect(later).toBe(error);
        expect(journal.broken()).toBe(error);
        expect((await journal.close()).ok).toBe(true);
      }
    },
  );

  it('that cannot even be cut leaves a torn last line, which a reader names', () => {
    const capacity = headerBytes + 10;
    const { files, contents } = failingFiles({ errno: 'ENOSPC', capacity, truncateFails: true });
    const journal = valueOf(createJournal(optionsIn('/runs', { files, suffix: () => '0000' })));
    expect(errorOf(journal.append(1, note('x'))).code).toBe('journalUnwritable');
    expect(scan(contents.get(journal.path) ?? Buffer.of()).findings).toEqual([
      { kind: 'tornLastLine', lineNumber: 2, byteOffset: headerBytes, bytes: 10 },
    ]);
  });

  it('found out by the sync breaks the journal too: the line is taken back', () => {
    const { files, contents } = failingFiles({ errno: 'EIO', failingSync: 2 });
    const journal = valueOf(createJournal(optionsIn('/runs', { files })));
    valueOf(journal.append(1, note('kept')));
    expect(errorOf(journal.appendDurable(1, note('lost')))).toMatchObject({ errno: { name: 'EIO' } });
    expect(errorOf(journal.append(1, note('never')))).toMatchObject({ errno: { name: 'EIO' } });
    const { lines, findings } = scan(contents.get(journal.path) ?? Buffer.of());
    expect(lines.at(-1)).toMatchObject({ seq: 2, text: 'kept' });
    expect(findings).toEqual([]);
  });
});

describe('a directory that may not be written', () => {
  // Root may write everywhere, so the refusal is the kernel's own: /proc takes no files from anybody.
  it('is an error with its errno', () => {
    const error = errorOf(createJournal(optionsIn('/proc/self/fdinfo')));
    expect(error.code).toBe('journalUnwritable');
    expect(error.errno?.number).toBeGreaterThan(0);
    expect(error.message).toContain('/proc/self/fdinfo');
  });

  it('is not made when only its parent is there but is a file', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'there'));
    const file = fileWith(join(directory, 'there'), 'file', '');
    errorOf(createJournal(optionsIn(join(file, 'a', 'b'))));
    expect(readdirSync(dirname(file))).toEqual(['file']);
    expect(existsSync(join(file, 'a'))).toBe(false);
  });
});
