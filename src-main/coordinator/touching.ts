import type { PciAddress } from '../core/pci/address.ts';
import type { DeviceAction } from '../core/recovery/reports.ts';
import { momentText } from '../core/restore/moments.ts';
import { done, success, type Result } from '../core/result.ts';
import { recoveryNumberOf } from '../journal/replay.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Desk } from './desk.ts';
import { recordSnapshot } from './snapshots.ts';

/** What a program does to its device by itself, in the middle of a recovery as well. */
export type Touch =
  | {
      readonly operation: 'writeRegister';
      readonly offset: number;
      readonly width: 1 | 2 | 4;
      readonly value: number;
    }
  | { readonly operation: 'startEngine' }
  | { readonly operation: 'mapBar'; readonly bar: number };

interface Touched {
  readonly run: (session: DeviceSession) => Promise<Result<void>>;
  /** What the audit of a restore has to know of it. */
  readonly detail?: unknown;
}

const touched = (touch: Touch): Touched => {
  switch (touch.operation) {
    case 'writeRegister': {
      const { offset, width, value } = touch;
      const did: readonly DeviceAction[] = [{ kind: 'write', offset, width, value }];
      return { run: (session) => session.writeConfig(offset, width, value), detail: { report: { did } } };
    }
    case 'startEngine':
      return { run: (session) => session.startEngine() };
    case 'mapBar':
      return { run: (session) => session.mapBar(touch.bar), detail: { bar: touch.bar } };
  }
};

const openSession = (desk: Desk, address: PciAddress, wish: string): Result<DeviceSession> => {
  const session = desk.sessions.get(address);
  if (session === undefined) {
    return desk.refuseWith(address, wish, 'sessionClosed', `${address} is not open; arm it first.`);
  }
  const allowed = desk.recordable();
  return allowed.ok ? success(session) : desk.refuse(address, wish, allowed.error);
};

/** Does it, and keeps that it was done: what nobody knows of cannot be told from what the kernel did. */
export const touchDevice = async (desk: Desk, address: PciAddress, touch: Touch): Promise<Result<void>> => {
  const session = openSession(desk, address, touch.operation);
  if (!session.ok) return session;
  const { run, detail } = touched(touch);
  const result = await attempt(touch.operation, () => run(session.value));
  desk.recordOperation(address, touch.operation, result, detail);
  return result;
};

/** Keeps the config space as it is, between the moments at which the bench keeps it anyway. */
export const lookAtDevice = async (desk: Desk, address: PciAddress): Promise<Result<void>> => {
  const session = openSession(desk, address, 'look');
  if (!session.ok) return session;
  const state = desk.state(address);
  const recovery = state === null ? null : recoveryNumberOf(state);
  await recordSnapshot(session.value, desk.recorder, momentText({ kind: 'look' }), recovery);
  return done;
};
