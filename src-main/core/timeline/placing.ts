import type { Microseconds } from '../recovery/phase.ts';

/**
 * Puts a row where its time belongs, behind rows of the same time, and returns its index. For what is told later than it
 * happened, as the kernel's trace is.
 */
export const placeByTime = <Row extends { readonly at: Microseconds }>(rows: Row[], row: Row): number => {
  const index = rows.findLastIndex(({ at }) => at <= row.at) + 1;
  rows.splice(index, 0, row);
  return index;
};
