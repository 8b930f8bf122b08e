import type { RecoveryEffect } from './effect.ts';
import type { Microseconds, Outcome } from './phase.ts';
import type { Reason } from './reasons.ts';
import type { OpenState, Recovery, RecoveryState } from './state.ts';

/** What one event led to. `reason` is null when the event changed nothing. */
export interface Transition {
  readonly state: RecoveryState;
  readonly effects: readonly RecoveryEffect[];
  readonly reason: Reason | null;
}

export const unchanged = (state: RecoveryState): Transition => ({ state, effects: [], reason: null });

export const moved = (
  state: RecoveryState,
  reason: Reason,
  effects: readonly RecoveryEffect[] = [],
): Transition => ({ state, effects, reason });

/**
 * The bench has its outcome, and the kernel has yet to go on with its own recovery, reset included (observation 6):
 * what the device holds just then is the end of nothing.
 */
const kernelGoesOn = (state: OpenState, outcome: Outcome): boolean =>
  'exchange' in state &&
  outcome !== 'deviceLost' &&
  state.arming.uevents === 'observable' &&
  (state.arming.protocol === 'notify' || state.arming.protocol === 'legacy') &&
  (state.recovery.kernelWord === 'silent' || state.recovery.kernelWord === 'begun');

export const endSnapshot = (recovery: number): RecoveryEffect => ({
  kind: 'snapshot',
  recovery,
  moment: 'end',
});

/**
 * Ends the open recovery, once: what follows is a state that no answer to an earlier effect can change. Where the
 * kernel goes on, the snapshot of the end is due at its last word (`concludedLearns`).
 */
export const conclude = (
  state: OpenState,
  outcome: Outcome,
  reason: Reason,
  at: Microseconds,
  eventfd: 'registered' | 'removed' = 'registered',
): Transition => {
  const { arming, loopbacksExpected, recovery } = state;
  return {
    state: { phase: outcome, arming, loopbacksExpected, recovery, reason, concludedAt: at, eventfd },
    effects: [
      ...(kernelGoesOn(state, outcome) ? [] : [endSnapshot(recovery.number)]),
      { kind: 'conclude', recovery: recovery.number, outcome, reason },
    ],
    reason,
  };
};

/** The same phase, knowing more. */
export const withRecovery = <State extends OpenState>(state: State, change: Partial<Recovery>): State => ({
  ...state,
  recovery: { ...state.recovery, ...change },
});
