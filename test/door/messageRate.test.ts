import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageRate } from '../../src-main/door/messageRate.ts';

describe('the rate of messages', () => {
  it('lets a burst through and then says how long to wait', () => {
    let now = 0;
    const rate = new MessageRate({ perSecond: 10, burst: 3 }, () => now);
    expect([rate.take(), rate.take(), rate.take()]).toEqual([0, 0, 0]);
    expect([rate.take(), rate.take()]).toEqual([100, 200]);
    now += 300;
    expect([rate.take(), rate.take()]).toEqual([0, 100]);
    now += 3_600_000;
    expect([rate.take(), rate.take(), rate.take(), rate.take()]).toEqual([0, 0, 0, 100]);
  });

  it('never lets more through than the limit in any stretch of time, whoever obeys it', () => {
    fc.assert(
      fc.property(
        fc.record({ perSecond: fc.integer({ min: 1, max: 5_000 }), burst: fc.integer({ min: 1, max: 100 }) }),
        fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 300 }),
        (limit, pauses) => {
          let now = 0;
          const rate = new MessageRate(limit, () => now);
          const taken: number[] = [];
          for (const pause of pauses) {
            now += pause;
            taken.push(now);
            now += rate.take();
          }
          for (let from = 0; from < taken.length; from += 17) {
            for (let to = from; to < taken.length; to += 13) {
              const stretch = ((taken[to] ?? 0) - (taken[from] ?? 0)) / 1_000;
              // The one that went beyond the limit was taken, and is waited for.
              expect(to - from + 1).toBeLessThanOrEqual(limit.burst + 1 + stretch * limit.perSecond + 1e-6);
            }
          }
        },
      ),
    );
  });
});
