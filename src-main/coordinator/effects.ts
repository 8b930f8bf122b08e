import { missingCase } from '../core/exhaustive.ts';
import type { RecoveryEffect } from '../core/recovery/effect.ts';
import type { RecoveryEvent } from '../core/recovery/event.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import type { RecoveryState } from '../core/recovery/state.ts';
import type { Result } from '../core/result.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { thrownError } from './attempt.ts';
import { failedAnswer } from './failedAnswer.ts';
import type { Recorder } from './recorder.ts';
import { recordSnapshot, stepRecorder } from './snapshots.ts';

/** These answer the kernel while its clock runs, so they never queue behind anything else. */
export const isUrgent = (effect: RecoveryEffect): boolean =>
  effect.kind === 'acknowledge' || effect.kind === 'withdraw';

/**
 * Whether the state still waits for the answer of an ack or a withdrawal that has not left. While its line was on the
 * way to the disk the wait may have ended: an ack would then be taken for the next error. A removal of the eventfd goes
 * on into the next recovery.
 */
export const isStillAsked = (effect: RecoveryEffect, state: RecoveryState): boolean => {
  if (!('exchange' in state)) return false;
  if (effect.kind === 'withdraw') return state.exchange.kind === 'withdrawing';
  return state.exchange.kind === 'acknowledging' && state.recovery.number === effect.recovery;
};

/**
 * Whether an effect is still wanted when its recovery has ended before its turn came. A look-up is: what it takes off
 * the kernel's queue may be the next error. Anything else would touch a device that belongs to nobody, or to the next
 * recovery.
 */
export const outlivesItsRecovery = (effect: RecoveryEffect): boolean =>
  effect.kind === 'snapshot' ||
  effect.kind === 'drainErrors' ||
  (effect.kind === 'eeh' && effect.operation === 'getState');

const errorOf = (result: Result<unknown>) => (result.ok ? null : result.error);

/**
 * Does one thing that `step` asked for; the answer is the event that goes back into it, or null where none is due.
 * Never rejects: a session that throws has failed. `heard`: the last signal or answer of the device that was told.
 */
export const execute = async (
  effect: RecoveryEffect,
  session: DeviceSession,
  recorder: Recorder,
  now: () => Microseconds,
  heard: number,
): Promise<RecoveryEvent | null> => {
  try {
    const { recovery } = effect;
    switch (effect.kind) {
      case 'inspect': {
        const result = await session.inspect();
        return { kind: 'inspected', at: now(), recovery, result };
      }
      case 'drainErrors': {
        const result = await session.drainErrors();
        return { kind: 'drained', at: now(), recovery, result };
      }
      case 'quiesce': {
        const report = await session.quiesce();
        return { kind: 'quiesceFinished', at: now(), recovery, report };
      }
      case 'acknowledge': {
        const error = errorOf(await session.acknowledge(heard));
        return { kind: 'acknowledgeFinished', at: now(), recovery, error };
      }
      case 'withdraw': {
        const error = errorOf(await session.disarm(heard));
        return { kind: 'withdrawFinished', at: now(), recovery, error };
      }
      case 'reset': {
        const result = await session.reset(effect.resetKind);
        return { kind: 'resetFinished', at: now(), recovery, result };
      }
      case 'eeh': {
        const { operation } = effect;
        const result = await session.eeh(operation);
        return { kind: 'eehFinished', at: now(), recovery, operation, result };
      }
      case 'reinitialise': {
        const report = await session.reinitialise(stepRecorder(session, recorder, recovery));
        return { kind: 'reinitialiseFinished', at: now(), recovery, report };
      }
      case 'prove': {
        const report = await session.prove();
        return { kind: 'proofFinished', at: now(), recovery, report };
      }
      case 'snapshot':
        await recordSnapshot(session, recorder, effect.moment, recovery);
        return null;
      case 'conclude':
        return null;
      default:
        return missingCase(effect);
    }
  } catch (thrown) {
    return failedAnswer(effect, thrownError(effect.kind, thrown), now());
  }
};
