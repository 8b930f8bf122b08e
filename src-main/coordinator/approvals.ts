import type { Approval } from '../core/recovery/event.ts';
import { isOpen, type RecoveryState } from '../core/recovery/state.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { ApprovalAction, ApprovalBody } from '../core/journal/line.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { whatWasKnown } from './known.ts';

/** Who decides, and why; both go to the audit line and may not be empty. */
export interface Decision {
  readonly operator: string;
  readonly reason: string;
}

export const approvalOf = (decision: Decision): Result<Approval> => {
  const operator = decision.operator.trim();
  const reason = decision.reason.trim();
  if (operator === '') return failure('malformedInput', 'The audit line needs the name of the operator.');
  if (reason === '') return failure('malformedInput', 'The audit line needs a reason.');
  return success({ operator, reason, by: 'person' });
};

const approvalIn = (state: RecoveryState): Approval | null =>
  state.phase === 'armed' ? null : state.recovery.approval;

const actionOf = (state: RecoveryState): ApprovalAction => {
  if (!isOpen(state) || !('exchange' in state)) return 'reset';
  return state.exchange.kind === 'withdrawing' ? 'withdraw' : 'acknowledge';
};

/** The audit line for the approval that a step took, a person's or a policy's; null when it took none. */
export const approvalTaken = (
  before: RecoveryState,
  after: RecoveryState,
  session: DeviceSession,
  now: Microseconds,
): ApprovalBody | null => {
  const approval = approvalIn(after);
  if (approval === null || after.phase === 'armed' || approval === approvalIn(before)) return null;
  return {
    type: 'approval',
    device: session.address,
    recovery: after.recovery.number,
    action: actionOf(after),
    approval,
    known: whatWasKnown(before, after, session, now),
  };
};
