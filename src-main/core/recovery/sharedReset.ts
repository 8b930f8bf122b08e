import type { ConcludedState, Recovery } from './state.ts';
import { moved, type Transition } from './transition.ts';

/** The same recovery after its end, knowing more; its outcome does not change. */
export const knowing = (state: ConcludedState, change: Partial<Recovery>): ConcludedState => ({
  ...state,
  recovery: { ...state.recovery, ...change },
});

/**
 * A function whose wait ran out is reset all the same when another function of its slot is acked, and then gets event
 * 2 (observation 12). Between BEGIN_RECOVERY and the kernel's last word a signal cannot be a new error: pcie_do_recovery
 * is still at work. Without uevents nobody can tell, and the signal is taken for an error.
 */
export const kernelStillRecovers = (state: ConcludedState): boolean =>
  state.phase === 'timedOut' &&
  state.arming.protocol === 'notify' &&
  state.arming.sharers > 0 &&
  state.recovery.kernelWord === 'begun';

/** Never a second outcome, and never an ack: the recovery of this function stays timed out. */
export const sharedReset = (state: ConcludedState): Transition =>
  moved(knowing(state, { coalesced: state.recovery.coalesced + 1 }), 'sharedReset');
