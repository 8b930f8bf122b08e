import type { Microseconds } from '../../src-main/core/recovery/phase.ts';

/** Seconds from the anchor, `+0.136`, exact to the millisecond; negative before it. */
export const since = (at: Microseconds, anchor: Microseconds): string => {
  const thousandths = Math.round((at - anchor) / 1_000);
  return `${thousandths < 0 ? '−' : '+'}${(Math.abs(thousandths) / 1_000).toFixed(3)}`;
};

/** On the rig's clock. */
export const onClock = (at: Microseconds): string => `${(at / 1_000_000).toFixed(3)} s`;
