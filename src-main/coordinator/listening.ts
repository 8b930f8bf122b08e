import { missingCase } from '../core/exhaustive.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { isOpen } from '../core/recovery/state.ts';
import type { Disposer, RigEvent } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Desk } from './desk.ts';
import type { DeviceRecovery } from './deviceRecovery.ts';
import { loseMarking } from './marking.ts';

type EventOf<Kind extends RigEvent['kind']> = Extract<RigEvent, { kind: Kind }>;

/** Kernels before 6.17 announce a failed recovery at the port only; it concerns every device below. */
const concernedBy = (desk: Desk, event: EventOf<'uevent'>): readonly DeviceRecovery[] => {
  const own = desk.recoveries.get(event.address);
  if (own !== undefined) return [own];
  if (event.uevent !== 'failedRecovery') return [];
  return [...desk.recoveries]
    .filter(([address]) => desk.isBelow(address, event.address))
    .map(([, recovery]) => recovery);
};

const signalled = (desk: Desk, event: EventOf<'signal'>): void => {
  const { address, protocol, count, at, number, answered } = event;
  const recovery = desk.armed(address);
  if (recovery?.state.arming.protocol === protocol) {
    recovery.automatic.heard(number);
    void recovery.dispatch({ kind: 'signal', at, count, ...(answered === null ? {} : { answered }) });
  }
  // Read just before the eventfd was removed, or meant for another bench on this rig: nobody here may answer it.
  else desk.note(address, `The eventfd of ${protocol} was signalled (${count}), and is not armed here.`);
};

const answered = (desk: Desk, { address, at, number, answered: report }: EventOf<'answered'>): void => {
  const recovery = desk.armed(address);
  recovery?.automatic.heard(number);
  if (recovery === null)
    desk.note(address, 'An answer that was handed down was given, and is not armed here.');
  else void recovery.dispatch({ kind: 'answered', at, answered: report });
};

const removed = async (desk: Desk, event: EventOf<'deviceRemoved'>): Promise<void> => {
  const { address, at } = event;
  const recovery = desk.armed(address);
  if (recovery !== null) {
    const idle = !isOpen(recovery.state);
    void recovery.dispatch({ kind: 'deviceRemoved', at });
    if (idle) desk.forget(address, 'the device vanished from the bus');
  }
  // Letting go is what the kernel waits for before it can take the device away, so it waits for no effect here.
  const session = desk.sessions.get(address);
  loseMarking(desk, address, 'deviceVanished');
  desk.sessions.delete(address);
  if (session !== undefined) {
    desk.recordOperation(address, 'close', await attempt('close', () => session.close()));
  }
};

/** A device that the far end has let go of was closed there: what that means for its recovery, the model says. */
const closedFarAway = (desk: Desk, address: PciAddress, at: Microseconds): void => {
  const recovery = desk.armed(address);
  loseMarking(desk, address, 'closed');
  desk.sessions.delete(address);
  desk.note(address, 'The far end has closed the device, or has ended.');
  if (recovery === null) return;
  const idle = !isOpen(recovery.state);
  void recovery.dispatch({ kind: 'closed', at });
  if (idle) desk.forget(address, 'the far end has closed the device');
};

const restored = (desk: Desk, { at, dropped, closed }: EventOf<'linkRestored'>): void => {
  const missing = dropped === 0 ? '' : ` ${dropped} events were lost; what they said is not known.`;
  desk.restoreLink();
  desk.note(null, `The link to the rig is back.${missing}`);
  for (const address of closed) closedFarAway(desk, address, at);
};

/** What the kernel does to a port it does to every open device below. */
const traced = (desk: Desk, { at, address, told }: EventOf<'kernelTrace'>): void => {
  const below = [...desk.sessions.keys()].filter((one) => address !== null && desk.isBelow(one, address));
  for (const device of below.length === 0 ? [address] : below) {
    desk.recorder.record({ type: 'kernelTrace', device, happened: at, subject: address, told });
  }
};

const hear = (desk: Desk, event: RigEvent): void => {
  switch (event.kind) {
    case 'signal':
      return signalled(desk, event);
    case 'answered':
      return answered(desk, event);
    case 'uevent':
      desk.recorder.record({ type: 'uevent', device: event.address, uevent: event.uevent });
      for (const recovery of concernedBy(desk, event)) {
        void recovery.dispatch({ kind: 'uevent', at: event.at, uevent: event.uevent });
      }
      return;
    case 'kernelLog':
      return desk.note(event.address, event.text);
    case 'kernelTrace':
      return traced(desk, event);
    case 'deviceRemoved':
      void removed(desk, event);
      return;
    case 'deviceAdded':
      return desk.note(event.address, 'The device appeared on the bus.');
    case 'releaseRequested':
      return desk.note(
        event.address,
        'The kernel asks user space to release the device (REQ, index 4); "close" lets it go on.',
      );
    case 'linkLost':
      desk.loseLink(event.reason);
      return desk.note(null, `The link to the rig is lost: ${event.reason}. All phases are unknown.`);
    case 'linkRestored':
      return restored(desk, event);
    default:
      return missingCase(event);
  }
};

/** Hands what the rig tells to the recoveries it concerns. */
export const listen = (desk: Desk): Disposer => desk.rig.onEvent((event) => hear(desk, event));
