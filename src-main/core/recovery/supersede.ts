import type { RecoveryEffect } from './effect.ts';
import type { EventOf } from './event.ts';
import { openRecovery } from './opening.ts';
import type { Outcome } from './phase.ts';
import type { Reason } from './reasons.ts';
import type { ErrorRecord } from './reports.ts';
import { isConcluded, type OpenState } from './state.ts';
import { conclude, moved, withRecovery, type Transition } from './transition.ts';

/** Ends this recovery because the kernel has gone on to the next error, and opens the next one in the same step. */
export const supersede = (
  state: OpenState,
  event: EventOf<'signal'> | EventOf<'drained'> | EventOf<'eehFinished'>,
  count: number,
  outcome: Outcome,
  reason: Reason,
  errors: readonly ErrorRecord[] = [],
): Transition => {
  const ended = conclude(state, outcome, reason, event.at);
  if (!isConcluded(ended.state)) return ended;
  const answered = event.kind === 'signal' ? (event.answered ?? null) : null;
  const next = openRecovery(ended.state, { at: event.at, coalesced: count - 1, errors, reason, answered });
  return { ...next, effects: [...ended.effects, ...next.effects] };
};

const lookUp = (state: OpenState): readonly RecoveryEffect[] => {
  const { number } = state.recovery;
  if (state.arming.protocol === 'mediated') return [{ kind: 'drainErrors', recovery: number }];
  const returning = state.phase === 'slotReset' || state.phase === 'reinitialising';
  return state.arming.protocol === 'eeh' && returning
    ? [{ kind: 'eeh', recovery: number, operation: 'getState' }]
    : [];
};

/**
 * A further signal while an error is already being handled. With `mediated` it also announces a queued record; with
 * `eeh` the PE is frozen anyway until its reset, and after it the PE's state tells.
 */
export const furtherSignal = (state: OpenState, count: number): Transition =>
  moved(withRecovery(state, { coalesced: state.recovery.coalesced + count }), 'furtherSignal', lookUp(state));
