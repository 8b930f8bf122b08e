import type { RecoveryEffect } from './effect.ts';
import type { Approval, EventOf } from './event.ts';
import { seconds, type Microseconds } from './phase.ts';
import { ackGuard, timeoutActionLead } from './policy.ts';
import { withoutLoopbacks } from './opening.ts';
import type { Reason } from './reasons.ts';
import { decideReset } from './resetting.ts';
import { enterSlotReset } from './returning.ts';
import type { AwaitingAckState, ErrorDetectedState, QuiescingState, ResettingState } from './state.ts';
import { furtherSignal, supersede } from './supersede.ts';
import { isAcknowledging, isAnswering } from './state.ts';
import { conclude, moved, unchanged, withRecovery, type Transition } from './transition.ts';

type WaitingState = ErrorDetectedState | QuiescingState | AwaitingAckState;

const startQuiescing = (state: ErrorDetectedState, reason: Reason): Transition => {
  const { arming, loopbacksExpected, recovery, deadline, exchange } = state;
  return moved(
    { phase: 'quiescing', arming, loopbacksExpected, recovery, deadline, exchange, activity: 'running' },
    reason,
    exchange.kind === 'answered' ? [] : [{ kind: 'quiesce', recovery: recovery.number }],
  );
};

export const inspected = (state: ErrorDetectedState, event: EventOf<'inspected'>): Transition => {
  if (!event.result.ok) return startQuiescing(state, 'errorsUnreadable');
  const { severity, errors } = event.result.value;
  return startQuiescing(
    withRecovery(state, { severity, errors: [...state.recovery.errors, ...errors] }),
    'errorsRead',
  );
};

/** eeh: the operations before quiescing, one after the other. A log that cannot be read does not stop the recovery. */
export const eehBeforeQuiescing = (state: ErrorDetectedState, event: EventOf<'eehFinished'>): Transition => {
  const [current, ...remaining] = state.eehRemaining;
  if (event.operation !== current) return unchanged(state);
  if (event.result.ok && event.result.value.state === 'unavailable') {
    return conclude(state, 'deviceLost', 'peUnavailable', event.at, 'removed');
  }
  const log = event.result.ok ? event.result.value.log : undefined;
  const next: ErrorDetectedState = {
    ...withRecovery(
      state,
      log === undefined ? {} : { errors: [...state.recovery.errors, { source: 'eeh', text: log }] },
    ),
    eehRemaining: remaining,
  };
  const [operation] = remaining;
  return operation === undefined
    ? startQuiescing(next, event.result.ok ? 'peLogRead' : 'errorsUnreadable')
    : moved(next, 'eehContinues', [{ kind: 'eeh', recovery: next.recovery.number, operation }]);
};

const policyApproval = (by: Approval['by'], reason: Reason): Approval => ({ operator: 'policy', reason, by });

const acknowledge = (state: AwaitingAckState, approval: Approval, reason: Reason): Transition =>
  moved({ ...withRecovery(state, { approval }), exchange: { kind: 'acknowledging', approval } }, reason, [
    { kind: 'acknowledge', recovery: state.recovery.number, approval },
  ]);

/** The ack that was given already, with its approval. */
const accountForAck = (state: AwaitingAckState, by: 'policy' | 'timeoutPolicy'): Transition => {
  const reason = by === 'policy' ? 'acknowledgeByPolicy' : 'acknowledgeByTimeoutPolicy';
  return moved(withRecovery(state, { approval: policyApproval(by, reason) }), reason);
};

const timeoutActionAt = (state: QuiescingState): Microseconds | null => {
  const { policy, ackTimeout } = state.arming;
  return policy.onTimeout === 'letExpire' ? null : state.deadline - timeoutActionLead(ackTimeout);
};

const policyMayAck = (state: AwaitingAckState, at: Microseconds): boolean =>
  state.arming.policy.decision === 'ackWhenQuiesced' &&
  state.exchange.kind === 'none' &&
  at < state.deadline - ackGuard(state.arming.ackTimeout);

export const quiesceFinished = (
  state: QuiescingState | AwaitingAckState,
  event: EventOf<'quiesceFinished'>,
): Transition => {
  const { decision } = state.arming.policy;
  const reason: Reason = event.report.succeeded ? 'quiesced' : 'quiesceIncomplete';
  const known = withRecovery(state, { quiesce: event.report });
  if (known.phase === 'awaitingAck') {
    if (!known.requiescing) return unchanged(state);
    const quiet: AwaitingAckState = { ...known, requiescing: false };
    return event.report.succeeded && policyMayAck(quiet, event.at)
      ? acknowledge(quiet, policyApproval('policy', 'acknowledgeByPolicy'), 'acknowledgeByPolicy')
      : moved(quiet, reason);
  }
  if (known.activity !== 'running') return unchanged(state);
  if (known.arming.protocol !== 'notify') {
    const deciding: QuiescingState = { ...known, activity: 'decision' };
    // While the eventfd is being removed a person has said not to go on; a policy must not reset over that.
    return decision === 'ackWhenQuiesced' && event.report.succeeded && deciding.exchange.kind === 'none'
      ? decideReset(deciding, 'device', policyApproval('policy', 'resetByPolicy'), event.at, 'resetByPolicy')
      : moved(deciding, reason);
  }
  const { arming, loopbacksExpected, recovery, deadline, exchange } = known;
  const awaiting: AwaitingAckState = {
    phase: 'awaitingAck',
    arming,
    loopbacksExpected,
    recovery,
    deadline,
    exchange,
    requiescing: false,
    timeoutActionAt: timeoutActionAt(known),
  };
  if (exchange.kind === 'answered') return accountForAck(awaiting, exchange.by);
  return event.report.succeeded && policyMayAck(awaiting, event.at)
    ? acknowledge(awaiting, policyApproval('policy', 'acknowledgeByPolicy'), 'acknowledgeByPolicy')
    : moved(awaiting, reason);
};

export const quiesceRequested = (state: QuiescingState | AwaitingAckState): Transition => {
  const effects: RecoveryEffect[] = [{ kind: 'quiesce', recovery: state.recovery.number }];
  return state.phase === 'awaitingAck'
    ? moved({ ...state, requiescing: true }, 'quiesceAsked', effects)
    : moved({ ...state, activity: 'running' }, 'quiesceAsked', effects);
};

export const acknowledgeRequested = (
  state: AwaitingAckState,
  event: EventOf<'acknowledgeRequested'>,
): Transition => acknowledge(state, event.approval, 'acknowledgeApproved');

/**
 * The kernel holds the ack. The other functions of the slot are still notified one after the other, each with its
 * own wait (observation 12), and after a perm_failure the kernel waits once more (observation 7).
 */
const toResetting = (state: WaitingState, at: Microseconds): ResettingState => {
  const { arming, loopbacksExpected, recovery } = state;
  const deadline = at + arming.ackTimeout * (arming.sharers + 1) + seconds(15);
  return { phase: 'resetting', arming, loopbacksExpected, recovery, deadline, activity: { by: 'kernel' } };
};

export const acknowledgeFinished = (
  state: AwaitingAckState,
  event: EventOf<'acknowledgeFinished'>,
): Transition => {
  if (!isAcknowledging(state)) return unchanged(state);
  if (event.error === null) return moved(toResetting(state, event.at), 'acknowledged');
  if (event.error.code === 'deviceLost') {
    return conclude(state, 'deviceLost', 'deviceRemoved', event.at, 'removed');
  }
  return moved(
    { ...withRecovery(state, { approval: null }), exchange: { kind: 'refused', error: event.error } },
    'acknowledgeRefused',
  );
};

/**
 * Some time after the signal the device was quiesced and acked by what was handed down. A person's ack that is under way
 * then finds it given; a withdrawal comes too late. An ack that was withheld leaves the decision where it is.
 */
export const answeredWhileWaiting = (state: WaitingState, event: EventOf<'answered'>): Transition => {
  const report = event.answered;
  const { kind } = report.acknowledge;
  if (state.arming.protocol !== 'notify' || state.exchange.kind === 'answered') return unchanged(state);
  if (state.exchange.kind === 'acknowledging') {
    return kind === 'taken' ? moved(toResetting(state, event.at), 'acknowledged') : unchanged(state);
  }
  if (kind === 'withheld') return unchanged(state);
  const by = 'timeoutPolicy';
  const answered: WaitingState = { ...state, exchange: { kind: 'answered', report, by } };
  if (answered.phase !== 'awaitingAck') return moved(answered, 'answeredByItself');
  const quiet = withRecovery(
    { ...answered, requiescing: false, timeoutActionAt: null },
    { quiesce: report.quiesce },
  );
  return accountForAck(quiet, by);
};

const withdraw = (state: WaitingState, approval: Approval, reason: Reason): Transition =>
  moved({ ...withRecovery(state, { approval }), exchange: { kind: 'withdrawing' } }, reason, [
    { kind: 'withdraw', recovery: state.recovery.number, approval },
  ]);

export const withdrawRequested = (state: WaitingState, event: EventOf<'withdrawRequested'>): Transition =>
  withdraw(state, event.approval, 'withdrawAsked');

export const withdrawFinished = (state: WaitingState, event: EventOf<'withdrawFinished'>): Transition => {
  if (state.exchange.kind !== 'withdrawing') return unchanged(state);
  if (event.error === null) {
    const reason = state.arming.protocol === 'notify' ? 'withdrawn' : 'withdrawnFromRecovery';
    return conclude(state, 'withdrawn', reason, event.at, 'removed');
  }
  return moved({ ...state, exchange: { kind: 'refused', error: event.error } }, 'withdrawRefused');
};

/** notify: the kernel's clock. Otherwise the only clock is the bench's patience with people. */
const clockOf = (state: WaitingState): Microseconds =>
  state.arming.protocol === 'notify' ? state.arming.ackTimeout : state.arming.policy.patience;

/** Going on (an ack, or a reset where user space drives it) without a person needs a device that is quiet. */
const timeoutGoesOnAt = (state: WaitingState): Microseconds | null => {
  if (state.phase === 'awaitingAck') return state.requiescing ? null : state.timeoutActionAt;
  const quiet =
    state.phase === 'quiescing' && state.activity === 'decision' && state.recovery.quiesce?.succeeded;
  return quiet === true && state.exchange.kind === 'none'
    ? state.deadline - timeoutActionLead(clockOf(state))
    : null;
};

/** Nothing has to be quiet for a withdrawal, so it is also due when looking or quiescing hangs. */
const timeoutWithdrawsAt = (state: WaitingState): Microseconds | null => {
  if (state.phase === 'awaitingAck') return state.timeoutActionAt;
  return state.exchange.kind === 'none' ? state.deadline - timeoutActionLead(clockOf(state)) : null;
};

/** When the declared time-out action is due in this state, or null when there is none to take. */
export const timeoutActionDue = (state: WaitingState): Microseconds | null => {
  if (isAnswering(state)) return null;
  switch (state.arming.policy.onTimeout) {
    case 'letExpire':
      return null;
    case 'acknowledge':
      return timeoutGoesOnAt(state);
    case 'withdraw':
      return timeoutWithdrawsAt(state);
  }
};

const goOnByTimeoutPolicy = (state: AwaitingAckState | QuiescingState, at: Microseconds): Transition => {
  if (state.phase === 'quiescing') {
    const approval = policyApproval('timeoutPolicy', 'resetByTimeoutPolicy');
    return decideReset(state, 'device', approval, at, 'resetByTimeoutPolicy');
  }
  const taken: AwaitingAckState = { ...state, timeoutActionAt: null };
  // Only a quiet device may be acked without a person: the ack says that nobody touches it.
  if (state.recovery.quiesce?.succeeded !== true) return moved(taken, 'quiesceIncomplete');
  // A clock that calls late, on a busy machine, must not make the ack late (observation 8).
  if (at >= state.deadline - ackGuard(state.arming.ackTimeout)) return moved(taken, 'timeoutActionMissed');
  const approval = policyApproval('timeoutPolicy', 'acknowledgeByTimeoutPolicy');
  return acknowledge(taken, approval, 'acknowledgeByTimeoutPolicy');
};

const takeTimeoutAction = (state: WaitingState, at: Microseconds): Transition => {
  if (state.arming.policy.onTimeout === 'acknowledge') {
    return state.phase === 'errorDetected' ? unchanged(state) : goOnByTimeoutPolicy(state, at);
  }
  const taken = state.phase === 'awaitingAck' ? { ...state, timeoutActionAt: null } : state;
  const approval = policyApproval('timeoutPolicy', 'withdrawByTimeoutPolicy');
  return withdraw(taken, approval, 'withdrawByTimeoutPolicy');
};

export const clockWhileWaiting = (state: WaitingState, event: EventOf<'clockReached'>): Transition => {
  if (event.at >= state.deadline) {
    // The ack left in time and the kernel very likely holds it; were the wait called timed out, event 2 would be
    // taken for a new error. If it did arrive late, the kernel's uevent says so.
    if (isAcknowledging(state)) {
      return moved(toResetting(state, event.at), 'ackUnanswered');
    }
    const reason = state.arming.protocol === 'notify' ? 'waitExpired' : 'patienceExhausted';
    return conclude(state, 'timedOut', reason, event.at);
  }
  const due = timeoutActionDue(state);
  return due !== null && event.at >= due ? takeTimeoutAction(state, event.at) : unchanged(state);
};

/**
 * A signal while this device's error is being handled. With an ack on its way it is event 2, which on 6.1 comes about
 * 1 ms later and may overtake the ack's answer (observation 2). Otherwise the kernel has already gone on to the next
 * error. `notify` only: with the other protocols the kernel does not wait, and further signals belong to this error.
 */
export const signalWhileWaiting = (from: WaitingState, event: EventOf<'signal'>): Transition => {
  const { state, count } = withoutLoopbacks(from, event.count);
  if (count === 0) return moved(state, 'loopbackSeen');
  if (state.arming.protocol !== 'notify') {
    return furtherSignal(state, count);
  }
  if (isAcknowledging(state)) {
    const resetting = toResetting(state, event.at);
    return count === 1
      ? enterSlotReset(resetting, event.at, 'slotResetBeforeAnswer')
      : supersede(resetting, event, count - 1, 'failed', 'resetAndNextError');
  }
  const next = supersede(state, event, count, 'timedOut', 'nextErrorDuringWait');
  // The eventfd that is being removed is the next error's too: nothing may be acked behind a removal under way.
  return state.exchange.kind === 'withdrawing' &&
    next.state.phase === 'errorDetected' &&
    next.state.exchange.kind === 'none'
    ? {
        ...next,
        state: {
          ...withRecovery(next.state, { approval: state.recovery.approval }),
          exchange: state.exchange,
        },
      }
    : next;
};

/** BEGIN_RECOVERY is sent when error_detected has returned: the wait is over (pci_uevent_ers, report_error_detected). */
export const ueventWhileWaiting = (state: WaitingState, event: EventOf<'uevent'>): Transition => {
  switch (event.uevent) {
    case 'beginRecovery': {
      const known = withRecovery(state, { kernelWord: 'begun' });
      const waitOver = state.arming.protocol === 'notify' && !isAcknowledging(state);
      return waitOver
        ? conclude(known, 'timedOut', 'waitEndedByKernel', event.at)
        : moved(known, 'kernelBegins');
    }
    case 'successfulRecovery': {
      // While the kernel sits in this device's error_detected it cannot also have resumed it (report_resume in
      // drivers/pci/pcie/err.c): the word is the previous recovery's, read late, and must not count for this one.
      const stale = state.arming.protocol === 'notify' && !isAcknowledging(state);
      return stale
        ? unchanged(state)
        : moved(withRecovery(state, { kernelWord: 'successful' }), 'kernelSucceeded');
    }
    case 'failedRecovery': {
      const known = withRecovery(state, { kernelWord: 'failed' });
      return state.arming.protocol === 'notify'
        ? conclude(known, 'failed', 'kernelFailed', event.at)
        : moved(known, 'kernelFailed');
    }
  }
};
