import type { ConfirmedAction } from '../../../preload/contract/views.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { Result } from '../../core/result.ts';
import type { Bench } from '../bench.ts';
import type { Caller } from '../caller.ts';
import type { Purpose } from '../confirmations.ts';
import type { HeldRig } from '../heldRig.ts';

/** Recoveries are counted anew with each arming, so the moment of the opening belongs to the name of one. */
const recoveryKey = (held: HeldRig, device: PciAddress): string => {
  const state = held.coordinator.state(device);
  return state === null || state.phase === 'armed'
    ? 'none'
    : `${state.recovery.number} of ${state.recovery.openedAt}`;
};

export const purposeOf = (
  caller: Caller,
  held: HeldRig,
  action: ConfirmedAction,
  device: PciAddress,
): Purpose => ({
  seat: caller.seat,
  action,
  rig: held.id,
  device,
  recovery: recoveryKey(held, device),
});

/** Uses up the token of a card, if it was made for exactly this. */
export const spendToken = (
  bench: Bench,
  caller: Caller,
  held: HeldRig,
  asked: { readonly token: string; readonly action: ConfirmedAction; readonly device: PciAddress },
): Result<void> =>
  bench.confirmations.spend(asked.token, purposeOf(caller, held, asked.action, asked.device));
