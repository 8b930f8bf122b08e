import type { EventOf, RecoveryEvent } from './event.ts';
import { openRecovery } from './opening.ts';
import { knowing } from './sharedReset.ts';
import type { ConcludedState } from './state.ts';
import { endSnapshot, moved, unchanged, type Transition } from './transition.ts';

/**
 * After an outcome nothing changes it, but three things are still learnt: the kernel's last word (after a fatal
 * time-out the uevents are the only sign, observation 6), whether the eventfd is still there, and errors that a
 * look-up of the ended recovery took off the queue.
 */
export const concludedLearns = (
  state: ConcludedState,
  event: Exclude<RecoveryEvent, EventOf<'signal'>>,
): Transition => {
  if (event.kind === 'closed' || event.kind === 'deviceRemoved') {
    return state.eventfd === 'removed'
      ? unchanged(state)
      : moved({ ...state, eventfd: 'removed' }, 'deviceGone');
  }
  if (event.kind === 'uevent') return kernelWordAfterwards(state, event);
  if (!('recovery' in event) || event.recovery !== state.recovery.number || state.eventfd === 'removed') {
    return unchanged(state);
  }
  switch (event.kind) {
    case 'withdrawFinished':
      return event.error === null
        ? moved({ ...state, eventfd: 'removed' }, 'withdrawnFromRecovery')
        : unchanged(state);
    case 'drained':
      return state.arming.protocol === 'mediated' && event.result.ok && event.result.value.length > 0
        ? openRecovery(state, {
            at: event.at,
            coalesced: 0,
            errors: event.result.value,
            reason: 'errorConfirmed',
          })
        : unchanged(state);
    case 'eehFinished':
      return state.arming.protocol === 'eeh' &&
        event.operation === 'getState' &&
        event.result.ok &&
        event.result.value.state !== 'normal'
        ? openRecovery(state, { at: event.at, coalesced: 0, errors: [], reason: 'errorConfirmed' })
        : unchanged(state);
    default:
      return unchanged(state);
  }
};

const kernelWordAfterwards = (state: ConcludedState, event: EventOf<'uevent'>): Transition => {
  const { kernelWord, number } = state.recovery;
  switch (event.uevent) {
    case 'beginRecovery':
      return kernelWord === 'silent'
        ? moved(knowing(state, { kernelWord: 'begun' }), 'kernelBegins')
        : unchanged(state);
    case 'successfulRecovery':
    case 'failedRecovery': {
      if (kernelWord === 'successful' || kernelWord === 'failed') return unchanged(state);
      return event.uevent === 'successfulRecovery'
        ? moved(knowing(state, { kernelWord: 'successful' }), 'kernelSucceeded', [endSnapshot(number)])
        : moved(knowing(state, { kernelWord: 'failed' }), 'kernelFailed', [endSnapshot(number)]);
    }
  }
};
