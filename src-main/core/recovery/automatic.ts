import type { Approval, RecoveryEvent } from './event.ts';
import type { Microseconds } from './phase.ts';
import { ackGuard, timeoutActionLead } from './policy.ts';
import { isOpen, type RecoveryState } from './state.ts';

/**
 * What whoever waits for the signals (the waiter thread, an agent's) does by itself, so that a main thread that is busy,
 * hung or away costs no deadline: quiesce, and ack if that has succeeded. It stands for one recovery:
 *
 * - It answers one signal, and only one that was read alone. A counter of 2 may be an error and its reset, or two errors of
 *   which the first has ended (observation 8); and the next signal after an answer is event 2, on the same eventfd. Acking
 *   that would succeed with nothing pending (observation 1), and be taken for the next error (observation 8).
 * - It is handed down anew only when the recovery has ended and the next signal can be nothing but a new error. A function
 *   whose wait ran out gets event 2 of its sibling's recovery (observation 12), and a perm_failure looks like event 2
 *   (observation 7): so after any outcome but `recovered` the kernel has to have had its last word.
 * - It is handed down on top of the last signal that was heard. Where another has been read since, it is refused: what was
 *   decided without knowing of that signal is not done.
 * - No ack leaves later than `latest` after the signal, by whatever the machine was held up (observation 8).
 *
 * Withdrawing is not handed down: it spares the kernel no time (observation 9), so a late one costs no deadline.
 */
export interface Automatic {
  /** When it acts: at the signal, or so many microseconds after it unless somebody has decided. */
  readonly at: 'signal' | Microseconds;
  /** In microseconds after the signal. */
  readonly latest: Microseconds;
  readonly approval: Approval;
}

const nextSignalIsAnError = (state: RecoveryState): boolean => {
  if (state.arming.protocol !== 'notify' || state.loopbacksExpected > 0 || isOpen(state)) return false;
  if (state.phase === 'armed') return true;
  if (state.eventfd === 'removed') return false;
  const { kernelWord } = state.recovery;
  return state.phase === 'recovered' || kernelWord === 'successful' || kernelWord === 'failed';
};

/** What may stand for the next signal in this state; null while there is nothing that anybody may do without asking. */
export const automaticFor = (state: RecoveryState): Automatic | null => {
  if (!nextSignalIsAnError(state)) return null;
  const { policy, ackTimeout } = state.arming;
  const latest = ackTimeout - ackGuard(ackTimeout);
  if (policy.decision === 'ackWhenQuiesced') {
    const approval = { operator: 'policy', reason: 'acknowledgeByPolicy', by: 'policy' } as const;
    return { at: 'signal', latest, approval };
  }
  if (policy.onTimeout !== 'acknowledge') return null;
  const approval = { operator: 'policy', reason: 'acknowledgeByTimeoutPolicy', by: 'timeoutPolicy' } as const;
  return { at: ackTimeout - timeoutActionLead(ackTimeout), latest, approval };
};

/**
 * What was done without asking is accounted for in the events that would have answered the effects, one for each phase:
 * the next of them, or null when all is. So a run reads the same whoever gave the answer.
 */
export const accountOf = (state: RecoveryState): RecoveryEvent | null => {
  if (!isOpen(state) || !('exchange' in state) || state.exchange.kind !== 'answered') return null;
  const { at, inspection, quiesce, acknowledge } = state.exchange.report;
  const { number: recovery } = state.recovery;
  switch (state.phase) {
    case 'errorDetected':
      return { kind: 'inspected', at, recovery, result: inspection };
    case 'quiescing':
      return { kind: 'quiesceFinished', at, recovery, report: quiesce };
    case 'awaitingAck': {
      const error = acknowledge.kind === 'refused' ? acknowledge.error : null;
      return { kind: 'acknowledgeFinished', at, recovery, error };
    }
  }
};
