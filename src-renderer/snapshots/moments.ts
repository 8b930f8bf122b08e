import type { Microseconds } from '../../src-main/core/recovery/phase.ts';

/** `+0.136 s`, exact to the millisecond; negative before the anchor. */
export const since = (at: Microseconds, anchor: Microseconds): string => {
  const thousandths = Math.round((at - anchor) / 1_000);
  return `${thousandths < 0 ? '−' : '+'}${(Math.abs(thousandths) / 1_000).toFixed(3)} s`;
};

/** On the rig's clock. */
export const onClock = (at: Microseconds): string => `${(at / 1_000_000).toFixed(3)} s`;
