import type { PciAddress } from '../core/pci/address.ts';
import { isOpen } from '../core/recovery/state.ts';
import { success, type Result } from '../core/result.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Desk } from './desk.ts';

/** What the rig is asked for, and what beside its report goes into the line. */
export interface Work<Report> {
  readonly operation: 'quiesce' | 'reset' | 'reinitialise' | 'prove';
  readonly detail?: Readonly<Record<string, unknown>>;
  run(session: DeviceSession): Promise<Result<Report>>;
}

const carryOut = async <Report>(
  desk: Desk,
  address: PciAddress,
  { operation, detail, run }: Work<Report>,
): Promise<Result<Report>> => {
  const session = desk.sessions.get(address);
  if (session === undefined) {
    return desk.refuseWith(address, operation, 'sessionClosed', `${address} is not open; arm it first.`);
  }
  const state = desk.state(address);
  if (state !== null && isOpen(state)) {
    const message = `A recovery of ${address} is open (${state.phase}); "${operation}" has its own place in it.`;
    return desk.refuseWith(address, operation, 'recoveryOpen', message);
  }
  const allowed = desk.recordable();
  if (!allowed.ok) return desk.refuse(address, operation, allowed.error);
  const report = await attempt(operation, () => run(session));
  await desk.armed(address)?.automatic.renew();
  desk.recordOperation(address, operation, report, {
    ...detail,
    ...(report.ok ? { report: report.value } : {}),
  });
  return report;
};

/** Something done to an open device while no recovery of it is open, and never beside an effect of one. */
export const maintain = <Report>(
  desk: Desk,
  address: PciAddress,
  work: Work<Report>,
): Promise<Result<Report>> =>
  desk.turns.take(address, () => {
    const recovery = desk.recoveries.get(address);
    const run = () => carryOut(desk, address, work);
    // While a recovery is open the answer is known and need not wait for the recovery's effects.
    return recovery === undefined || isOpen(recovery.state) ? run() : recovery.exclusively(run);
  });

/** A report that says itself what of it failed. */
export const reported = async <Report>(report: Promise<Report>): Promise<Result<Report>> =>
  success(await report);
