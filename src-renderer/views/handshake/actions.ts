import type { DeviceView } from '../../../preload/contract/views.ts';
import { missingCase } from '../../../src-main/core/exhaustive.ts';
import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import { refusalOf } from '../../../src-main/core/recovery/refusal.ts';
import type { ResetKind } from '../../../src-main/core/recovery/reports.ts';
import { isOpen, openDecision, openWait, type RecoveryState } from '../../../src-main/core/recovery/state.ts';

export const actions = [
  'inject',
  'quiesce',
  'acknowledge',
  'withdraw',
  'reset',
  'reinitialise',
  'prove',
] as const;
export type Action = (typeof actions)[number];

/** The names that the screen, its tests and its readers go by. */
export const actionNames: Readonly<Record<Action, string>> = {
  inject: 'Inject fault',
  quiesce: 'Quiesce',
  acknowledge: 'Acknowledge',
  withdraw: 'Withdraw',
  reset: 'Reset',
  reinitialise: 'Reinitialise',
  prove: 'Prove',
};

export interface Ground {
  readonly device: DeviceView | null;
  readonly address: string;
  /** Null when the device is not armed and was not. */
  readonly state: RecoveryState | null;
  /** Whether the bench holds the device open, armed or not. */
  readonly open: boolean;
  readonly resetKinds: readonly ResetKind[];
  /** Why this viewer cannot act, or the rig cannot be used; null when neither. */
  readonly standing: string | null;
  readonly now: Microseconds;
}

const nobody = { operator: '', reason: '', by: 'person' } as const;

const eventOf = (
  action: 'quiesce' | 'acknowledge' | 'withdraw' | 'reset' | 'reinitialise',
  at: Microseconds,
  resetKind: ResetKind,
): RecoveryEvent => {
  switch (action) {
    case 'quiesce':
      return { kind: 'quiesceRequested', at };
    case 'acknowledge':
      return { kind: 'acknowledgeRequested', at, approval: nobody };
    case 'withdraw':
      return { kind: 'withdrawRequested', at, approval: nobody };
    case 'reset':
      return { kind: 'resetRequested', at, resetKind, approval: nobody };
    case 'reinitialise':
      return { kind: 'reinitialiseRequested', at };
    default:
      return missingCase(action);
  }
};

const notArmed: Readonly<Record<Exclude<Action, 'inject'>, string>> = {
  quiesce: 'The device is not armed, so the bench does not hold it open; arm it first.',
  acknowledge: 'The device is not armed: nobody waits for an ack.',
  withdraw: 'The device is not armed: there is nothing to withdraw from.',
  reset: 'The device is not armed, so the bench does not hold it open; arm it first.',
  reinitialise: 'The device is not armed, so the bench does not hold it open; arm it first.',
  prove: 'The device is not armed, so the bench does not hold it open; arm it first.',
};

/** What needs an open device and no arming. The bench knows which resets that device has. */
const maintenance: ReadonlySet<Action> = new Set(['quiesce', 'reset', 'reinitialise', 'prove']);

const injectReason = ({ device }: Ground): string | null =>
  device?.kind === 'bridge' ? 'This is a bridge: a fault there takes down everything below it.' : null;

/** Why this cannot be done now, in a sentence; null when it can. The rules are the core's, so is the last word. */
export const reasonAgainst = (action: Action, ground: Ground): string | null => {
  const { device, address, state, standing, now, resetKinds } = ground;
  if (device === null) return `${address} is not on the bus any more.`;
  if (standing !== null) return standing;
  if (action === 'inject') return injectReason(ground);
  if (state === null) return ground.open && maintenance.has(action) ? null : notArmed[action];
  if (state.phase === 'deviceLost') return 'The device was lost; arm it again once it is back.';
  if (action === 'prove') {
    return isOpen(state) ? `A recovery is open (${state.phase}); in it the proof follows by itself.` : null;
  }
  if (action === 'reset' && resetKinds.length === 0) return 'The kernel offers no reset for this device.';
  return refusalOf(state, eventOf(action, now, resetKinds[0] ?? 'device'))?.message ?? null;
};

/** What a person most likely wants next; emphasised. */
export const mainAction = (state: RecoveryState | null): Action | null => {
  if (state === null) return null;
  if (state.phase === 'armed') return 'inject';
  if (openWait(state) !== null) return 'acknowledge';
  if (openDecision(state) === 'reset') return 'reset';
  if (state.phase === 'slotReset' && state.reinitialiseAt === null) return 'reinitialise';
  return null;
};

/** One line beside the buttons: why most of them are not for now. */
export const barNote = (state: RecoveryState | null, standing: string | null): string => {
  if (standing !== null) return standing;
  if (state === null) return 'Arm the device to hear of its errors';
  if (!isOpen(state)) return '';
  if (openWait(state) !== null) return 'Reset and Reinitialise wait for the end of the kernel’s wait';
  if (openDecision(state) === 'reset') return 'The device is quiet: the reset is yours to decide';
  return 'This goes on by itself';
};
