import type { PciAddress } from '../core/pci/address.ts';
import { isOpen } from '../core/recovery/state.ts';
import { markingPlan, type MarkingPlan } from '../core/restore/marking.ts';
import { isLastTry, type MarkingDetail, type UnmarkCause } from '../core/restore/markingRun.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import { approvalOf, type Decision } from './approvals.ts';
import { attempt } from './attempt.ts';
import type { Desk } from './desk.ts';
import { DeviceMarking } from './deviceMarking.ts';
import type { DeviceRecovery } from './deviceRecovery.ts';
import { recordSnapshot } from './snapshots.ts';

/** What a marking run would write on a device that is open. Nothing is written and nothing recorded. */
export const planMarking = async (desk: Desk, address: PciAddress): Promise<Result<MarkingPlan>> => {
  const session = desk.sessions.get(address);
  if (session === undefined) return failure('sessionClosed', `${address} is not open; arm it first.`);
  const config = await attempt('readConfig', () => session.readConfig('vfio'));
  return config.ok ? success(markingPlan(config.value)) : config;
};

const notArmed = (address: PciAddress): BenchError =>
  failure('notArmed', `${address} is not armed; arm it first.`).error;

/** Why a marking run cannot begin now; null when it can. */
export const markingRefusal = (desk: Desk, address: PciAddress): BenchError | null => {
  const recovery = desk.armed(address);
  if (recovery === null) return notArmed(address);
  const { state } = recovery;
  if (isOpen(state)) {
    const message = `A recovery of ${address} is open (${state.phase}); marks are written before the next fault.`;
    return failure('recoveryOpen', message).error;
  }
  if (desk.markings.has(address)) {
    return failure('stepUnderWay', `The registers of ${address} are marked already.`).error;
  }
  return desk.linkLost ?? (desk.recordable().ok ? null : desk.recorder.trouble);
};

const begin = async (desk: Desk, recovery: DeviceRecovery, decision: Decision): Promise<Result<void>> => {
  const { session } = recovery;
  const { address } = session;
  const approval = approvalOf(decision);
  if (!approval.ok) return desk.refuse(address, 'mark', approval.error);
  const refusal = markingRefusal(desk, address);
  if (refusal !== null) return desk.refuse(address, 'mark', refusal);
  if (!desk.recorder.keepsSnapshots) {
    return desk.refuseWith(
      address,
      'mark',
      'notSupported',
      'Marks are of use to a run that is recorded only.',
    );
  }
  const plan = await planMarking(desk, address);
  if (!plan.ok) return desk.refuse(address, 'mark', plan.error);
  if (plan.value.marks.length === 0) {
    const message = `${address} has no register that may be marked without harm.`;
    return desk.refuseWith(address, 'mark', 'notSupported', message);
  }
  const detail: MarkingDetail = { plan: plan.value, approval: approval.value };
  const announced = desk.recorder.record(
    { type: 'operation', device: address, operation: 'marking', result: 'done', detail },
    'durable',
  );
  const onDisk = announced.ok ? await desk.recorder.onDisk() : announced;
  if (!onDisk.ok) return desk.refuse(address, 'mark', onDisk.error);
  const marking = new DeviceMarking(session, desk.recorder, plan.value, approval.value);
  desk.markings.set(address, marking);
  // Whoever waits for the signals would ack before anything could be marked in the wait.
  await recovery.automatic.takeBack();
  const marked = await marking.mark('armed', null);
  if (!marked.ok || marking.plan.marks.length === 0) {
    await endMarking(desk, address, 'notStarted');
    return marked.ok
      ? failure('notSupported', `No register of ${address} takes a mark; the old values are back.`)
      : marked;
  }
  // An error that was signalled meanwhile has its own readings; this one would be called that of before.
  if (!isOpen(recovery.state)) await recordSnapshot(session, desk.recorder, 'armed', null);
  return done;
};

/** Marks the device for its next recovery, once a person has approved it. */
export const beginMarking = (desk: Desk, address: PciAddress, decision: Decision): Promise<Result<void>> =>
  desk.turns.take(address, async () => {
    const recovery = desk.armed(address);
    if (recovery === null) return desk.refuse(address, 'mark', notArmed(address));
    // While a recovery is open the answer is known and need not wait for the recovery's effects.
    const refusal = isOpen(recovery.state) ? markingRefusal(desk, address) : null;
    if (refusal !== null) return desk.refuse(address, 'mark', refusal);
    return recovery.exclusively(() => begin(desk, recovery, decision));
  });

/** Puts the old values back; what cannot be put back stays on the desk until it can, or the device is gone. */
export const endMarking = async (
  desk: Desk,
  address: PciAddress,
  because: UnmarkCause,
): Promise<Result<void>> => {
  const marking = desk.markings.get(address);
  if (marking === undefined) return done;
  const back = await marking.putBack(because);
  if (back.ok || isLastTry(because)) desk.markings.delete(address);
  void desk.armed(address)?.automatic.renew();
  return back;
};

/** The device went before anything could be put back. */
export const loseMarking = (desk: Desk, address: PciAddress, because: 'deviceVanished' | 'closed'): void => {
  const marking = desk.markings.get(address);
  if (marking === undefined) return;
  desk.markings.delete(address);
  const message =
    because === 'deviceVanished'
      ? `${address} has vanished, and its marks with it: nothing is left to put back.`
      : `${address} was closed at the far end before the old values could be put back; vfio-pci resets a device that is closed, where it can be reset.`;
  marking.vanished(because, failure(because === 'closed' ? 'sessionClosed' : 'deviceLost', message).error);
};

/** At once while no recovery is open; in one, no more marks are written and the old values wait for its end. */
export const cancelMarking = (desk: Desk, address: PciAddress): Promise<Result<'putBack' | 'atTheEnd'>> =>
  desk.turns.take(address, async () => {
    const marking = desk.markings.get(address);
    if (marking === undefined) {
      return desk.refuseWith(
        address,
        'unmark',
        'notSupported',
        `The registers of ${address} are not marked.`,
      );
    }
    if (desk.linkLost !== null) return desk.refuse(address, 'unmark', desk.linkLost);
    marking.finish();
    const recovery = desk.armed(address);
    if (recovery !== null && isOpen(recovery.state)) return success('atTheEnd');
    const end = (): Promise<Result<void>> => endMarking(desk, address, 'cancelled');
    const ended = await (recovery === null ? end() : recovery.exclusively(end));
    return ended.ok ? success('putBack') : ended;
  });
