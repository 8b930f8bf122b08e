import { describe, expect, it } from 'vitest';
import type { JournalBody, JournalLine } from '../../../src-main/core/journal/line.ts';
import { defaultPolicy } from '../../../src-main/core/recovery/policy.ts';
import { recordedRecoveries, recoveryAt } from '../../../src-main/core/restore/recordings.ts';

const device = '0000:01:00.0';
const wall = '2026-11-21T00:00:00.000Z';
const linesOf = (...bodies: readonly JournalBody[]): readonly JournalLine[] =>
  bodies.map((body, index) => ({ seq: index + 1, at: (index + 1) * 1_000, wall, ...body }));

const arming = {
  protocol: 'notify',
  policy: defaultPolicy,
  ackTimeout: 60_000_000,
  uevents: 'observable',
  sharers: 0,
} as const;
const armed: JournalBody = { type: 'armed', device, arming };
const snapshot = (
  recovery: number | null,
  moment: string,
  view: 'vfio' | 'hardware',
  bytes = `${moment} ${view}`,
): JournalBody => ({ type: 'snapshot', device, recovery, moment, view, bytes });
const both = (recovery: number | null, moment: string): readonly JournalBody[] => [
  snapshot(recovery, moment, 'vfio'),
  snapshot(recovery, moment, 'hardware'),
];
const ended = (recovery: number): JournalBody => ({
  type: 'step',
  device,
  event: { kind: 'clockReached', at: 1 },
  reason: 'waitExpired',
  phase: 'timedOut',
  recovery,
  effects: [],
});

describe('what a run kept of a device', () => {
  it('is nothing before anything was recorded', () => {
    expect(recordedRecoveries([])).toEqual([]);
    expect(recoveryAt([], null)).toBeNull();
  });

  it('is the reading when armed while no error has come', () => {
    const [only, ...more] = recordedRecoveries(linesOf(armed, ...both(null, 'armed')));
    expect(more).toEqual([]);
    expect(only).toMatchObject({ number: null, protocol: 'notify', outcome: null });
    expect(only?.moments.armed?.views).toEqual({ vfio: 'armed vfio', hardware: 'armed hardware' });
  });

  it('holds every recovery of an arming against the reading when armed', () => {
    const found = recordedRecoveries(
      linesOf(
        armed,
        ...both(null, 'armed'),
        ...both(1, 'duringWait'),
        ended(1),
        ...both(1, 'end'),
        ...both(2, 'duringWait'),
      ),
    );
    expect(found.map(({ number, outcome, moments }) => [number, outcome, Object.keys(moments)])).toEqual([
      [1, 'timedOut', ['armed', 'duringWait', 'end']],
      [2, null, ['armed', 'duringWait']],
    ]);
  });

  it('tells recoveries of two armings with one number apart', () => {
    const found = recordedRecoveries(
      linesOf(
        armed,
        ...both(null, 'armed'),
        ...both(1, 'duringWait'),
        armed,
        snapshot(null, 'armed', 'hardware', 'second'),
        ...both(1, 'duringWait'),
      ),
    );
    expect(found.map(({ number, moments }) => [number, moments.armed?.views.hardware])).toEqual([
      [1, 'armed hardware'],
      [1, 'second'],
    ]);
    expect(new Set(found.map(({ seq }) => seq)).size).toBe(2);
  });

  it('knows of a recovery in which the device answered nothing', () => {
    const found = recordedRecoveries(linesOf(armed, ...both(null, 'armed'), ended(1)));
    expect(found).toMatchObject([{ number: 1, outcome: 'timedOut' }]);
    expect(Object.keys(found[0]?.moments ?? {})).toEqual(['armed']);
  });

  it('finds the recovery of a moment', () => {
    const found = recordedRecoveries(
      linesOf(armed, ...both(null, 'armed'), ...both(1, 'duringWait'), ended(1), ...both(2, 'duringWait')),
    );
    expect(recoveryAt(found, null)?.number).toBe(2);
    expect(recoveryAt(found, 6_500)?.number).toBe(1);
    expect(recoveryAt(found, 99_000)?.number).toBe(2);
  });
});
