import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { phases } from '../../../src-main/core/recovery/phase.ts';
import { allDeviceLines, deviceLines, liveLines, RigLog } from '../../../src-renderer/stores/rigLog.ts';
import { lineOf, noteLine } from '../fakeBridge.ts';

const devices = ['0000:01:00.0', '0000:02:00.0'];

const run = fc
  .array(
    fc.oneof(
      fc.record({ device: fc.constantFrom(...devices), phase: fc.constantFrom(...phases) }),
      fc.constant(null),
    ),
    { minLength: 1, maxLength: 80 },
  )
  .map((steps) =>
    steps.map((made, index): JournalLine =>
      made === null
        ? noteLine(index + 1)
        : lineOf(index + 1, {
            type: 'step',
            device: made.device,
            event: { kind: 'clockReached', at: index },
            reason: 'errorsRead',
            phase: made.phase,
            recovery: 1,
            effects: index % 3 === 0 ? [{ kind: 'quiesce', recovery: 1 }] : [],
          }),
    ),
  );

const shown = (log: RigLog) => ({
  rows: log.rows,
  lines: log.lines,
  devices: devices.map((address) => log.device(address)),
});

describe('RigLog', () => {
  it('has the same rows whether lines came at the end or were put in front later', () => {
    fc.assert(
      fc.property(run, fc.nat(80), fc.nat(80), (lines, one, other) => {
        const cuts = [one, other].map((cut) => cut % (lines.length + 1)).sort((a, b) => a - b);
        const [low = 0, high = 0] = cuts;
        const whole = new RigLog();
        whole.append(lines);
        const pieces = new RigLog();
        pieces.append(lines.slice(high));
        pieces.prepend(lines.slice(low, high));
        pieces.prepend(lines.slice(0, low));
        expect(shown(pieces)).toEqual(shown(whole));
      }),
    );
  });

  it('takes each line once, and lines in front only where they fit', () => {
    const log = new RigLog();
    log.append([noteLine(5), noteLine(6)]);
    log.append([noteLine(6), noteLine(7)]);
    log.prepend([noteLine(2), noteLine(3)]);
    expect(log.lines.map(({ seq }) => seq)).toEqual([5, 6, 7]);
    log.prepend([noteLine(3), noteLine(4), noteLine(5)]);
    expect(log.lines.map(({ seq }) => seq)).toEqual([3, 4, 5, 6, 7]);
    expect(log.frontShift).toBe(2);
  });

  it('goes on after a snapshot that continues it, and starts anew after one that does not', () => {
    const log = new RigLog();
    log.append([1, 2, 3, 4].map((seq) => noteLine(seq)));
    log.resume([noteLine(3), noteLine(4), noteLine(5)], null);
    expect(log.lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    log.resume([noteLine(9)], null);
    expect(log.lines.map(({ seq }) => seq)).toEqual([9]);
    const otherRun = { ...noteLine(9), wall: '2026-11-22T00:00:00.000Z' };
    log.resume([otherRun, { ...noteLine(10), wall: '2026-11-22T00:00:01.000Z' }], null);
    expect(log.lines).toHaveLength(2);
    expect(log.lines[0]).toBe(otherRun);
  });

  it('drops old lines of a long run, but not while somebody reads them', () => {
    const log = new RigLog();
    const more = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => noteLine(from + index));
    log.held = true;
    log.append(more(1, liveLines + 1));
    expect(log.firstSeq).toBe(1);
    log.held = false;
    log.append([noteLine(liveLines + 2)]);
    expect(log.lines.length).toBe(Math.floor(liveLines * 0.75));
    expect(log.lastSeq).toBe(liveLines + 2);
    expect(log.rows).toHaveLength(log.lines.length);
    expect(log.rows[0]?.seq).toBe(log.firstSeq);
    expect(log.frontShift).toBe(log.lines.length - (liveLines + 2));
  });

  it('keeps the lines of a quiet device beside busy ones', () => {
    const log = new RigLog();
    log.append([noteLine(1, 'quiet', '0000:09:00.0')]);
    log.append(Array.from({ length: liveLines * 2 }, (_, index) => noteLine(index + 2)));
    expect(log.device('0000:09:00.0').lines.map(({ seq }) => seq)).toEqual([1]);
  });

  it('bounds what it keeps of many busy devices together, and keeps all of a quiet one', () => {
    const log = new RigLog();
    const busy = Array.from({ length: 50 }, (_, index) => `0000:0a:${index.toString(16).padStart(2, '0')}.0`);
    const quiet = '0000:09:00.0';
    for (let seq = 1; seq <= 200; seq += 1) log.append([noteLine(seq, 'quiet', quiet)]);
    for (let seq = 201; seq <= 60_000; seq += 100) {
      log.append(
        Array.from({ length: 100 }, (_, index) => noteLine(seq + index, 'x', busy[index % 50] ?? '')),
      );
    }
    const kept = busy.map((address) => log.device(address));
    const total = kept.reduce((sum, { lines }) => sum + lines.length, 0);
    expect(total).toBeLessThanOrEqual(allDeviceLines);
    for (const { lines, rows } of kept) {
      expect(lines.length).toBeGreaterThanOrEqual(100);
      expect(lines.at(-1)?.seq).toBeGreaterThan(59_000);
      expect(rows.map(({ seq }) => seq)).toEqual(lines.map(({ seq }) => seq));
    }
    expect(log.device(quiet).lines).toHaveLength(200);
  });

  it('keeps two thousand lines of each of a few busy devices', () => {
    const log = new RigLog();
    for (let seq = 1; seq <= liveLines * 2; seq += 100) {
      log.append(
        Array.from({ length: 100 }, (_, index) => noteLine(seq + index, 'x', devices[index % 2] ?? '')),
      );
    }
    for (const address of devices)
      expect(log.device(address).lines.length).toBeGreaterThanOrEqual(deviceLines);
  });

  it('tells once a batch that something came, and not when nothing did', () => {
    const log = new RigLog();
    log.append([noteLine(1), noteLine(2)]);
    expect(log.version.value).toBe(1);
    log.append([noteLine(2)]);
    expect(log.version.value).toBe(1);
  });
});
