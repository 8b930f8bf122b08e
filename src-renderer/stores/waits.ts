import type { Microseconds, Protocol } from '../../src-main/core/recovery/phase.ts';
import type { ErrorRecord, Severity } from '../../src-main/core/recovery/reports.ts';
import { isOpen, openDecision, openWait, type RecoveryState } from '../../src-main/core/recovery/state.ts';
import type { RigModel } from './fold.ts';

/** Something that runs out: the kernel waits for an ack, or the bench for a person's decision on a reset. */
export interface Wait {
  readonly rig: string;
  readonly device: string;
  readonly protocol: Protocol;
  readonly recovery: number;
  /** `soon`: the device is not quiet yet, and nothing can be decided. */
  readonly decision: 'acknowledge' | 'reset' | 'soon';
  readonly openedAt: Microseconds;
  readonly deadline: Microseconds;
  readonly severity: Severity;
  readonly errors: readonly ErrorRecord[];
}

export const waitOf = (rig: string, device: string, state: RecoveryState): Wait | null => {
  if (!isOpen(state)) return null;
  const decision = openDecision(state);
  if (decision === null && openWait(state) === null) return null;
  const { number: recovery, openedAt, severity, errors } = state.recovery;
  const { protocol } = state.arming;
  const { deadline } = state;
  return {
    rig,
    device,
    protocol,
    recovery,
    decision: decision ?? 'soon',
    openedAt,
    deadline,
    severity,
    errors,
  };
};

/** All waits of all rigs, the one that runs out first in front; `momentOf` puts deadlines on one clock. */
export const waitsOf = (
  rigs: readonly RigModel[],
  momentOf: (rig: string, deadline: Microseconds) => number,
): readonly Wait[] =>
  rigs
    // Nobody waits any more on a machine that is gone.
    .filter(({ link }) => link !== 'gone')
    .flatMap(({ id, armed }) =>
      [...armed.values()].flatMap(({ device, state }) => waitOf(id, device, state) ?? []),
    )
    .map((wait) => ({ wait, moment: momentOf(wait.rig, wait.deadline) }))
    .sort(
      (left, right) =>
        // Two deadlines in a time that stands still are both Infinity, and their difference is no number.
        (left.moment === right.moment ? 0 : left.moment - right.moment) ||
        left.wait.deadline - right.wait.deadline ||
        left.wait.device.localeCompare(right.wait.device),
    )
    .map(({ wait }) => wait);
