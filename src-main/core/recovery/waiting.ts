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
import { conclude, moved, unchanged, withRecovery, type Transition } from './transition.ts';

type WaitingState = ErrorDetectedState | QuiescingState | AwaitingAckState;

const startQuiescing = (state: ErrorDetectedState, reason: Reason): Transition => {
  const { arming, loopbacksExpected, recovery, deadline, exchange } = state;
  return moved(
    { phase: 'quiescing', arming, loopbacksExpected, recovery, deadline, exchange, activity: 'running' },
    reason,
    [{ kind: 'quiesce', recovery: recovery.number }],
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
    return decision === 'ackWhenQuiesced' && event.report.succeeded
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
const toResetting = (state: AwaitingAckState, at: Microseconds): ResettingState => {
  const { arming, loopbacksExpected, recovery } = state;
  const deadline = at + arming.ackTimeout * (arming.sharers + 1) + seconds(15);
  return { phase: 'resetting', arming, loopbacksExpected, recovery, deadline, activity: { by: 'kernel' } };
};

export const acknowledgeFinished = (
  state: AwaitingAckState,
  event: EventOf<'acknowledgeFinished'>,
): Transition => {
  if (state.exchange.kind !== 'acknowledging') return unchanged(state);
  if (event.error === null) return moved(toResetting(state, event.at), 'acknowledged');
  if (event.error.code === 'deviceLost') {
    return conclude(state, 'deviceLost', 'deviceRemoved', event.at, 'removed');
  }
  return moved(
    { ...withRecovery(state, { approval: null }), exchange: { kind: 'refused', error: event.error } },
    'acknowledgeRefused',
  );
};

const withdraw = (state: WaitingState, approval: Approval, reason: Reason): Transition =>
  moved({ ...withRecovery(state, { approval }), exchange: { kind: 'withdrawing' } }, reason, [
    { kind: 'withdraw', recovery: state.recovery.number, approval },
  ]);

export const withdrawRequested = (state: WaitingState, event: EventOf<'withdrawRequested'>): Transition =>
  withdraw(state, event.approval, 'withdrawAsked');

export const withdrawFinished = (state: WaitingState, event: EventOf<'withdrawFinished'>): Transition => {
  if (state.exchange.kind !== 'withdrawing') return unchanged(state);
  if (event.error === null) return conclude(state, 'withdrawn', 'withdrawn', event.at, 'removed');
  return moved({ ...state, exchange: { kind: 'refused', error: event.error } }, 'withdrawRefused');
};

const takeTimeoutAction = (state: AwaitingAckState): Transition => {
  const idle: AwaitingAckState = { ...state, timeoutActionAt: null };
  if (state.exchange.kind === 'acknowledging' || state.exchange.kind === 'withdrawing')
    return unchanged(state);
  switch (state.arming.policy.onTimeout) {
    case 'acknowledge': {
      // Only a quiet device may be acked without a person: the ack says that nobody touches it.
      const quiet = state.recovery.quiesce?.succeeded === true && !state.requiescing;
      return quiet
        ? acknowledge(
            idle,
            policyApproval('timeoutPolicy', 'acknowledgeByTimeoutPolicy'),
            'acknowledgeByTimeoutPolicy',
          )
        : moved(idle, 'quiesceIncomplete');
    }
    case 'withdraw':
      return withdraw(
        idle,
        policyApproval('timeoutPolicy', 'withdrawByTimeoutPolicy'),
        'withdrawByTimeoutPolicy',
      );
    case 'letExpire':
      return unchanged(state);
  }
};

export const clockWhileWaiting = (state: WaitingState, event: EventOf<'clockReached'>): Transition => {
  if (event.at >= state.deadline) {
    return conclude(
      state,
      'timedOut',
      state.arming.protocol === 'notify' ? 'waitExpired' : 'patienceExhausted',
      event.at,
    );
  }
  return state.phase === 'awaitingAck' && state.timeoutActionAt !== null && event.at >= state.timeoutActionAt
    ? takeTimeoutAction(state)
    : unchanged(state);
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
  if (state.phase === 'awaitingAck' && state.exchange.kind === 'acknowledging') {
    const resetting = toResetting(state, event.at);
    return count === 1
      ? enterSlotReset(resetting, event.at, 'slotResetBeforeAnswer')
      : supersede(resetting, event, count - 1, 'failed', 'resetAndNextError');
  }
  return supersede(state, event, count, 'timedOut', 'nextErrorDuringWait');
};

/** BEGIN_RECOVERY is sent when error_detected has returned: the wait is over (pci_uevent_ers, report_error_detected). */
export const ueventWhileWaiting = (state: WaitingState, event: EventOf<'uevent'>): Transition => {
  switch (event.uevent) {
    case 'beginRecovery': {
      const known = withRecovery(state, { kernelWord: 'begun' });
      const waitOver =
        state.arming.protocol === 'notify' &&
        !(state.phase === 'awaitingAck' && state.exchange.kind === 'acknowledging');
      return waitOver
        ? conclude(known, 'timedOut', 'waitEndedByKernel', event.at)
        : moved(known, 'kernelBegins');
    }
    case 'successfulRecovery':
      return moved(withRecovery(state, { kernelWord: 'successful' }), 'kernelSucceeded');
    case 'failedRecovery': {
      const known = withRecovery(state, { kernelWord: 'failed' });
      return state.arming.protocol === 'notify'
        ? conclude(known, 'failed', 'kernelFailed', event.at)
        : moved(known, 'kernelFailed');
    }
  }
};
