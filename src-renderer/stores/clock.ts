import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { Microseconds } from '../../src-main/core/recovery/phase.ts';

interface Anchor {
  /** The rig's clock … */
  readonly at: Microseconds;
  /** … at this moment of the page's, in milliseconds. */
  readonly read: number;
  /** Seconds of the rig in one of the page; 0 where time stands between events. */
  readonly pace: number;
}

/** An estimate this far ahead of what the rig says is wrong; less than that is the message's way. In µs. */
const tooFarAhead = 2_000_000;

/**
 * The rigs' clocks between messages. An estimate errs to the side of less time left: it is put forward by every
 * newer moment that comes, and put back only when it is far ahead.
 */
export const useClock = defineStore('clock', () => {
  const tick = ref(performance.now());
  const anchors = shallowRef<ReadonlyMap<string, Anchor>>(new Map());
  let timer: ReturnType<typeof setInterval> | null = null;
  let every = 0;

  const beat = (): void => {
    tick.value = performance.now();
  };

  /** How often `now` advances, in milliseconds: 100 while a wait is open. */
  const setBeat = (interval: number): void => {
    if (interval === every) return;
    every = interval;
    if (timer !== null) clearInterval(timer);
    timer = setInterval(beat, interval);
    beat();
  };

  const estimate = (anchor: Anchor, moment: number): Microseconds =>
    Math.floor(anchor.at + Math.max(0, moment - anchor.read) * 1_000 * anchor.pace);

  const anchor = (rig: string, at: Microseconds, pace?: number): void => {
    const known = anchors.value.get(rig);
    const read = performance.now();
    const given = pace ?? known?.pace ?? 1;
    anchors.value = new Map(anchors.value).set(rig, { at, read, pace: Number.isFinite(given) ? given : 0 });
    if (read > tick.value) tick.value = read;
  };

  /** A moment that the rig is known to have reached. */
  const reached = (rig: string, at: Microseconds): void => {
    const known = anchors.value.get(rig);
    const ahead = known === undefined ? -1 : estimate(known, performance.now()) - at;
    if (ahead < 0 || ahead > tooFarAhead) anchor(rig, at);
  };

  const forget = (rig: string): void => {
    const rest = new Map(anchors.value);
    rest.delete(rig);
    anchors.value = rest;
  };

  /** The rig's clock now; reactive. 0 for a rig that is not known. */
  const now = (rig: string): Microseconds => {
    const known = anchors.value.get(rig);
    return known === undefined ? 0 : estimate(known, tick.value);
  };

  /** When the rig's clock will show `at`, on the page's clock in milliseconds: it sorts waits of several rigs. */
  const pageMomentOf = (rig: string, at: Microseconds): number => {
    const known = anchors.value.get(rig);
    if (known === undefined || known.pace <= 0) return Infinity;
    return known.read + (at - known.at) / (1_000 * known.pace);
  };

  /** Time left in µs, never negative; reactive. */
  const left = (rig: string, deadline: Microseconds): Microseconds => Math.max(0, deadline - now(rig));

  return { now, left, anchor, reached, forget, pageMomentOf, setBeat };
});
