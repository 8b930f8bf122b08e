import { preflight } from '../core/faults/preflight.ts';
import type { Fault, FaultReceipt, InjectorName } from '../core/faults/fault.ts';
import type { PciAddress } from '../core/pci/address.ts';
import { isOpen, openWait } from '../core/recovery/state.ts';
import { momentText } from '../core/restore/moments.ts';
import type { BenchError, Result } from '../core/result.ts';
import { attempt } from './attempt.ts';
import type { Desk } from './desk.ts';
import { recordSnapshot } from './snapshots.ts';

/** What the device held before it was harmed. In a recovery the reading would be of a device in error, and cost time. */
const keepBefore = async (desk: Desk, address: PciAddress): Promise<void> => {
  const session = desk.sessions.get(address);
  const state = desk.state(address);
  if (session === undefined || (state !== null && isOpen(state))) return;
  await recordSnapshot(session, desk.recorder, momentText({ kind: 'beforeFault' }), null);
};

/** Causes a fault, unless a pre-flight rule speaks against it. The line that announces it comes first. */
export const injectFault = async (
  desk: Desk,
  address: PciAddress,
  fault: Fault,
  injector: InjectorName,
): Promise<Result<FaultReceipt>> => {
  const target = await attempt('faultTarget', () => desk.rig.faultTarget(address));
  if (!target.ok) return desk.refuse(address, 'inject', target.error);
  const request = { address, injector, fault };
  const refusal = (): BenchError | null => {
    const state = desk.state(address);
    const wait = state !== null && openWait(state) !== null ? 'waitOpen' : 'noWait';
    return preflight(request, target.value, wait);
  };
  const early = refusal();
  if (early !== null) return desk.refuse(address, 'inject', early);
  await keepBefore(desk, address);
  const announced = desk.recorder.record(
    { type: 'fault', device: address, request, receipt: null },
    'durable',
  );
  if (!announced.ok) return desk.refuse(address, 'inject', announced.error);
  const onDisk = await desk.recorder.onDisk();
  if (!onDisk.ok) return desk.refuse(address, 'inject', onDisk.error);
  // An error may have been signalled while the disk was waited for.
  const late = refusal();
  if (late !== null) return desk.refuse(address, 'inject', late);
  const armed = fault.kind === 'loopback' ? desk.armed(address) : null;
  if (armed !== null) {
    // Told before it is triggered: the signal may be read before the answer of the trigger is back.
    const told = await armed.dispatch({ kind: 'loopbackTriggered', at: desk.rig.clock.now(), count: 1 });
    if (!told.ok) return desk.refuse(address, 'inject', told.error);
  }
  const receipt = await attempt('inject', () => desk.rig.inject(request));
  if (!receipt.ok) {
    // No loop-back will come; a fold that waits for one would take the next error for it.
    if (armed !== null && desk.armed(address) === armed && !isOpen(armed.state)) {
      desk.startFold(armed.session, armed.state.arming, armed.automatic.lastHeard);
      void desk.armed(address)?.automatic.tend();
    }
    return desk.refuse(address, 'inject', receipt.error);
  }
  desk.recorder.record({ type: 'fault', device: address, request, receipt: receipt.value });
  return receipt;
};
