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
  event: EventOf<'signal'> | EventOf<'drained'>,
  count: number,
  outcome: Outcome,
  reason: Reason,
  errors: readonly ErrorRecord[] = [],
): Transition => {
  const ended = conclude(state, outcome, reason, event.at);
  if (!isConcluded(ended.state)) return ended;
  const next = openRecovery(ended.state, { at: event.at, coalesced: count - 1, errors, reason });
  return { ...next, effects: [...ended.effects, ...next.effects] };
};

/** A further signal of an error that is already being handled; with `mediated` it also announces a queued record. */
export const furtherSignal = (state: OpenState, count: number): Transition => {
  const known = withRecovery(state, { coalesced: state.recovery.coalesced + count });
  return moved(
    known,
    'furtherSignal',
    state.arming.protocol === 'mediated' ? [{ kind: 'drainErrors', recovery: state.recovery.number }] : [],
  );
};
