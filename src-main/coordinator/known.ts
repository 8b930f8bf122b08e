import { openWait, type RecoveryState } from '../core/recovery/state.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import type { Microseconds } from '../core/recovery/phase.ts';

/**
 * What the bench knew, and showed, when somebody decided: it goes into the audit line as it stands. `before` is the
 * state that was decided on; `after` knows what the deciding event brought, such as the quiesce report that a policy
 * acted on. `timeLeft` in microseconds, only while the kernel waits.
 */
export const whatWasKnown = (
  before: RecoveryState,
  after: RecoveryState,
  session: DeviceSession,
  now: Microseconds,
): Readonly<Record<string, unknown>> => {
  const wait = openWait(before);
  return {
    phase: before.phase,
    protocol: before.arming.protocol,
    ...(wait === null ? {} : { timeLeft: Math.max(0, wait.deadline - now) }),
    sharers: session.capabilities.sharers,
    ...(after.phase === 'armed'
      ? {}
      : {
          severity: after.recovery.severity,
          errors: after.recovery.errors,
          quiesce: after.recovery.quiesce,
          kernelWord: after.recovery.kernelWord,
        }),
  };
};
