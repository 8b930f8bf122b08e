import type { RecoveryEffect } from './effect.ts';
import { kernelStillRecovers, sharedReset } from './sharedReset.ts';
import type { EventOf } from './event.ts';
import { seconds, type Microseconds } from './phase.ts';
import type { Reason } from './reasons.ts';
import type { AutomaticReport, EehOperation, ErrorRecord } from './reports.ts';
import type { ArmedState, ConcludedState, ErrorDetectedState, Exchange, Recovery } from './state.ts';
import { moved, unchanged, type Transition } from './transition.ts';

/** How long the look-up behind a signal may take before the signal is taken for an error. */
const checkPatience = seconds(5);

/** What is done with a frozen PE before it is touched: thaw its I/O, then read the log (Documentation/driver-api/vfio.rst). */
const eehBeforeQuiescing: readonly EehOperation[] = ['unfreezeIo', 'readLog'];

/**
 * The device was quiesced and acked at the signal: from there to event 2 nobody touches it, so nothing is asked for. Where
 * the ack was withheld the kernel still waits, and all goes on as if nothing had been tried.
 */
const exchangeAfter = (answered: AutomaticReport | null): Exchange =>
  answered === null || answered.acknowledge.kind === 'withheld'
    ? { kind: 'none' }
    : { kind: 'answered', report: answered, by: 'policy' };

export const openRecovery = (
  from: ArmedState | ConcludedState,
  opened: {
    readonly at: Microseconds;
    readonly coalesced: number;
    readonly errors: readonly ErrorRecord[];
    readonly reason: Reason;
    readonly answered?: AutomaticReport | null;
  },
): Transition => {
  const { arming, loopbacksExpected } = from;
  const number = (from.phase === 'armed' ? from.recoveries : from.recovery.number) + 1;
  const recovery: Recovery = {
    number,
    openedAt: opened.at,
    coalesced: opened.coalesced,
    severity: 'unknown',
    errors: opened.errors,
    kernelWord: 'silent',
    quiesce: null,
    approval: null,
    reset: null,
    reinitialise: null,
    proof: null,
  };
  const state: ErrorDetectedState = {
    phase: 'errorDetected',
    arming,
    loopbacksExpected,
    recovery,
    deadline: opened.at + (arming.protocol === 'notify' ? arming.ackTimeout : arming.policy.patience),
    exchange: arming.protocol === 'notify' ? exchangeAfter(opened.answered ?? null) : { kind: 'none' },
    eehRemaining: arming.protocol === 'eeh' ? eehBeforeQuiescing : [],
  };
  if (state.exchange.kind === 'answered') return moved(state, opened.reason);
  const effects: RecoveryEffect[] = [{ kind: 'snapshot', recovery: number, moment: 'duringWait' }];
  if (arming.protocol === 'eeh') effects.push({ kind: 'eeh', recovery: number, operation: 'unfreezeIo' });
  else effects.push({ kind: 'inspect', recovery: number });
  return moved(state, opened.reason, effects);
};

/** Subtracts the loop-backs that the bench triggered itself; they are a test of the eventfd, not errors. */
export const withoutLoopbacks = <State extends { readonly loopbacksExpected: number }>(
  state: State,
  count: number,
): { state: State; count: number } => {
  const own = Math.min(count, state.loopbacksExpected);
  return own === 0
    ? { state, count }
    : { state: { ...state, loopbacksExpected: state.loopbacksExpected - own }, count: count - own };
};

/** A signal while nothing is open: with a queue behind it (mediated, eeh) it is looked up before it is believed. */
export const signalWhileIdle = (from: ArmedState | ConcludedState, event: EventOf<'signal'>): Transition => {
  const { state, count } = withoutLoopbacks(from, event.count);
  if (count === 0) return moved(state, 'loopbackSeen');
  if (state.phase !== 'armed' && state.eventfd === 'removed') return unchanged(from);
  const { protocol } = state.arming;
  if (protocol === 'notify' || protocol === 'legacy') {
    if (count === 1 && state.phase !== 'armed' && kernelStillRecovers(state)) return sharedReset(state);
    const reason = count > 1 ? 'coalescedSignals' : 'signalOpens';
    const { at, answered = null } = event;
    return openRecovery(state, { at, coalesced: count - 1, errors: [], reason, answered });
  }
  // A look-up under way may have been answered before this signal's error came, so it is done once more.
  const earlier = state.phase === 'armed' ? state.check : null;
  const armed: ArmedState = {
    phase: 'armed',
    arming: state.arming,
    loopbacksExpected: state.loopbacksExpected,
    recoveries: state.phase === 'armed' ? state.recoveries : state.recovery.number,
    spuriousSignals: state.phase === 'armed' ? state.spuriousSignals : 0,
    check: {
      signalAt: earlier?.signalAt ?? event.at,
      count: (earlier?.count ?? 0) + count,
      deadline: earlier?.deadline ?? event.at + checkPatience,
    },
  };
  const recovery = armed.recoveries + 1;
  return moved(armed, 'signalToCheck', [
    protocol === 'eeh' ? { kind: 'eeh', recovery, operation: 'getState' } : { kind: 'drainErrors', recovery },
  ]);
};

const openChecked = (
  state: ArmedState,
  at: Microseconds,
  errors: readonly ErrorRecord[],
  reason: Reason,
): Transition =>
  openRecovery(
    { ...state, check: null },
    {
      at: state.check?.signalAt ?? at,
      coalesced: Math.max(0, (state.check?.count ?? 1) - 1),
      errors,
      reason,
    },
  );

const dismiss = (state: ArmedState): Transition =>
  state.check === null
    ? unchanged(state)
    : moved({ ...state, check: null, spuriousSignals: state.spuriousSignals + 1 }, 'spuriousSignal');

/**
 * mediated: the queue behind feature 13. Empty means that the signal was spurious; a refusal means "unknown". Records
 * open a recovery even when no look-up is awaited any more: reading them took them off the queue.
 */
export const drainedWhileArmed = (state: ArmedState, event: EventOf<'drained'>): Transition => {
  if (state.arming.protocol !== 'mediated' || event.recovery !== state.recoveries + 1)
    return unchanged(state);
  if (!event.result.ok) {
    return state.check === null ? unchanged(state) : openChecked(state, event.at, [], 'errorsUnreadable');
  }
  return event.result.value.length === 0
    ? dismiss(state)
    : openChecked(
        state,
        event.at,
        event.result.value,
        state.check === null ? 'errorsWithoutSignal' : 'errorConfirmed',
      );
};

/** eeh: a PE that is not frozen has no error. */
export const peStateWhileArmed = (state: ArmedState, event: EventOf<'eehFinished'>): Transition => {
  const asked = state.arming.protocol === 'eeh' && event.operation === 'getState';
  if (!asked || event.recovery !== state.recoveries + 1) return unchanged(state);
  if (!event.result.ok) {
    return state.check === null ? unchanged(state) : openChecked(state, event.at, [], 'errorsUnreadable');
  }
  return event.result.value.state === 'normal'
    ? dismiss(state)
    : openChecked(state, event.at, [], 'errorConfirmed');
};

export const clockWhileArmed = (state: ArmedState, event: EventOf<'clockReached'>): Transition =>
  state.check !== null && event.at >= state.check.deadline
    ? openChecked(state, event.at, [], 'checkUnanswered')
    : unchanged(state);

/** The device went away while a signal was looked up: there is nothing left to look at, and nothing to recover. */
export const goneWhileArmed = (state: ArmedState): Transition =>
  state.check === null ? unchanged(state) : moved({ ...state, check: null }, 'deviceGone');
