import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeLine } from '../../src-main/journal/codec.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { readJournal } from '../../src-main/journal/reader.ts';
import { repairJournal } from '../../src-main/journal/repair.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { isAlive, thisProcess } from '../../src-main/journal/writerIdentity.ts';
import { errorOf, fileWith, optionsIn, scan, smallJournal, temporaryDirectory, valueOf } from './fixtures.ts';

const directory = temporaryDirectory();
const bytes = readFileSync(smallJournal(directory));
const whole = scan(bytes).lines;
const dead = (): boolean => false;

describe('repairing a journal', () => {
  it('cuts a torn last line at any byte, and only that', async () => {
    const path = join(directory, 'torn.jsonl');
    const headerBytes = bytes.indexOf(0x0a) + 1;
    for (let end = headerBytes; end <= bytes.length; end += 1) {
      writeFileSync(path, bytes.subarray(0, end));
      const before = scan(bytes.subarray(0, end));
      const report = valueOf(await repairJournal(path, dead));
      expect(report.findings).toEqual(before.findings);
      const after = readFileSync(path);
      expect(scan(after)).toMatchObject({ lines: before.lines, findings: [] });
      const lastNewline = bytes.lastIndexOf(0x0a, end - 1) + 1;
      const [finding] = before.findings;
      if (finding === undefined) {
        expect(report).toMatchObject({ action: 'nothing', bytesCut: 0 });
        expect(after).toEqual(bytes.subarray(0, end));
      } else if (finding.kind === 'tornLastLine') {
        expect(report).toMatchObject({ action: 'cut', bytesCut: end - lastNewline });
        expect(after).toEqual(bytes.subarray(0, lastNewline));
      } else {
        expect(report).toMatchObject({ action: 'terminated', bytesCut: 0 });
        expect(after).toEqual(bytes.subarray(0, end + 1));
      }
    }
  });

  it('keeps a whole last line whose newline became another byte', async () => {
    const path = fileWith(
      directory,
      'newline.jsonl',
      Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]),
    );
    expect(valueOf(await repairJournal(path, dead))).toMatchObject({
      action: 'cutAndTerminated',
      bytesCut: 1,
    });
    expect(readFileSync(path)).toEqual(bytes);
  });

  it('never touches a damaged middle, but reports it with its place', async () => {
    const damaged = Buffer.from(bytes);
    const at = damaged.indexOf('BEGIN_RECOVERY');
    damaged[at] = 0x58;
    const byteOffset = bytes.lastIndexOf(0x0a, at) + 1;
    const finding = { kind: 'damagedLine', lineNumber: 2, byteOffset, because: 'checksum' };
    const path = fileWith(directory, 'middle.jsonl', damaged);
    const report = valueOf(await repairJournal(path, dead));
    expect(report).toMatchObject({ action: 'nothing', findings: [finding] });
    expect(readFileSync(path)).toEqual(damaged);
    writeFileSync(path, damaged.subarray(0, -5));
    expect(valueOf(await repairJournal(path, dead))).toMatchObject({
      action: 'cut',
      findings: [finding, { kind: 'tornLastLine' }],
    });
    expect(readFileSync(path)).toEqual(damaged.subarray(0, bytes.lastIndexOf(0x0a, -2) + 1));
  });

  it('does not touch the journal of a process that is alive', async () => {
    const journal = valueOf(createJournal(optionsIn(directory, { writer: thisProcess() })));
    valueOf(journal.append(1, { type: 'kernelLog', device: null, text: 'x' }));
    const torn = readFileSync(journal.path).subarray(0, -3);
    writeFileSync(journal.path, torn);
    const error = errorOf(await repairJournal(journal.path));
    expect(error.code).toBe('busy');
    expect(error.message).toContain(String(process.pid));
    expect(readFileSync(journal.path)).toEqual(torn);
    valueOf(await journal.close());
  });

  it('cuts what stands behind an end line, also while the process that wrote it goes on with other runs', async () => {
    const journal = valueOf(createJournal(optionsIn(directory, { writer: thisProcess() })));
    valueOf(journal.append(1, { type: 'end', outcome: 'passed' }));
    valueOf(await journal.close());
    const ended = readFileSync(journal.path);
    writeFileSync(journal.path, Buffer.concat([ended, Buffer.from('{"seq":3')]));
    expect(valueOf(await repairJournal(journal.path))).toMatchObject({ action: 'cut', bytesCut: 8 });
    expect(readFileSync(journal.path)).toEqual(ended);
  });

  it('leaves a file alone that holds no journal line at all', async () => {
    const path = fileWith(directory, 'letter.jsonl', 'Dear reader,\nthis is no journal');
    expect(errorOf(await repairJournal(path, dead)).code).toBe('journalDamaged');
    expect(readFileSync(path, 'utf8')).toBe('Dear reader,\nthis is no journal');
  });

  it('leaves a journal of a later schema alone, torn or not', async () => {
    const first = { ...whole[0], schema: 2 } as unknown as JournalLine;
    const later = `${encodeLine(first, first)}\n{"seq":2,"at":`;
    const path = fileWith(directory, 'later.jsonl', later);
    expect(valueOf(await repairJournal(path, dead))).toMatchObject({
      action: 'nothing',
      findings: [{ kind: 'unknownSchema', found: 2 }],
    });
    expect(readFileSync(path, 'utf8')).toBe(later);
  });
});

describe('the identity of a writer', () => {
  it('is alive for this process, and not for another of its pid or with a pid that nobody has', () => {
    const { pid, started } = thisProcess();
    expect(isAlive({ pid, started })).toBe(true);
    expect(isAlive({ pid, started: null })).toBe(true);
    expect(isAlive({ pid, started: `${started ?? ''}1` })).toBe(false);
    expect(isAlive({ pid: 4_194_304, started: null })).toBe(false);
  });
});

describe('a journal that cannot be read', () => {
  const nobody = { line: () => undefined, finding: () => undefined };

  it.each([
    ['is not there', join(directory, 'absent.jsonl'), 'ENOENT'],
    ['is a directory', directory, undefined],
  ])('because it %s is an error with its path', async (_title, path, errno) => {
    const size = statSync(directory).size;
    const error = errorOf(await readJournal(path, nobody));
    expect(error.code).toBe('journalUnreadable');
    expect(error.errno?.name).toBe(errno);
    expect(error.message).toContain(path);
    expect(errorOf(await repairJournal(path))).toEqual(error);
    expect(statSync(directory).size).toBe(size);
  });

  it('delivers from a file what the scanner delivers from bytes', async () => {
    const path = fileWith(directory, 'plain.jsonl', bytes);
    const lines: unknown[] = [];
    const summary = valueOf(
      await readJournal(path, { line: (line) => lines.push(line), finding: () => undefined }),
    );
    expect(lines).toEqual(whole);
    expect(summary).toEqual(scan(bytes).summary);
  });

  it('lets through what a sink throws', async () => {
    const path = fileWith(directory, 'thrown.jsonl', bytes);
    const sink = {
      ...nobody,
      line: () => {
        throw new Error('the sink is full');
      },
    };
    await expect(readJournal(path, sink)).rejects.toThrow('the sink is full');
  });
});
