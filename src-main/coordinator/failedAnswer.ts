import { missingCase } from '../core/exhaustive.ts';
import type { RecoveryEffect } from '../core/recovery/effect.ts';
import type { RecoveryEvent } from '../core/recovery/event.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import type { BenchError } from '../core/result.ts';

/**
 * The answer of an effect that was not carried out: its line could not be recorded, or the session threw. Every effect
 * that `step` waits for is answered, so that no recovery hangs in a phase without anybody knowing why.
 */
export const failedAnswer = (
  effect: RecoveryEffect,
  error: BenchError,
  at: Microseconds,
): RecoveryEvent | null => {
  const { recovery } = effect;
  const result = { ok: false, error } as const;
  switch (effect.kind) {
    case 'inspect':
      return { kind: 'inspected', at, recovery, result };
    case 'drainErrors':
      return { kind: 'drained', at, recovery, result };
    case 'quiesce': {
      const actions = [{ action: 'touchingStopped', result: 'failed', error }] as const;
      return { kind: 'quiesceFinished', at, recovery, report: { succeeded: false, actions } };
    }
    case 'acknowledge':
      return { kind: 'acknowledgeFinished', at, recovery, error };
    case 'withdraw':
      return { kind: 'withdrawFinished', at, recovery, error };
    case 'reset':
      return { kind: 'resetFinished', at, recovery, result };
    case 'eeh':
      return { kind: 'eehFinished', at, recovery, operation: effect.operation, result };
    case 'reinitialise': {
      const steps = [{ step: 'reinitialise', result: 'failed', error }] as const;
      return { kind: 'reinitialiseFinished', at, recovery, report: { succeeded: false, steps } };
    }
    case 'prove': {
      const checks = [{ check: 'registers', result: 'failed', detail: error.message }] as const;
      return { kind: 'proofFinished', at, recovery, report: { verdict: 'failed', checks } };
    }
    case 'snapshot':
    case 'conclude':
      return null;
    default:
      return missingCase(effect);
  }
};
