import type { DeviceView } from '../../preload/contract/views.ts';
import type { Recovery, RecoveryState } from '../../src-main/core/recovery/state.ts';
import { isConcluded } from '../../src-main/core/recovery/state.ts';
import type { ArmedDevice } from '../stores/fold.ts';

/** What a card is about, as it is now. */
export interface CardTarget {
  readonly rig: string;
  readonly address: string;
  /** Null once the device has vanished. */
  readonly device: DeviceView | null;
  readonly armed: ArmedDevice | null;
  /** Whether the bench holds it open, armed or not. */
  readonly open: boolean;
  /** Why this viewer cannot act, or the rig cannot be used. */
  readonly standing: string | null;
}

export const recoveryOf = (state: RecoveryState | null): Recovery | null =>
  state === null || state.phase === 'armed' ? null : state.recovery;

/** Tells one recovery from another, also of another arming. */
export const recoveryKey = (state: RecoveryState | null): string => {
  const recovery = recoveryOf(state);
  return recovery === null ? '' : `${recovery.number} ${recovery.openedAt}`;
};

/**
 * Why a decision about the recovery that the card was opened for has become pointless, in a sentence; null while it has
 * not. `opened` is the key of that recovery.
 */
export const whyEnded = ({ address, device, armed }: CardTarget, opened: string): string | null => {
  const state = armed?.state ?? null;
  if (device === null || state?.phase === 'deviceLost')
    return `${address} has vanished; there is nothing left to decide.`;
  if (opened === '') return null;
  if (state === null) return `${address} is not armed any more.`;
  if (recoveryKey(state) !== opened) {
    return 'The recovery that this card was opened for is over; this is another one. Go back and look at it.';
  }
  return isConcluded(state) ? `The wait is over: the recovery ended as ${state.phase}.` : null;
};
