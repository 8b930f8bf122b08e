import { describe, expect, it } from 'vitest';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { recoveryReader, type RecoveryRecord } from '../../../src-renderer/views/handshake/recoveries.ts';
import { RigLog } from '../../../src-renderer/stores/rigLog.ts';
import { approval, device, expiry, Told, untilQuiet } from './told.ts';

const readAll = (lines: readonly JournalLine[]): RecoveryRecord => {
  const log = new RigLog();
  log.append(lines);
  return recoveryReader()(log.device(device));
};

const fault = {
  type: 'fault',
  device,
  request: { fault: { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' } },
};
const lost = { delivery: { kind: 'lost', where: 'deviceControl', detail: 'DevCtl reports nothing.' } };

describe('the recoveries of a device', () => {
  it('tells one that is open, with the fault that caused it', () => {
    const told = new Told();
    told.line({ ...fault, receipt: null } as never, 900_000).happens(...untilQuiet());
    const { stories, idleRows } = readAll(told.lines);
    expect(stories).toHaveLength(1);
    expect(stories[0]).toMatchObject({
      number: 1,
      openedAt: 1_000_000,
      protocol: 'notify',
      conclusion: null,
    });
    expect(stories[0]?.state).toEqual(told.state);
    expect(stories[0]?.rows[0]?.text).toBe('inject fatal MALF_TLP');
    expect(stories[0]?.rows.some(({ text }) => text.startsWith('arm'))).toBe(false);
    expect(idleRows).toEqual([]);
  });

  it('tells its outcome and how long each phase took', () => {
    const told = new Told().happens(...untilQuiet(), expiry());
    const [story] = readAll(told.lines).stories;
    expect(story?.conclusion).toEqual({ at: 61_000_000, outcome: 'timedOut', reason: 'waitExpired' });
    expect(story?.durations).toEqual([
      { phase: 'errorDetected', took: 1_000 },
      { phase: 'quiescing', took: 8_000 },
      { phase: 'awaitingAck', took: 59_991_000 },
    ]);
  });

  it('tells two of one arming and two of different armings apart', () => {
    const told = new Told().happens(...untilQuiet(), expiry(), ...untilQuiet(2, 70_000_000));
    told.happens({ kind: 'deviceRemoved', at: 71_000_000 }).armAgain(80_000_000);
    told.happens(...untilQuiet(1, 90_000_000));
    const { stories } = readAll(told.lines);
    expect(stories.map(({ number }) => number)).toEqual([1, 2, 1]);
    expect(new Set(stories.map(({ key }) => key)).size).toBe(3);
    expect(stories.map(({ conclusion }) => conclusion?.outcome ?? null)).toEqual([
      'timedOut',
      'deviceLost',
      null,
    ]);
  });

  it('ends one and begins the next with one signal', () => {
    const told = new Told().happens(...untilQuiet(), { kind: 'signal', at: 2_000_000, count: 1 });
    const { stories } = readAll(told.lines);
    expect(stories.map(({ conclusion }) => conclusion?.reason ?? null)).toEqual([
      'nextErrorDuringWait',
      null,
    ]);
  });

  it('keeps a fault that led to nothing where it can be seen', () => {
    const told = new Told();
    told
      .line({ ...fault, receipt: null } as never, 900_000)
      .line({ ...fault, receipt: lost } as never, 900_100);
    const texts = readAll(told.lines).idleRows.map(({ text }) => text);
    expect(texts).toContain('the fault got lost (deviceControl): DevCtl reports nothing.');
    const after = new Told().happens(...untilQuiet(), expiry());
    after
      .line({ ...fault, receipt: null } as never, 62_000_000)
      .line({ ...fault, receipt: lost } as never, 62_000_100);
    expect(readAll(after.lines).stories[0]?.rows.at(-1)?.text).toContain('got lost');
  });

  it('reads the same line by line as at once', () => {
    const told = new Told().happens(
      ...untilQuiet(),
      { kind: 'acknowledgeRequested', at: 2_000_000, approval },
      { kind: 'acknowledgeFinished', at: 2_000_100, recovery: 1, error: null },
      { kind: 'signal', at: 2_100_000, count: 1 },
    );
    const log = new RigLog();
    const read = recoveryReader();
    for (const line of told.lines) {
      log.append([line]);
      const { lines, rows } = log.device(device);
      read({ lines: [...lines], rows: [...rows] });
    }
    expect(read(log.device(device))).toEqual(readAll(told.lines));
  });

  it('says what it can where the lines begin in the middle', () => {
    const told = new Told().happens(...untilQuiet(), expiry());
    const [story] = readAll(told.lines.slice(2)).stories;
    expect(story).toMatchObject({ number: 1, state: null, conclusion: { outcome: 'timedOut' } });
  });
});
