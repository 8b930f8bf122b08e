import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, readdirSync, statSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { BenchError } from '../../src-main/core/result.ts';
import { systemFiles } from '../../src-main/journal/files.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { errorOf, optionsIn, scan, temporaryDirectory, valueOf } from './fixtures.ts';

const program = join(import.meta.dirname, 'killedWriter.ts');

/** Runs the writer until it stops by itself; gives what it announced and its last word. */
const writeUntilRefused = async (command: string, directory: string) => {
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', `${command} exec "$0" "$1" "$2"`, process.execPath, program, directory],
    { maxBuffer: 1 << 26 },
  );
  const said = stdout.trimEnd().split('\n');
  const error = JSON.parse(said.at(-1) ?? '') as BenchError;
  return { path: said[0] ?? '', announced: Number(said.at(-2)), error };
};

const expectWholeUpTo = (path: string, announced: number): void => {
  const { lines, findings } = scan(readFileSync(path));
  expect(findings).toEqual([]);
  expect(lines).toHaveLength(announced);
};

describe('a file that may not grow (ulimit -f)', () => {
  it('ends the recording with one sentence, and keeps every announced line', async () => {
    const { path, announced, error } = await writeUntilRefused('ulimit -f 100;', temporaryDirectory());
    expect(error).toMatchObject({ code: 'journalUnwritable', errno: { name: 'EFBIG', number: 27 } });
    expect(error.message).toContain(path);
    expect(announced).toBeGreaterThan(50);
    expectWholeUpTo(path, announced);
  });
});

/** Only root may mount, and not in every container. The tests with the failing port and EFBIG do not need it. */
const mountTmpfs = (directory: string): string | null => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', directory], { stdio: 'pipe' });
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
};

const probe = join(temporaryDirectory(), 'probe');
mkdirSync(probe);
const noMount = mountTmpfs(probe);
if (noMount === null) execFileSync('umount', [probe]);

describe.skipIf(noMount !== null && process.env['CI'] !== 'true')(
  `a file system of 128 KiB${noMount === null ? '' : ` (not tried, for want of a mount: ${noMount})`}`,
  () => {
    const mounted: string[] = [];
    const smallDisk = (): string => {
      const directory = join(temporaryDirectory(), 'disk');
      mkdirSync(directory);
      const trouble = mountTmpfs(directory);
      if (trouble !== null) throw new Error(`a small tmpfs is needed here: ${trouble}`);
      mounted.push(directory);
      return directory;
    };
    afterEach(() => {
      for (const directory of mounted.splice(0)) execFileSync('umount', [directory]);
    });

    it('that runs full ends the recording with one sentence, and keeps every announced line', async () => {
      const { path, announced, error } = await writeUntilRefused('', smallDisk());
      expect(error).toMatchObject({ code: 'journalUnwritable', errno: { name: 'ENOSPC', number: 28 } });
      expect(error.message).toContain('the disk is full (ENOSPC)');
      expect(announced).toBeGreaterThan(50);
      expectWholeUpTo(path, announced);
    });

    it('that is full already gets no run, and no empty file', () => {
      const directory = smallDisk();
      const filler = openSync(join(directory, 'filler'), 'w');
      expect(() => {
        for (;;) writeSync(filler, Buffer.alloc(4096));
      }).toThrow('ENOSPC');
      closeSync(filler);
      const size = statSync(join(directory, 'filler')).size;
      expect(errorOf(createJournal(optionsIn(directory)))).toMatchObject({ errno: { name: 'ENOSPC' } });
      expect(readdirSync(directory)).toEqual(['filler']);
      expect(statSync(join(directory, 'filler')).size).toBe(size);
    });
  },
);

describe('/dev/full', () => {
  it('breaks the journal on its first write', async () => {
    let full = false;
    const files = {
      ...systemFiles,
      openNew: (path: string) => {
        const file = systemFiles.openNew(path);
        const device = openSync('/dev/full', 'w');
        return {
          ...file,
          write: (bytes: Uint8Array, offset: number) =>
            full ? writeSync(device, bytes, offset) : file.write(bytes, offset),
          close: () => {
            closeSync(device);
            file.close();
          },
        };
      },
    };
    const journal = valueOf(createJournal(optionsIn(temporaryDirectory(), { files })));
    full = true;
    expect(errorOf(journal.append(1, { type: 'end', outcome: 'x' }))).toMatchObject({
      code: 'journalUnwritable',
      errno: { name: 'ENOSPC', number: 28 },
    });
    valueOf(await journal.close());
    expectWholeUpTo(journal.path, 1);
  });
});
