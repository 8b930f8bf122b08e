import type { Microseconds } from '../../core/recovery/phase.ts';
import type { Disposer, RigClock } from '../rig.ts';

/** setTimeout() counts in 32 bits. */
const longestTimer = 2 ** 31 - 1;

/** The clock of this machine's kernel: CLOCK_MONOTONIC, on which the waiter thread takes the times of signals. */
export const monotonicClock = (monotonic: () => number): RigClock => ({
  now: () => Math.floor(monotonic()),
  wall: () => new Date().toISOString(),
  at: (moment: Microseconds, callback: () => void): Disposer => {
    let timer: ReturnType<typeof setTimeout>;
    // Node's timers count milliseconds of their own and may be early by one.
    const arrive = (): void => {
      const left = moment - monotonic();
      if (left <= 0) callback();
      else timer = setTimeout(arrive, Math.min(longestTimer, Math.max(1, Math.ceil(left / 1_000))));
    };
    timer = setTimeout(
      arrive,
      Math.min(longestTimer, Math.max(0, Math.ceil((moment - monotonic()) / 1_000))),
    );
    return () => clearTimeout(timer);
  },
});
