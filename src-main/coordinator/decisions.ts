import type { PciAddress } from '../core/pci/address.ts';
import type { EventOf, RecoveryEvent } from '../core/recovery/event.ts';
import { refusalOf } from '../core/recovery/refusal.ts';
import type { QuiesceReport, ResetKind } from '../core/recovery/reports.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import { approvalOf, type Decision } from './approvals.ts';
import type { Desk } from './desk.ts';
import type { Answers, DeviceRecovery } from './deviceRecovery.ts';

type WishEvent = EventOf<
  | 'quiesceRequested'
  | 'acknowledgeRequested'
  | 'withdrawRequested'
  | 'resetRequested'
  | 'reinitialiseRequested'
>;

/** Hands a wish to a recovery, or says why it is not granted. The step is recorded before anything is done. */
const wish = async (
  desk: Desk,
  recovery: DeviceRecovery,
  name: string,
  event: WishEvent,
): Promise<Result<Answers>> => {
  const { address } = recovery.session;
  if (desk.linkLost !== null) return desk.refuse(address, name, desk.linkLost);
  const refusal = refusalOf(recovery.state, event);
  if (refusal !== null) return desk.refuse(address, name, refusal);
  const allowed = desk.recordable();
  if (!allowed.ok) return desk.refuse(address, name, allowed.error);
  const answers = await recovery.dispatch(event);
  return answers.ok ? answers : desk.refuse(address, name, answers.error);
};

const answerOf = <Kind extends RecoveryEvent['kind']>(answers: Answers, kind: Kind): EventOf<Kind> | null =>
  answers.find((answer): answer is EventOf<Kind> => answer.kind === kind) ?? null;

/** Without an answer it was not sent: the recovery ended while the line was on its way to the disk. */
const taken = (
  desk: Desk,
  address: PciAddress,
  wish: 'acknowledge' | 'withdraw',
  answer: { readonly error: BenchError | null } | null,
): Result<void> => {
  if (answer === null) {
    const message = `The recovery of ${address} ended before the answer to the kernel could leave.`;
    return desk.refuseWith(address, wish, 'noOpenRecovery', message);
  }
  return answer.error === null ? done : { ok: false, error: answer.error };
};

/** Sends the ack, once it is in the journal. Answers when the kernel has taken or refused it. */
export const acknowledge = async (
  desk: Desk,
  address: PciAddress,
  decision: Decision,
): Promise<Result<void>> => {
  const approval = approvalOf(decision);
  if (!approval.ok) return desk.refuse(address, 'acknowledge', approval.error);
  const recovery = desk.recoveries.get(address);
  if (recovery === undefined) {
    return desk.refuseWith(address, 'acknowledge', 'notArmed', `${address} is not armed.`);
  }
  const at = desk.rig.clock.now();
  const answers = await wish(desk, recovery, 'acknowledge', {
    kind: 'acknowledgeRequested',
    at,
    approval: approval.value,
  });
  if (!answers.ok) return answers;
  return taken(desk, address, 'acknowledge', answerOf(answers.value, 'acknowledgeFinished'));
};

export const withdraw = async (
  desk: Desk,
  address: PciAddress,
  decision: Decision,
): Promise<Result<void>> => {
  const approval = approvalOf(decision);
  if (!approval.ok) return desk.refuse(address, 'withdraw', approval.error);
  const recovery = desk.recoveries.get(address);
  if (recovery === undefined) {
    return desk.refuseWith(address, 'withdraw', 'notArmed', `${address} is not armed.`);
  }
  const at = desk.rig.clock.now();
  const answers = await wish(desk, recovery, 'withdraw', {
    kind: 'withdrawRequested',
    at,
    approval: approval.value,
  });
  if (!answers.ok) return answers;
  return taken(desk, address, 'withdraw', answerOf(answers.value, 'withdrawFinished'));
};

/** Decides on the reset of a recovery that user space drives; how the reset ends is told by the phases. */
export const decideReset = async (
  desk: Desk,
  recovery: DeviceRecovery,
  resetKind: ResetKind,
  decision: Decision,
): Promise<Result<null>> => {
  const approval = approvalOf(decision);
  if (!approval.ok) return desk.refuse(recovery.session.address, 'reset', approval.error);
  const at = desk.rig.clock.now();
  const answers = await wish(desk, recovery, 'reset', {
    kind: 'resetRequested',
    at,
    resetKind,
    approval: approval.value,
  });
  return answers.ok ? success(null) : answers;
};

export const quiesceAgain = async (desk: Desk, recovery: DeviceRecovery): Promise<Result<QuiesceReport>> => {
  const at = desk.rig.clock.now();
  const answers = await wish(desk, recovery, 'quiesce', { kind: 'quiesceRequested', at });
  if (!answers.ok) return answers;
  const quiesced = answerOf(answers.value, 'quiesceFinished');
  const { address } = recovery.session;
  return quiesced === null
    ? failure('noOpenRecovery', `The recovery of ${address} ended before the device could be quiesced.`)
    : success(quiesced.report);
};

export const startReturn = async (desk: Desk, recovery: DeviceRecovery): Promise<Result<null>> => {
  const at = desk.rig.clock.now();
  const answers = await wish(desk, recovery, 'reinitialise', { kind: 'reinitialiseRequested', at });
  return answers.ok ? success(null) : answers;
};
