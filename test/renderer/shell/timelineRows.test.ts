import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FilteredRows,
  indexOfSeq,
  lastRowAt,
  originOf,
  relativeTime,
} from '../../../src-renderer/shell/timelineRows.ts';
import { liveLines, RigLog } from '../../../src-renderer/stores/rigLog.ts';
import { lineOf, noteLine } from '../fakeBridge.ts';

const devices = ['0000:01:00.0', '0000:02:00.0', null];
const signal = (seq: number, at: number, device = '0000:01:00.0') =>
  lineOf(
    seq,
    {
      type: 'step',
      device,
      event: { kind: 'signal', at, count: 1 },
      reason: 'signalOpens',
      phase: 'errorDetected',
      recovery: 1,
      effects: [],
    },
    at,
  );

describe('FilteredRows', () => {
  it('has the same entries whether it kept up or looked at all at once', () => {
    const line = fc.record({
      text: fc.constantFrom('alpha', 'beta', 'alpha beta'),
      of: fc.constantFrom(...devices),
    });
    const ask = fc.record({
      filter: fc.constantFrom('', 'alpha', 'beta alpha'),
      device: fc.constantFrom(...devices),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.array(ask, { maxLength: 8 }), (lines, asks) => {
        const log = new RigLog();
        const kept = new FilteredRows();
        let seq = 40;
        lines.forEach(({ text, of }, index) => {
          log.append([noteLine((seq += 1), text, of)]);
          if (index === 5) log.prepend([noteLine(40, 'alpha', null)]);
          const { filter, device } = asks[Math.floor((index / lines.length) * asks.length)] ?? {
            filter: '',
            device: null,
          };
          expect(kept.read(log, filter, device)).toEqual(new FilteredRows().read(log, filter, device));
        });
      }),
    );
  });

  it('has the same entries after old lines were dropped, came back in front, or another run began', () => {
    const log = new RigLog();
    const [all, some] = [new FilteredRows(), new FilteredRows()];
    const check = (): void => {
      expect(all.read(log, '', null)).toEqual(new FilteredRows().read(log, '', null));
      expect(some.read(log, 'alpha', '0000:01:00.0')).toEqual(
        new FilteredRows().read(log, 'alpha', '0000:01:00.0'),
      );
    };
    const more = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) =>
        index % 3 === 0 ? signal(from + index, index) : noteLine(from + index, index % 2 ? 'alpha' : 'beta'),
      );
    for (let from = 1; from < liveLines * 1.5; from += 4_000) {
      log.append(more(from, 4_000));
      check();
    }
    const first = log.firstSeq ?? 0;
    expect(first).toBeGreaterThan(1);
    log.prepend(more(first - 10, 10));
    check();
    log.resume([{ ...noteLine(log.lastSeq, 'alpha'), wall: '2026-11-22T00:00:00.000Z' }], null);
    check();
    expect(all.read(log, '', null)).toHaveLength(1);
  });

  it('keeps rows of no device when only one device is wanted', () => {
    const log = new RigLog();
    log.append([noteLine(1, 'a', '0000:01:00.0'), noteLine(2, 'b', '0000:02:00.0'), noteLine(3, 'c')]);
    const texts = new FilteredRows().read(log, '', '0000:01:00.0').map(({ text }) => text);
    expect(texts).toEqual(['a', 'c']);
  });

  it('gives a phase that begins a row of its own, right after what began it', () => {
    const log = new RigLog();
    log.append([signal(1, 10), signal(2, 20)]);
    const entries = new FilteredRows().read(log, '', null);
    expect(entries.map(({ text, begins }) => [text, begins])).toEqual([
      ['signal, count 1', false],
      ['errorDetected', true],
      ['signal, count 1', false],
    ]);
  });
});

describe('places in the timeline', () => {
  const log = new RigLog();
  log.append([noteLine(1), signal(2, 5_000), noteLine(3, 'x', null), signal(4, 9_000, '0000:02:00.0')]);
  const { rows } = log;

  it('finds the last row that is not after a moment', () => {
    expect(lastRowAt(rows, 0)).toBe(-1);
    expect(
      lastRowAt(
        [...rows].sort((a, b) => a.at - b.at),
        6_000,
      ),
    ).toBe(2);
    expect(lastRowAt(rows, 1e9)).toBe(rows.length - 1);
  });

  it('finds a row by its line, or the one in its place', () => {
    rows.forEach(({ seq, part }, index) => expect(indexOfSeq(rows, seq, part)).toBe(index));
    expect(indexOfSeq(rows, 99, 0)).toBe(rows.length);
  });

  it('counts time from the recovery that the moment belongs to', () => {
    expect(originOf(rows, null)).toBe(9_000);
    expect(originOf(rows, 8_999)).toBe(5_000);
    expect(originOf(rows, 1)).toBeNull();
  });

  it.each([
    [1_310_000, 0, '+1.310'],
    [0, 4_120_000, '-4.120'],
    [0, 0, '+0.000'],
    [9_999_999_999, 0, '+10000'],
    [123_456_789_000, 0, '+123457'],
  ])('writes %i µs after %i as %s', (at, origin, text) => {
    expect(relativeTime(at, origin)).toBe(text);
  });
});
