import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { SimulatedClock } from '../../../src-main/rigs/simulated/simulatedClock.ts';
import type { Pace } from '../../../src-main/rigs/simulated/simulatedClock.ts';

/** Two hundred virtual seconds in a real one: every wait below is of a tenth of a second or so. */
const paced: Pace = { kind: 'paced', factor: 200 };
const unbounded: Pace = { kind: 'unbounded' };

const until = (clock: SimulatedClock, moment: number): Promise<number> =>
  new Promise((resolve) => clock.at(moment, () => resolve(clock.now())));

describe.each([
  ['unbounded', unbounded],
  ['paced', paced],
] as const)('a clock, %s', (_, pace) => {
  it('calls back at the moment, not before, in the order of moments and then of asking', async () => {
    const clock = new SimulatedClock(pace, 0);
    const called: string[] = [];
    const note = (name: string) => () => called.push(`${name} ${clock.now()}`);
    clock.at(40_000_000, note('late'));
    clock.at(20_000_000, note('first'));
    clock.at(20_000_000, note('second'));
    expect(called).toEqual([]);
    await until(clock, 40_000_000);
    expect(called).toEqual(['first 20000000', 'second 20000000', 'late 40000000']);
  });

  it('a disposed call back never comes; disposing twice or afterwards does nothing', async () => {
    const clock = new SimulatedClock(pace, 0);
    const called: string[] = [];
    const dispose = clock.at(20_000_000, () => called.push('disposed'));
    const kept = clock.at(20_000_000, () => called.push('kept'));
    dispose();
    dispose();
    await until(clock, 20_000_001);
    kept();
    expect(called).toEqual(['kept']);
  });

  it('a moment in the past is now', async () => {
    const clock = new SimulatedClock(pace, 0);
    const now = await until(clock, 3_000_000);
    expect(await until(clock, 5)).toBeGreaterThanOrEqual(now);
  });

  it('a call back may ask for another one at its own moment', async () => {
    const clock = new SimulatedClock(pace, 0);
    const moments: number[] = [];
    await new Promise<void>((resolve) => {
      clock.at(20_000_000, () => {
        clock.at(clock.now(), () => {
          moments.push(clock.now());
          resolve();
        });
      });
    });
    expect(moments).toEqual([20_000_000]);
  });

  it('after close no call back comes any more', async () => {
    const clock = new SimulatedClock(pace, 0);
    const reference = new SimulatedClock(pace, 0);
    const called: string[] = [];
    clock.at(1_000, () => called.push('asked before'));
    clock.close();
    clock.at(1_000, () => called.push('asked after'));
    await until(reference, 3_000_000);
    expect(called).toEqual([]);
  });

  it('time never goes back', async () => {
    const clock = new SimulatedClock(pace, 0);
    let last = clock.now();
    for (const moment of [10, 500_000, 200_000, 2_000_000]) {
      const now = await until(clock, moment);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
});

describe('virtual time, unbounded', () => {
  it('stands still while promises settle, however many there are', async () => {
    const clock = new SimulatedClock(unbounded, 0);
    const fired = until(clock, 1);
    for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
    expect(clock.now()).toBe(0);
    expect(await fired).toBe(1);
  });

  it('an hour passes at once', async () => {
    const started = performance.now();
    expect(await until(new SimulatedClock(unbounded, 0), seconds(3_600))).toBe(seconds(3_600));
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('the wall clock goes along, in ISO 8601 with milliseconds', async () => {
    const clock = new SimulatedClock(unbounded, Date.UTC(2026, 10, 5, 23, 59, 59, 500));
    expect(clock.wall()).toBe('2026-11-05T23:59:59.500Z');
    await until(clock, milliseconds(501));
    expect(clock.wall()).toBe('2026-11-06T00:00:00.001Z');
  });

  it('fires any timers, less any disposed ones, by moment and then by order of asking', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ moment: fc.nat(40), disposed: fc.boolean() }), { maxLength: 300 }),
        async (timers) => {
          const clock = new SimulatedClock(unbounded, 0);
          const fired: number[] = [];
          const disposers = timers.map(({ moment }, index) => clock.at(moment, () => fired.push(index)));
          timers.forEach(({ disposed }, index) => {
            if (disposed) disposers[index]?.();
          });
          await until(clock, 41);
          const expected = timers
            .map(({ moment, disposed }, index) => ({ moment, disposed, index }))
            .filter(({ disposed }) => !disposed)
            .sort((one, other) => one.moment - other.moment || one.index - other.index)
            .map(({ index }) => index);
          expect(fired).toEqual(expected);
        },
      ),
      { numRuns: 30 },
    ));
});

describe('paced time', () => {
  it('passes no faster than its factor, and no slower than the machine can', async () => {
    const started = performance.now();
    const clock = new SimulatedClock({ kind: 'paced', factor: 100 }, 0);
    const fired = await until(clock, seconds(2));
    const real = performance.now() - started;
    expect(real).toBeGreaterThanOrEqual(19);
    expect(fired).toBeGreaterThanOrEqual(seconds(2));
  });

  it('never shows a call back a later moment than its own', async () => {
    const clock = new SimulatedClock(paced, 0);
    const moments: number[] = [];
    for (const moment of [20_000_000, 21_000_000, 22_000_000]) {
      clock.at(moment, () => {
        moments.push(clock.now());
        void Promise.resolve().then(() => moments.push(clock.now()));
      });
    }
    // Busy for longer than all of them: they fire late in real time, and still find their own moments.
    const busy = performance.now();
    while (performance.now() - busy < 120);
    await until(clock, 50_000_000);
    expect(moments).toEqual([20_000_000, 20_000_000, 21_000_000, 21_000_000, 22_000_000, 22_000_000]);
  });

  it('needs no timer for what is due: a machine with much to do is not held to a thousand things a second', async () => {
    // Node's timers stand still; only what asks for none of them goes on.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const clock = new SimulatedClock(paced, 0);
      const fired = Promise.all(Array.from({ length: 1_000 }, () => until(clock, 0)));
      expect(await fired).toHaveLength(1_000);
      clock.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
