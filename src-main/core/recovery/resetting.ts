import type { Approval, EventOf } from './event.ts';
import { withoutLoopbacks } from './opening.ts';
import { milliseconds, seconds, type Microseconds } from './phase.ts';
import type { Reason } from './reasons.ts';
import type { EehOperation, ResetKind } from './reports.ts';
import { enterSlotReset } from './returning.ts';
import type { Arming } from './policy.ts';
import type { QuiescingState, ResettingState } from './state.ts';
import { furtherSignal, supersede } from './supersede.ts';
import { conclude, moved, unchanged, withRecovery, type Transition } from './transition.ts';

/** A reset that user space drives is given up after this long; s390x answers EAGAIN for 2-20 ms, an FLR takes 101 ms. */
const resetPatience = seconds(10);

/** Measured on 7.3: right after the eventfd EAGAIN, 2-20 ms later success. Doubles up to 100 ms. */
const retryDelay = (attempt: number): Microseconds =>
  Math.min(milliseconds(100), milliseconds(2) * 2 ** Math.min(attempt - 1, 6));

/** Seed 4: the PE is reset, configured, and its DMA thawed (Documentation/driver-api/vfio.rst, "EEH"). */
const eehReset = (kind: ResetKind): readonly EehOperation[] => [
  kind === 'peFundamental' ? 'resetFundamental' : 'resetHot',
  'resetDeactivate',
  'configure',
  'unfreezeDma',
];

/** The kernel's own recovery may wait for other functions of the slot that have a handshake (observation 12). */
const kernelPatience = (arming: Arming): Microseconds => arming.ackTimeout * arming.sharers + seconds(15);

/** After the uevent that ends a recovery, event 2 has been signalled (observation 15); it may only be read later. */
const secondSignalPatience = seconds(1);

/** legacy: the kernel does its own reset beside user space's, and until its last word it may still undo things. */
export const kernelStillRecovering = (state: QuiescingState): boolean =>
  state.arming.protocol === 'legacy' &&
  state.arming.uevents === 'observable' &&
  (state.recovery.kernelWord === 'silent' || state.recovery.kernelWord === 'begun');

/** User space decides on the reset; what follows depends on who holds the device just now. */
export const decideReset = (
  state: QuiescingState,
  requested: ResetKind,
  approval: Approval,
  at: Microseconds,
  reason: Reason,
): Transition => {
  const { arming, loopbacksExpected } = state;
  const recovery = { ...state.recovery, approval };
  const common = {
    phase: 'resetting',
    arming,
    loopbacksExpected,
    recovery,
    deadline: at + resetPatience,
  } as const;
  const { number } = recovery;
  if (arming.protocol === 'eeh') {
    const resetKind = requested === 'peFundamental' ? 'peFundamental' : 'peHot';
    const remaining = eehReset(resetKind);
    return moved({ ...common, activity: { by: 'eeh', resetKind, remaining } }, reason, [
      { kind: 'eeh', recovery: number, operation: remaining[0] as EehOperation },
    ]);
  }
  if (kernelStillRecovering(state)) {
    return moved(
      {
        ...common,
        deadline: at + kernelPatience(arming),
        activity: { by: 'bench', step: 'waitingForKernel', resetKind: requested },
      },
      'resetWaitsForKernel',
    );
  }
  return moved(
    { ...common, activity: { by: 'bench', step: 'running', resetKind: requested, attempt: 1 } },
    reason,
    [{ kind: 'reset', recovery: number, resetKind: requested, attempt: 1 }],
  );
};

export const resetRequested = (state: QuiescingState, event: EventOf<'resetRequested'>): Transition =>
  decideReset(state, event.resetKind, event.approval, event.at, 'resetApproved');

export const resetFinished = (state: ResettingState, event: EventOf<'resetFinished'>): Transition => {
  const { activity } = state;
  if (activity.by !== 'bench' || activity.step !== 'running') return unchanged(state);
  if (event.result.ok) {
    return enterSlotReset(withRecovery(state, { reset: event.result.value }), event.at, 'resetDone');
  }
  const { error } = event.result;
  if (error.code === 'deviceLost') return conclude(state, 'deviceLost', 'deviceRemoved', event.at, 'removed');
  if (error.code !== 'busy') return conclude(state, 'failed', 'resetFailed', event.at);
  const { resetKind, attempt } = activity;
  const retryAt = event.at + retryDelay(attempt);
  return moved(
    { ...state, activity: { by: 'bench', step: 'retrying', resetKind, attempt, retryAt } },
    'resetBusy',
  );
};

export const eehWhileResetting = (state: ResettingState, event: EventOf<'eehFinished'>): Transition => {
  const { activity } = state;
  if (activity.by !== 'eeh') return unchanged(state);
  const [current, ...remaining] = activity.remaining;
  if (event.operation !== current) return unchanged(state);
  if (!event.result.ok) return conclude(state, 'failed', 'eehFailed', event.at);
  if (event.result.value.state === 'unavailable') {
    return conclude(state, 'deviceLost', 'peUnavailable', event.at, 'removed');
  }
  const [operation] = remaining;
  return operation === undefined
    ? enterSlotReset(state, event.at, 'resetDone')
    : moved({ ...state, activity: { ...activity, remaining } }, 'eehContinues', [
        { kind: 'eeh', recovery: state.recovery.number, operation },
      ]);
};

const resetRanOut = (state: ResettingState, at: Microseconds): Transition => {
  const { activity, recovery } = state;
  switch (activity.by) {
    case 'kernel':
      return recovery.kernelWord === 'successful'
        ? conclude(state, 'timedOut', 'ackCameTooLate', at)
        : conclude(state, 'failed', 'resetNeverCame', at);
    case 'eeh':
      return conclude(state, 'failed', 'resetUnanswered', at);
    case 'bench':
      // A uevent can be missed, or be read before the signal. Whatever still holds the device answers EAGAIN.
      if (activity.step === 'waitingForKernel') return startAwaitedReset(state, at, 'kernelStaysSilent');
      return conclude(
        state,
        'failed',
        activity.step === 'retrying' ? 'resetStayedBusy' : 'resetUnanswered',
        at,
      );
  }
};

export const clockWhileResetting = (state: ResettingState, event: EventOf<'clockReached'>): Transition => {
  const { activity, recovery } = state;
  if (event.at >= state.deadline) return resetRanOut(state, event.at);
  if (activity.by !== 'bench' || activity.step !== 'retrying' || event.at < activity.retryAt) {
    return unchanged(state);
  }
  const { resetKind } = activity;
  const attempt = activity.attempt + 1;
  return moved({ ...state, activity: { by: 'bench', step: 'running', resetKind, attempt } }, 'resetBusy', [
    { kind: 'reset', recovery: recovery.number, resetKind, attempt },
  ]);
};

/** notify: event 2, or the reset and the next error in one read (observation 8). */
export const signalWhileResetting = (from: ResettingState, event: EventOf<'signal'>): Transition => {
  const { state, count } = withoutLoopbacks(from, event.count);
  if (count === 0) return moved(state, 'loopbackSeen');
  if (state.activity.by !== 'kernel') return furtherSignal(state, count);
  return count === 1
    ? enterSlotReset(state, event.at, 'slotResetSignalled')
    : supersede(state, event, count - 1, 'failed', 'resetAndNextError');
};

export const ueventWhileResetting = (state: ResettingState, event: EventOf<'uevent'>): Transition => {
  const { activity } = state;
  switch (event.uevent) {
    case 'beginRecovery':
      return moved(withRecovery(state, { kernelWord: 'begun' }), 'kernelBegins');
    case 'failedRecovery': {
      const known = withRecovery(state, { kernelWord: 'failed' });
      return activity.by === 'kernel'
        ? conclude(known, 'failed', 'kernelFailed', event.at)
        : startAwaitedReset(known, event.at, 'kernelFailed');
    }
    case 'successfulRecovery': {
      const known = withRecovery(state, { kernelWord: 'successful' });
      if (activity.by !== 'kernel') return startAwaitedReset(known, event.at, 'kernelFinished');
      const deadline = Math.min(known.deadline, event.at + secondSignalPatience);
      return moved({ ...known, deadline }, 'kernelSucceeded');
    }
  }
};

const startAwaitedReset = (state: ResettingState, at: Microseconds, reason: Reason): Transition => {
  const { activity, recovery } = state;
  if (activity.by !== 'bench' || activity.step !== 'waitingForKernel') return moved(state, reason);
  const { resetKind } = activity;
  // The time of a reset counts from its start, not from the decision that had to wait for the kernel.
  return moved(
    {
      ...state,
      deadline: at + resetPatience,
      activity: { by: 'bench', step: 'running', resetKind, attempt: 1 },
    },
    reason,
    [{ kind: 'reset', recovery: recovery.number, resetKind, attempt: 1 }],
  );
};
