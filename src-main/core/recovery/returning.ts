import type { EventOf } from './event.ts';
import { withoutLoopbacks } from './opening.ts';
import { seconds, type Microseconds } from './phase.ts';
import type { Reason } from './reasons.ts';
import type { QuiescingState, ReinitialisingState, ResettingState, SlotResetState } from './state.ts';
import { furtherSignal, supersede } from './supersede.ts';
import { conclude, moved, unchanged, withRecovery, type Transition } from './transition.ts';

/** Putting registers back and proving the device takes milliseconds; a DEVICE_RESET in between up to a second. */
const returnPatience = seconds(20);

/**
 * The slot was reset. With `notify` that rests on event 2 alone, which is also what a perm_failure looks like
 * (observation 7); only the kernel's word and the proof at the end settle it.
 */
export const enterSlotReset = (from: ResettingState, at: Microseconds, reason: Reason): Transition => {
  const { arming, loopbacksExpected, recovery } = from;
  const automatic = arming.policy.afterReset === 'reinitialise';
  const state: SlotResetState = {
    phase: 'slotReset',
    arming,
    loopbacksExpected,
    recovery,
    deadline: at + arming.policy.patience,
    reinitialiseAt: automatic ? at : null,
  };
  return moved(state, reason, [{ kind: 'snapshot', recovery: recovery.number, moment: 'afterReset' }]);
};

export const startReinitialising = (state: SlotResetState | QuiescingState, at: Microseconds): Transition => {
  const { arming, loopbacksExpected, recovery } = state;
  // A kernel that took a perm_failure for event 2 waits once more before it says FAILED (observation 7),
  // for each function of the slot in turn (observation 12).
  const deadline =
    at + returnPatience + (arming.protocol === 'notify' ? arming.ackTimeout * (arming.sharers + 1) : 0);
  return moved(
    { phase: 'reinitialising', arming, loopbacksExpected, recovery, deadline, activity: 'reinitialise' },
    'reinitialiseStarted',
    [{ kind: 'reinitialise', recovery: recovery.number }],
  );
};

export const clockWhileSlotReset = (state: SlotResetState, event: EventOf<'clockReached'>): Transition => {
  if (state.reinitialiseAt !== null && event.at >= state.reinitialiseAt) {
    return startReinitialising(state, event.at);
  }
  return event.at >= state.deadline
    ? conclude(state, 'failed', 'reinitialiseNeverCame', event.at)
    : unchanged(state);
};

export const reinitialiseFinished = (
  state: ReinitialisingState,
  event: EventOf<'reinitialiseFinished'>,
): Transition => {
  if (state.activity !== 'reinitialise') return unchanged(state);
  const known = withRecovery(state, { reinitialise: event.report });
  return event.report.succeeded
    ? moved({ ...known, activity: 'prove' }, 'reinitialised', [
        { kind: 'prove', recovery: known.recovery.number },
      ])
    : conclude(known, 'failed', 'reinitialiseFailed', event.at);
};

/**
 * notify and legacy run inside the kernel's own recovery, whose end it announces by uevent (observation 15); mediated
 * and eeh are left to user space and no such word comes.
 */
const awaitsKernelWord = (state: ReinitialisingState): boolean =>
  state.arming.uevents === 'observable' &&
  (state.arming.protocol === 'notify' || state.arming.protocol === 'legacy') &&
  state.recovery.kernelWord !== 'successful';

const returned = (state: ReinitialisingState, at: Microseconds): Transition =>
  conclude(state, 'recovered', state.recovery.proof?.verdict === 'proven' ? 'proven' : 'notProven', at);

export const proofFinished = (state: ReinitialisingState, event: EventOf<'proofFinished'>): Transition => {
  if (state.activity !== 'prove') return unchanged(state);
  const known = withRecovery(state, { proof: event.report });
  if (event.report.verdict === 'failed') return conclude(known, 'failed', 'proofFailed', event.at);
  if (known.recovery.kernelWord === 'failed') return conclude(known, 'failed', 'kernelFailed', event.at);
  return awaitsKernelWord(known)
    ? moved({ ...known, activity: 'kernelWord' }, 'proofAwaitsKernel')
    : returned(known, event.at);
};

export const clockWhileReinitialising = (
  state: ReinitialisingState,
  event: EventOf<'clockReached'>,
): Transition =>
  event.at >= state.deadline
    ? conclude(
        state,
        'failed',
        state.activity === 'kernelWord' ? 'kernelNeverConfirmed' : 'returnUnanswered',
        event.at,
      )
    : unchanged(state);

export const signalWhileReturning = (
  from: SlotResetState | ReinitialisingState,
  event: EventOf<'signal'>,
): Transition => {
  const { state, count } = withoutLoopbacks(from, event.count);
  if (count === 0) return moved(state, 'loopbackSeen');
  // A signal alone proves no error: mediated looks into the queue, eeh at the PE, before this recovery is given up.
  return state.arming.protocol === 'mediated' || state.arming.protocol === 'eeh'
    ? furtherSignal(state, count)
    : supersede(state, event, count, 'failed', 'nextErrorBeforeReturn');
};

/** eeh: what a signal after the reset stood for. A PE that cannot be asked is taken for frozen. */
export const peStateWhileReturning = (
  state: SlotResetState | ReinitialisingState,
  event: EventOf<'eehFinished'>,
): Transition => {
  if (event.operation !== 'getState' || state.arming.protocol !== 'eeh') return unchanged(state);
  if (event.result.ok && event.result.value.state === 'normal') return unchanged(state);
  return event.result.ok && event.result.value.state === 'unavailable'
    ? conclude(state, 'deviceLost', 'peUnavailable', event.at, 'removed')
    : supersede(state, event, 1, 'failed', 'nextErrorBeforeReturn');
};

export const ueventWhileReturning = (
  state: SlotResetState | ReinitialisingState,
  event: EventOf<'uevent'>,
): Transition => {
  switch (event.uevent) {
    case 'beginRecovery':
      return moved(withRecovery(state, { kernelWord: 'begun' }), 'kernelBegins');
    case 'failedRecovery':
      return conclude(withRecovery(state, { kernelWord: 'failed' }), 'failed', 'kernelFailed', event.at);
    case 'successfulRecovery': {
      const known = withRecovery(state, { kernelWord: 'successful' });
      return known.phase === 'reinitialising' && known.activity === 'kernelWord'
        ? returned(known, event.at)
        : moved(known, 'kernelSucceeded');
    }
  }
};
