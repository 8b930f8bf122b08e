import type { PciAddress } from '../core/pci/address.ts';
import type { Protocol } from '../core/recovery/phase.ts';
import { checkPolicy, type Policy } from '../core/recovery/policy.ts';
import { kernelStillRecovers } from '../core/recovery/sharedReset.ts';
import { isConcluded, isOpen, type OpenState, type RecoveryState } from '../core/recovery/state.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import { kernelRecoversItself } from '../core/zpci/mediation.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Desk } from './desk.ts';
import { endMarking, loseMarking } from './marking.ts';
import { recordOpening, recordSnapshot } from './snapshots.ts';

const openMessage = (address: PciAddress, { phase }: OpenState): string =>
  `A recovery of ${address} is open (${phase}); end it, or withdraw from it, first.`;

/** What setting up did, and what the driver restores by itself: the audit of a recovery builds upon both. */
const openingDetail = ({ setUp, capabilities: { restores } }: DeviceSession): unknown => ({
  ...setUp,
  restores,
});

/** Like the other four of this file it runs in the device's turn, which `Coordinator` takes. */
export const openDevice = async (desk: Desk, address: PciAddress): Promise<Result<DeviceSession>> => {
  const known = desk.sessions.get(address);
  if (known !== undefined) return success(known);
  const allowed = desk.recordable();
  if (!allowed.ok) return desk.refuse(address, 'open', allowed.error);
  const opened = await attempt('open', () => desk.rig.open(address));
  // Before the line of what setting up wrote: in the journal they stand in the order in which they were.
  if (opened.ok) recordOpening(opened.value, desk.recorder);
  desk.recordOperation(address, 'open', opened, opened.ok ? openingDetail(opened.value) : undefined);
  if (opened.ok) desk.sessions.set(address, opened.value);
  return opened;
};

/** A device that was lost comes back as another one: what is still open of the old one leads nowhere. */
const closeLost = async (desk: Desk, address: PciAddress): Promise<void> => {
  const session = desk.sessions.get(address);
  if (session === undefined || desk.state(address)?.phase !== 'deviceLost') return;
  loseMarking(desk, address, 'deviceVanished');
  desk.sessions.delete(address);
  desk.recordOperation(address, 'close', await attempt('close', () => session.close()));
};

export const armDevice = async (
  desk: Desk,
  address: PciAddress,
  protocol: Protocol,
  policy: Policy,
): Promise<Result<void>> => {
  const checked = checkPolicy(policy);
  if (!checked.ok) return desk.refuse(address, 'arm', checked.error);
  if (desk.armed(address) !== null) {
    return desk.refuseWith(address, 'arm', 'alreadyArmed', `${address} is armed; disarm it first.`);
  }
  await closeLost(desk, address);
  const opened = await openDevice(desk, address);
  if (!opened.ok) return opened;
  const session = opened.value;
  const { capabilities } = session;
  if (!capabilities.protocols.includes(protocol)) {
    const offered = capabilities.protocols.join(', ') || 'none';
    return desk.refuseWith(
      address,
      'arm',
      'protocolUnavailable',
      `${address} on ${desk.rig.info.title} does not offer the ${protocol} protocol; it offers ${offered}.${
        protocol === 'mediated' && desk.rig.info.architecture === 's390x' ? ` ${kernelRecoversItself}` : ''
      }`,
    );
  }
  await desk.devices();
  const started = desk.startFold(session, {
    protocol,
    policy,
    ackTimeout: capabilities.ackTimeout,
    uevents: capabilities.uevents,
    sharers: capabilities.sharers.length,
  });
  if (!started.ok) return desk.refuse(address, 'arm', started.error);
  const onDisk = await desk.recorder.onDisk();
  const armed = onDisk.ok ? await attempt('arm', () => session.arm(protocol)) : onDisk;
  if (!armed.ok) {
    desk.forget(address, armed.error.message);
    return armed;
  }
  await recordSnapshot(session, desk.recorder, 'armed', null);
  await desk.armed(address)?.automatic.tend();
  if (protocol === 'mediated') await lookForEarlierErrors(desk, address, session);
  return done;
};

/**
 * The kernel queues the errors of an open function whether an eventfd is registered or not, so there may be some that no
 * signal will speak of. A queue that cannot be read is found out at the next signal.
 */
const lookForEarlierErrors = async (
  desk: Desk,
  address: PciAddress,
  session: DeviceSession,
): Promise<void> => {
  const result = await attempt('drainErrors', () => session.drainErrors());
  const state = desk.state(address);
  if (!result.ok || result.value.length === 0 || state === null) return;
  const recovery = state.phase === 'armed' ? state.recoveries + 1 : state.recovery.number;
  await desk.armed(address)?.dispatch({ kind: 'drained', at: desk.rig.clock.now(), recovery, result });
};

/** A new fold knows nothing of what the old one still expected; where that would be mistaken for an error, it waits. */
const policyRefusal = (address: PciAddress, state: RecoveryState): BenchError | null => {
  if (isOpen(state)) return failure('recoveryOpen', openMessage(address, state)).error;
  const expecting =
    state.loopbacksExpected > 0 ||
    (state.phase === 'armed' && state.check !== null) ||
    (isConcluded(state) && kernelStillRecovers(state));
  return expecting
    ? failure(
        'stepUnderWay',
        `A signal of ${address} is still to come or being looked up; set the policy when that has ended.`,
      ).error
    : null;
};

/** In the journal this is another arming: recoveries are counted from 1 again. */
export const changePolicy = (desk: Desk, address: PciAddress, policy: Policy): Promise<Result<void>> => {
  const refuse = (error: BenchError): Result<void> => desk.refuse(address, 'setPolicy', error);
  const checked = checkPolicy(policy);
  if (!checked.ok) return Promise.resolve(refuse(checked.error));
  const recovery = desk.armed(address);
  if (recovery === null) {
    return Promise.resolve(refuse(failure('notArmed', `${address} is not armed.`).error));
  }
  const refusal = policyRefusal(address, recovery.state);
  if (refusal !== null) return Promise.resolve(refuse(refusal));
  // What was handed down cannot be taken back now, and would act by the old policy.
  if (desk.linkLost !== null) return Promise.resolve(refuse(desk.linkLost));
  // Look-ups of the recovery that ended last may still be under way, and their finds are the old fold's.
  return recovery.exclusively(async () => {
    if (desk.armed(address) !== recovery) {
      return refuse(failure('notArmed', `${address} is not armed any more.`).error);
    }
    const late = policyRefusal(address, recovery.state);
    if (late !== null) return refuse(late);
    // What stands acts by the policy that it was handed down with.
    await recovery.automatic.takeBack();
    const signalled = policyRefusal(address, recovery.state);
    if (signalled !== null) {
      await recovery.automatic.renew();
      return refuse(signalled);
    }
    const { session, automatic } = recovery;
    const started = desk.startFold(session, { ...recovery.state.arming, policy }, automatic.lastHeard);
    const onDisk = started.ok ? await desk.recorder.onDisk() : started;
    if (!onDisk.ok) return refuse(onDisk.error);
    await desk.armed(address)?.automatic.tend();
    return done;
  });
};

export const disarmDevice = async (desk: Desk, address: PciAddress): Promise<Result<void>> => {
  const recovery = desk.armed(address);
  if (recovery === null) {
    return desk.refuseWith(address, 'disarm', 'notArmed', `${address} is not armed.`);
  }
  if (isOpen(recovery.state)) {
    return desk.refuseWith(address, 'disarm', 'recoveryOpen', openMessage(address, recovery.state));
  }
  const allowed = desk.recordable();
  if (!allowed.ok) return desk.refuse(address, 'disarm', allowed.error);
  const { session, automatic } = recovery;
  const disarmed = await attempt('disarm', () => session.disarm(automatic.lastHeard));
  if (!disarmed.ok) void automatic.renew();
  if (!disarmed.ok) return desk.refuse(address, 'disarm', disarmed.error);
  await endMarking(desk, address, 'disarmed');
  if (desk.recoveries.get(address) !== recovery) return done;
  desk.forget(
    address,
    isOpen(recovery.state)
      ? 'asked for; an error was signalled meanwhile, and the kernel waits it out'
      : 'asked for',
  );
  return done;
};

/** In the middle of a recovery that is what a crash would be; the model says what it means. Needs no journal. */
export const closeDevice = async (desk: Desk, address: PciAddress): Promise<Result<void>> => {
  const session = desk.sessions.get(address);
  if (session === undefined) {
    return desk.refuseWith(address, 'close', 'sessionClosed', `${address} is not open.`);
  }
  // It may have been closed over there, or be in the kernel's hands: nothing is concluded from a wish.
  if (desk.linkLost !== null) return desk.refuse(address, 'close', desk.linkLost);
  const recovery = desk.armed(address);
  if (recovery !== null) {
    const idle = !isOpen(recovery.state);
    await recovery.dispatch({ kind: 'closed', at: desk.rig.clock.now() });
    if (idle && desk.recoveries.get(address) === recovery) desk.forget(address, 'the device was closed');
  }
  // It may have vanished, and have been closed for that, while the last snapshot was taken.
  if (desk.sessions.get(address) !== session) return done;
  await endMarking(desk, address, 'closed');
  if (desk.sessions.get(address) !== session) return done;
  desk.sessions.delete(address);
  const closed = await attempt('close', () => session.close());
  desk.recordOperation(address, 'close', closed);
  return closed;
};
