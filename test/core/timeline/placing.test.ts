import fc from 'fast-check';
import { expect, it } from 'vitest';
import { placeByTime } from '../../../src-main/core/timeline/placing.ts';

it('puts rows in the order of their times, and of their telling where times are the same', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const rows: { readonly at: number; readonly told: number }[] = [];
      for (const [told, at] of times.entries()) {
        const row = { at, told };
        expect(rows[placeByTime(rows, row)]).toBe(row);
      }
      expect(rows).toEqual([...rows].sort((one, other) => one.at - other.at || one.told - other.told));
      expect(rows).toHaveLength(times.length);
    }),
  );
});
