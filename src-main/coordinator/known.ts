import { openWait, isOpen, type RecoveryState } from '../core/recovery/state.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import type { DeviceSession } from '../rigs/rig.ts';

/** What the bench knew, and showed, when somebody decided: it goes into the audit line as it stands. */
export const whatWasKnown = (
  state: RecoveryState,
  session: DeviceSession,
  now: Microseconds,
): Readonly<Record<string, unknown>> => {
  const wait = openWait(state);
  return {
    phase: state.phase,
    protocol: state.arming.protocol,
    ...(wait === null ? {} : { timeLeft: Math.max(0, wait.deadline - now) }),
    sharers: session.capabilities.sharers,
    ...(isOpen(state)
      ? { severity: state.recovery.severity, errors: state.recovery.errors, quiesce: state.recovery.quiesce }
      : {}),
  };
};
