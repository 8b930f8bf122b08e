import { concludedLearns } from './afterwards.ts';
import { missingCase } from '../exhaustive.ts';
import type { EventOf, RecoveryEvent } from './event.ts';
import {
  clockWhileArmed,
  drainedWhileArmed,
  goneWhileArmed,
  peStateWhileArmed,
  signalWhileIdle,
} from './opening.ts';
import type { Microseconds } from './phase.ts';
import { refusalOf } from './refusal.ts';
import {
  clockWhileResetting,
  eehWhileResetting,
  resetFinished,
  resetRequested,
  signalWhileResetting,
  ueventWhileResetting,
} from './resetting.ts';
import {
  clockWhileReinitialising,
  clockWhileSlotReset,
  peStateWhileReturning,
  proofFinished,
  reinitialiseFinished,
  signalWhileReturning,
  startReinitialising,
  ueventWhileReturning,
} from './returning.ts';
import { isOpen, openWait, type OpenState, type RecoveryState } from './state.ts';
import { supersede } from './supersede.ts';
import { conclude, moved, unchanged, withRecovery, type Transition } from './transition.ts';
import {
  acknowledgeFinished,
  acknowledgeRequested,
  answeredWhileWaiting,
  clockWhileWaiting,
  eehBeforeQuiescing,
  inspected,
  quiesceFinished,
  quiesceRequested,
  signalWhileWaiting,
  timeoutActionDue,
  ueventWhileWaiting,
  withdrawFinished,
  withdrawRequested,
} from './waiting.ts';

/** mediated: records that were queued while the recovery was under way. */
const drained = (state: OpenState, event: EventOf<'drained'>): Transition => {
  if (state.arming.protocol !== 'mediated') return unchanged(state);
  if (!event.result.ok || event.result.value.length === 0) return unchanged(state);
  const errors = event.result.value;
  return state.phase === 'slotReset' || state.phase === 'reinitialising'
    ? supersede(state, event, 1, 'failed', 'nextErrorBeforeReturn', errors)
    : moved(withRecovery(state, { errors: [...state.recovery.errors, ...errors] }), 'errorsRead');
};

const clockReached = (state: OpenState, event: EventOf<'clockReached'>): Transition => {
  switch (state.phase) {
    case 'errorDetected':
    case 'quiescing':
    case 'awaitingAck':
      return clockWhileWaiting(state, event);
    case 'resetting':
      return clockWhileResetting(state, event);
    case 'slotReset':
      return clockWhileSlotReset(state, event);
    case 'reinitialising':
      return clockWhileReinitialising(state, event);
    default:
      return missingCase(state);
  }
};

const fact = (state: OpenState, event: EventOf<'signal'> | EventOf<'uevent'>): Transition => {
  // A recovery that the kernel called failed is not begun again or saved by a later word.
  const tooLate = event.kind === 'uevent' && event.uevent !== 'failedRecovery';
  if (tooLate && state.recovery.kernelWord === 'failed') return unchanged(state);
  switch (state.phase) {
    case 'errorDetected':
    case 'quiescing':
    case 'awaitingAck':
      return event.kind === 'signal' ? signalWhileWaiting(state, event) : ueventWhileWaiting(state, event);
    case 'resetting':
      return event.kind === 'signal'
        ? signalWhileResetting(state, event)
        : ueventWhileResetting(state, event);
    case 'slotReset':
    case 'reinitialising':
      return event.kind === 'signal'
        ? signalWhileReturning(state, event)
        : ueventWhileReturning(state, event);
    default:
      return missingCase(state);
  }
};

const stepIdle = (state: Exclude<RecoveryState, OpenState>, event: RecoveryEvent): Transition => {
  if (event.kind === 'signal') return signalWhileIdle(state, event);
  if (state.phase !== 'armed') return concludedLearns(state, event);
  switch (event.kind) {
    case 'closed':
    case 'deviceRemoved':
      return goneWhileArmed(state);
    case 'drained':
      return drainedWhileArmed(state, event);
    case 'eehFinished':
      return peStateWhileArmed(state, event);
    case 'clockReached':
      return clockWhileArmed(state, event);
    default:
      return unchanged(state);
  }
};

const stepOpen = (state: OpenState, event: RecoveryEvent): Transition => {
  // An answer to the effect of an earlier recovery says nothing about this one.
  if ('recovery' in event && event.recovery !== state.recovery.number) {
    // Except that the removal of the eventfd, once asked for, is this recovery's too.
    const removal = event.kind === 'withdrawFinished' && event.recovery < state.recovery.number;
    return removal && 'exchange' in state ? withdrawFinished(state, event) : unchanged(state);
  }
  switch (event.kind) {
    case 'signal':
    case 'uevent':
      return fact(state, event);
    case 'answered':
      return 'exchange' in state ? answeredWhileWaiting(state, event) : unchanged(state);
    case 'clockReached':
      return clockReached(state, event);
    case 'deviceRemoved':
      return conclude(state, 'deviceLost', 'deviceRemoved', event.at, 'removed');
    case 'closed': {
      const reason = openWait(state) === null ? 'closed' : 'closedDuringWait';
      return conclude(state, 'failed', reason, event.at, 'removed');
    }
    case 'drained':
      return drained(state, event);
    case 'inspected':
      return state.phase === 'errorDetected' ? inspected(state, event) : unchanged(state);
    case 'quiesceFinished':
      return state.phase === 'quiescing' || state.phase === 'awaitingAck'
        ? quiesceFinished(state, event)
        : unchanged(state);
    case 'quiesceRequested':
      return state.phase === 'quiescing' || state.phase === 'awaitingAck'
        ? quiesceRequested(state)
        : unchanged(state);
    case 'acknowledgeRequested':
      return state.phase === 'awaitingAck' ? acknowledgeRequested(state, event) : unchanged(state);
    case 'acknowledgeFinished':
      return state.phase === 'awaitingAck' ? acknowledgeFinished(state, event) : unchanged(state);
    case 'withdrawRequested':
      return 'exchange' in state ? withdrawRequested(state, event) : unchanged(state);
    case 'withdrawFinished':
      return 'exchange' in state ? withdrawFinished(state, event) : unchanged(state);
    case 'resetRequested':
      return state.phase === 'quiescing' ? resetRequested(state, event) : unchanged(state);
    case 'resetFinished':
      return state.phase === 'resetting' ? resetFinished(state, event) : unchanged(state);
    case 'eehFinished':
      if (state.phase === 'errorDetected') return eehBeforeQuiescing(state, event);
      if (state.phase === 'resetting') return eehWhileResetting(state, event);
      return state.phase === 'slotReset' || state.phase === 'reinitialising'
        ? peStateWhileReturning(state, event)
        : unchanged(state);
    case 'reinitialiseRequested':
      return state.phase === 'slotReset' || state.phase === 'quiescing'
        ? startReinitialising(state, event.at)
        : unchanged(state);
    case 'reinitialiseFinished':
      return state.phase === 'reinitialising' ? reinitialiseFinished(state, event) : unchanged(state);
    case 'proofFinished':
      return state.phase === 'reinitialising' ? proofFinished(state, event) : unchanged(state);
    case 'loopbackTriggered':
      return unchanged(state);
    default:
      return missingCase(event);
  }
};

/**
 * The phase model: what one event makes of one state. Pure: the same events give the same states and effects, on any
 * machine, live or replayed from a journal. Wishes that `refusalOf` refuses, late answers and answers to an earlier
 * recovery change nothing.
 */
export const step = (state: RecoveryState, event: RecoveryEvent): Transition => {
  if (refusalOf(state, event) !== null) return unchanged(state);
  // An eventfd never reads 0; a count that is none would open a recovery or a loop-back that nothing stands for.
  if ('count' in event && !(Number.isSafeInteger(event.count) && event.count > 0)) return unchanged(state);
  if (event.kind === 'loopbackTriggered') {
    return {
      ...unchanged({ ...state, loopbacksExpected: state.loopbacksExpected + event.count }),
      reason: 'loopbackTriggered',
    };
  }
  return isOpen(state) ? stepOpen(state, event) : stepIdle(state, event);
};

/** The next absolute moment at which `step` wants to see `clockReached`, or null when time changes nothing. */
export const nextDeadline = (state: RecoveryState): Microseconds | null => {
  if (state.phase === 'armed') return state.check?.deadline ?? null;
  if (!isOpen(state)) return null;
  switch (state.phase) {
    case 'errorDetected':
    case 'quiescing':
    case 'awaitingAck':
      return Math.min(state.deadline, timeoutActionDue(state) ?? state.deadline);
    case 'resetting':
      return state.activity.by === 'bench' && state.activity.step === 'retrying'
        ? Math.min(state.deadline, state.activity.retryAt)
        : state.deadline;
    case 'slotReset':
      return Math.min(state.deadline, state.reinitialiseAt ?? state.deadline);
    default:
      return state.deadline;
  }
};
