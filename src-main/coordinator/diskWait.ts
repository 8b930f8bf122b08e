import type { Microseconds } from '../core/recovery/phase.ts';
import { ackGuard } from '../core/recovery/policy.ts';
import { openWait, type RecoveryState } from '../core/recovery/state.ts';
import { success, type Result } from '../core/result.ts';
import type { Disposer, RigClock } from '../rigs/rig.ts';

/**
 * How long an effect waits for the disk to take its line while the kernel waits: half of the guard, 250 ms of the
 * kernel's 60 s. The core lets nobody ack later than the guard before the deadline, so what waits this long still leaves
 * in time. The line is with the kernel by then; only a power cut, which ends the wait as well, could lose it.
 */
export const diskPatience = (ackTimeout: Microseconds): Microseconds => Math.floor(ackGuard(ackTimeout) / 2);

/** A busy machine may be later still. Then the ack is not sent: it could be taken for the next error (observation 8). */
export const isTooLateToAck = (state: RecoveryState, now: Microseconds): boolean => {
  const wait = openWait(state);
  return wait !== null && now >= wait.deadline - Math.floor(ackGuard(state.arming.ackTimeout) / 4);
};

/** What an effect waits for: `onDisk` when its line is there, `late` when patience ended first. */
export interface DiskWait {
  readonly ended: Promise<Result<'onDisk' | 'late'>>;
  /** Begins to count: from now on it waits this long at most. A wait that counts already goes on as it was. */
  hurry(patience: Microseconds): void;
}

export const waitForDisk = (synced: Promise<Result<void>>, clock: RigClock): DiskWait => {
  let end: (result: Result<'onDisk' | 'late'>) => void = () => undefined;
  let giveUp: Disposer | null = null;
  const ended = new Promise<Result<'onDisk' | 'late'>>((resolve) => {
    end = resolve;
  });
  void synced.then((result) => {
    giveUp?.();
    end(result.ok ? success('onDisk') : result);
  });
  return {
    ended,
    hurry: (patience) => {
      giveUp ??= clock.at(clock.now() + patience, () => end(success('late')));
    },
  };
};
