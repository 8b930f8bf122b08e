import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeLine } from '../../src-main/journal/codec.ts';
import { longestLine, type JournalLine } from '../../src-main/core/journal/line.ts';
import { scan, smallJournal, temporaryDirectory } from './fixtures.ts';

const bytes = readFileSync(smallJournal(temporaryDirectory()));
const whole = scan(bytes).lines;
/** Where each line begins; the end of the file is the last. */
const starts = [0, ...[...bytes.keys()].filter((at) => bytes[at] === 0x0a).map((at) => at + 1)];
const startOf = (index: number): number => starts[index] ?? Number.NaN;
const lineAt = (offset: number): number => starts.findLastIndex((start) => start <= offset);
const pieces = starts.slice(0, -1).map((start, index) => bytes.subarray(start, startOf(index + 1)));
const joined = (...indexes: number[]): Buffer =>
  Buffer.concat(indexes.map((index) => pieces[index] ?? Buffer.of()));
const sequences = (lines: readonly JournalLine[]): number[] => lines.map(({ seq }) => seq);

describe('a whole journal', () => {
  it('is delivered line by line with nothing found', () => {
    const { lines, findings, summary } = scan(bytes);
    expect(sequences(lines)).toEqual([1, 2, 3, 4, 5]);
    expect(findings).toEqual([]);
    expect(summary).toMatchObject({ lines: 5, findings: 0, ended: true, fileBytes: bytes.length });
    expect(summary.header?.run).toMatch(/^2026-11-21T02-31-07Z-/);
    expect(summary.tailOffset).toBe(bytes.length);
  });

  it('is the same in chunks of any size, also where a chunk ends inside a character', () => {
    for (let size = 1; size <= bytes.length; size += 1) {
      const { lines, findings } = scan(bytes, size);
      expect(lines).toEqual(whole);
      expect(findings).toEqual([]);
    }
  });
});

describe('a journal torn at any byte', () => {
  it('loses nothing but the line that was being written, and says where the tear is', () => {
    for (let end = 1; end < bytes.length; end += 1) {
      const { lines, findings, summary } = scan(bytes.subarray(0, end), 64);
      const torn = lineAt(end);
      const onlyTheNewlineIsGone = startOf(torn + 1) === end + 1;
      expect(lines).toEqual(whole.slice(0, onlyTheNewlineIsGone ? torn + 1 : torn));
      const expected: unknown[] = [];
      if (onlyTheNewlineIsGone) {
        expected.push({ kind: 'unterminatedLastLine', lineNumber: torn + 1, byteOffset: end });
      } else if (end > startOf(torn)) {
        const byteOffset = startOf(torn);
        expected.push({ kind: 'tornLastLine', lineNumber: torn + 1, byteOffset, bytes: end - byteOffset });
      }
      if (lines.length === 0) expected.push({ kind: 'missingHeader' });
      expect(findings).toEqual(expected);
      expect(summary.tailOffset).toBe(onlyTheNewlineIsGone ? end : startOf(torn));
    }
  });

  it('of no bytes has no header', () => {
    expect(scan(Buffer.of()).findings).toEqual([{ kind: 'missingHeader' }]);
  });
});

describe('a journal with one wrong byte', () => {
  it('loses that line only, and names its number and offset', () => {
    // Bit 0 makes another letter, bit 5 another case, 0xff a byte that UTF-8 does not have.
    for (const flip of [0x01, 0x20, 0xff]) {
      for (let at = 0; at < bytes.length; at += 1) {
        const other = Buffer.from(bytes);
        other[at] = (other[at] ?? 0) ^ flip;
        const index = lineAt(at);
        const { lines, findings } = scan(other, 100);
        const isNewline = bytes[at] === 0x0a;
        const place = { lineNumber: index + 1, byteOffset: startOf(index) };
        if (isNewline && index === pieces.length - 1) {
          expect(lines).toEqual(whole);
          expect(findings).toEqual([
            { kind: 'tornLastLine', lineNumber: index + 1, byteOffset: at, bytes: 1 },
          ]);
          continue;
        }
        expect(lines).toEqual(isNewline ? whole : whole.filter(({ seq }) => seq !== index + 1));
        expect(findings[0]).toMatchObject({ kind: 'damagedLine', ...place });
        expect(findings.slice(1).map(({ kind }) => kind)).toEqual(
          index === 0 && !isNewline ? ['missingHeader'] : [],
        );
      }
    }
  });

  it('that makes a newline gives two damaged pieces, and the other lines', () => {
    const index = 2;
    for (let at = startOf(index); at < startOf(index + 1) - 1; at += 1) {
      const other = Buffer.from(bytes);
      other[at] = 0x0a;
      const { lines, findings } = scan(other);
      expect(sequences(lines)).toEqual([1, 2, 4, 5]);
      expect(findings).toMatchObject([
        { kind: 'damagedLine', lineNumber: 3, byteOffset: startOf(index) },
        { kind: 'damagedLine', lineNumber: 4, byteOffset: at + 1 },
      ]);
    }
  });
});

describe('a journal whose lines were moved about', () => {
  it.each([
    ['a deleted line', joined(0, 1, 3, 4), [1, 2, 4, 5], [{ kind: 'missingLines', from: 3, to: 3 }]],
    ['two deleted lines', joined(0, 3, 4), [1, 4, 5], [{ kind: 'missingLines', from: 2, to: 3 }]],
    [
      'a deleted first line',
      joined(1, 2, 3, 4),
      [2, 3, 4, 5],
      [{ kind: 'missingHeader' }, { kind: 'missingLines', from: 1, to: 1 }],
    ],
    [
      'a repeated line',
      joined(0, 1, 1, 2, 3, 4),
      [1, 2, 3, 4, 5],
      [{ kind: 'damagedLine', because: 'sequence', lineNumber: 3, byteOffset: startOf(2) }],
    ],
    [
      'two swapped lines',
      joined(0, 2, 1, 3, 4),
      [1, 3, 2, 4, 5],
      [{ kind: 'damagedLine', because: 'sequence', lineNumber: 3 }],
    ],
    [
      'a deleted line beside a damaged one',
      Buffer.concat([joined(0, 1), Buffer.from('x\n'), joined(4)]),
      [1, 2, 5],
      [
        { kind: 'damagedLine', because: 'notJson', lineNumber: 3 },
        { kind: 'missingLines', from: 3, to: 4 },
      ],
    ],
    [
      'an empty line between',
      Buffer.concat([joined(0, 1), Buffer.from('\n'), joined(2, 3, 4)]),
      [1, 2, 3, 4, 5],
      [{ kind: 'damagedLine', because: 'notJson', lineNumber: 3 }],
    ],
    [
      'another journal behind it',
      Buffer.concat([bytes, joined(0)]),
      [1, 2, 3, 4, 5],
      [{ kind: 'damagedLine', because: 'sequence', lineNumber: 6, byteOffset: bytes.length }],
    ],
  ])('tells of %s', (_title, moved, delivered, expected) => {
    const { lines, findings } = scan(moved);
    expect(sequences(lines)).toEqual(delivered);
    expect(findings).toHaveLength(expected.length);
    expect(findings).toMatchObject(expected);
  });
});

describe('bytes that are no journal of this version', () => {
  it('of a later schema are not interpreted', () => {
    const first = { ...whole[0], schema: 2, novelty: true } as unknown as JournalLine;
    const line = encodeLine(first, first);
    const { lines, findings } = scan(Buffer.concat([Buffer.from(`${line}\n`), joined(1, 2)]));
    expect(lines).toEqual([]);
    expect(findings).toEqual([{ kind: 'unknownSchema', found: 2 }]);
  });

  it('never make the scanner throw, and it always says something', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 50 }), (noise, size) => {
        const { lines, findings } = scan(noise, size);
        expect(lines).toEqual([]);
        expect(findings.length).toBeGreaterThan(0);
      }),
    );
  });

  it('cannot make it keep a line of any length', () => {
    const long = Buffer.alloc(longestLine + 5, 0x20);
    const { lines, findings } = scan(
      Buffer.concat([joined(0, 1), long, Buffer.from('\n'), joined(3, 4), long]),
      64 * 1024,
    );
    expect(sequences(lines)).toEqual([1, 2, 4, 5]);
    expect(findings).toMatchObject([
      { kind: 'damagedLine', because: 'tooLong', lineNumber: 3, byteOffset: startOf(2) },
      { kind: 'tornLastLine', lineNumber: 6, bytes: long.length },
    ]);
  });
});
