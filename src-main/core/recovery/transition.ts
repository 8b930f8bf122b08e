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

/** Ends the open recovery, once: what follows is a state that no answer to an earlier effect can change. */
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
      { kind: 'snapshot', recovery: recovery.number, moment: 'end' },
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
