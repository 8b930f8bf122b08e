import { failure, type BenchError } from '../result.ts';
import type { RecoveryEvent } from './event.ts';
import type { Microseconds } from './phase.ts';
import { ackGuard } from './policy.ts';
import type { ResetKind } from './reports.ts';
import { kernelStillRecovering } from './resetting.ts';
import { isAnswering, isOpen, openWait, type RecoveryState } from './state.ts';

const refuse = (...args: Parameters<typeof failure>): BenchError => failure(...args).error;

const noWait = (state: RecoveryState): BenchError =>
  refuse(
    'noOpenWait',
    state.arming.protocol === 'notify'
      ? `The kernel is not waiting for an ack of this device (it is ${state.phase}); an ack now would be taken for the next error.`
      : `The ${state.arming.protocol} protocol has no ack: the kernel does not wait for user space.`,
  );

const acknowledgeRefusal = (state: RecoveryState, at: Microseconds): BenchError | null => {
  const wait = openWait(state);
  if (wait === null) return noWait(state);
  if (state.phase !== 'awaitingAck') {
    return refuse(
      'stepUnderWay',
      'The device is not quiet yet; the ack can follow as soon as quiescing has ended.',
    );
  }
  if (state.requiescing) {
    return refuse(
      'stepUnderWay',
      'The device is being quiesced again; the ack can follow when that has ended.',
    );
  }
  if (isAnswering(state)) {
    return refuse('stepUnderWay', 'The answer to this wait is already on its way to the kernel.');
  }
  if (at >= wait.deadline - ackGuard(state.arming.ackTimeout)) {
    return refuse(
      'ackTooLate',
      'The kernel’s time is all but over: an ack now may arrive late and be taken for the next error. Let it expire.',
    );
  }
  return null;
};

const withdrawRefusal = (state: RecoveryState): BenchError | null => {
  if (!isOpen(state)) {
    return refuse(
      'noOpenRecovery',
      'There is no open recovery to withdraw from; "disarm" removes the eventfd.',
    );
  }
  if (state.phase === 'errorDetected' || state.phase === 'quiescing' || state.phase === 'awaitingAck') {
    return isAnswering(state)
      ? refuse('stepUnderWay', 'The answer to this wait is already on its way to the kernel.')
      : null;
  }
  return refuse(
    'noOpenWait',
    `The recovery is already ${state.phase}; there is nothing left to withdraw from.`,
  );
};

const resetRefusal = (state: RecoveryState, resetKind: ResetKind): BenchError | null => {
  if (openWait(state) !== null) {
    return refuse(
      'waitOpen',
      'The kernel waits for an ack and holds the device lock: a reset now gets EAGAIN or dead-locks. Ack or withdraw first.',
    );
  }
  if (state.arming.protocol !== 'eeh' && (resetKind === 'peHot' || resetKind === 'peFundamental')) {
    return refuse(
      'notSupported',
      `A PE reset belongs to the eeh protocol; with ${state.arming.protocol} choose the device or the hot reset.`,
    );
  }
  if (!isOpen(state)) return null;
  if (state.arming.protocol === 'notify') {
    return refuse(
      'recoveryOpen',
      'With the notify protocol the kernel resets the slot; wait until this recovery has ended.',
    );
  }
  if (state.phase === 'quiescing' && state.activity === 'decision' && state.exchange.kind !== 'withdrawing')
    return null;
  return refuse(
    'stepUnderWay',
    `The recovery is ${state.phase}; a reset can be decided once the device is quiet.`,
  );
};

const reinitialiseRefusal = (state: RecoveryState): BenchError | null => {
  if (openWait(state) !== null) {
    return refuse(
      'waitOpen',
      'The kernel waits for an ack; bringing the device back begins after its reset.',
    );
  }
  if (!isOpen(state) || state.phase === 'slotReset') return null;
  const userSpaceMaySkipTheReset =
    state.phase === 'quiescing' && state.activity === 'decision' && state.arming.protocol === 'legacy';
  if (!userSpaceMaySkipTheReset) {
    return refuse(
      'stepUnderWay',
      `The recovery is ${state.phase}; bringing the device back begins after the reset.`,
    );
  }
  if (state.exchange.kind === 'withdrawing') {
    return refuse('stepUnderWay', 'The eventfd is being removed; wait for the answer to that.');
  }
  return kernelStillRecovering(state)
    ? refuse(
        'stepUnderWay',
        'The kernel’s own recovery has not ended; its reset would undo what is put back now. Wait for its word, or reset.',
      )
    : null;
};

const quiesceRefusal = (state: RecoveryState): BenchError | null => {
  if (!isOpen(state)) return null;
  if (state.phase === 'awaitingAck' && !state.requiescing) {
    return isAnswering(state)
      ? refuse('stepUnderWay', 'The answer to this wait is already on its way to the kernel.')
      : null;
  }
  if (state.phase === 'quiescing' && state.activity === 'decision') return null;
  return refuse('stepUnderWay', `The recovery is ${state.phase}; quiescing belongs before the reset.`);
};

/**
 * Why a wish cannot be granted in this state, or null when it can. `step` ignores what this refuses, so the rule is
 * in one place. Facts and answers are never refused.
 */
export const refusalOf = (state: RecoveryState, event: RecoveryEvent): BenchError | null => {
  switch (event.kind) {
    case 'acknowledgeRequested':
      return acknowledgeRefusal(state, event.at);
    case 'withdrawRequested':
      return withdrawRefusal(state);
    case 'resetRequested':
      return resetRefusal(state, event.resetKind);
    case 'reinitialiseRequested':
      return reinitialiseRefusal(state);
    case 'quiesceRequested':
      return quiesceRefusal(state);
    default:
      return null;
  }
};
