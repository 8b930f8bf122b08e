import { attempt } from '../../coordinator/attempt.ts';
import type { PlatformOffer } from '../../core/faults/platformPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { failure, type BenchError, type Result } from '../../core/result.ts';
import { platformWords, type PlatformAction } from '../../core/zpci/platformActions.ts';
import { isPlatformRig } from '../../rigs/platformRig.ts';
import type { HeldRig } from '../heldRig.ts';
import type { HandlersOf } from './handler.ts';
import { spendToken } from './tokens.ts';

const noPlatform = (held: HeldRig): Result<never> =>
  failure('notSupported', `${held.rig.info.title} has no platform that could act on a function.`);

const offersOf = async (held: HeldRig, device: PciAddress): Promise<Result<readonly PlatformOffer[]>> => {
  const { rig } = held;
  if (!isPlatformRig(rig)) return noPlatform(held);
  return attempt('platformOffers', () => rig.platformOffers(device));
};

/** Why the action would be refused now; while none was chosen, why each would be. */
export const platformVerdict = async (
  held: HeldRig,
  device: PciAddress,
  action: PlatformAction | null,
): Promise<BenchError | null> => {
  const offers = await offersOf(held, device);
  if (!offers.ok) return offers.error;
  if (action !== null) return offers.value.find((offer) => offer.action === action)?.refusal ?? null;
  const possible = offers.value.some(({ refusal }) => refusal === null);
  return possible ? null : (offers.value[0]?.refusal ?? null);
};

export const platformConsequence = (action: PlatformAction | null): string =>
  action === null
    ? 'The platform acts on the function, past VFIO and its driver.'
    : platformWords[action].consequence;

export const platformCommands: HandlersOf<'platformOffers' | 'platformAct'> = {
  platformOffers: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? offersOf(held.value, device) : held;
  },

  platformAct: async ({ rig, device, token, operator, reason, action }, { bench, caller }) => {
    const found = bench.device(rig, device);
    if (!found.ok) return found;
    const held = found.value;
    const confirmed = spendToken(bench, caller, held, { token, action: 'platform', device });
    if (!confirmed.ok) return confirmed;
    const refusal = await platformVerdict(held, device, action);
    if (refusal !== null) return held.refuse(device, action, refusal);
    const target = held.rig;
    if (!isPlatformRig(target)) return noPlatform(held);
    const text = `${operator} asks the platform for "${platformWords[action].title}": ${reason}`;
    const noted = held.recorder.record({ type: 'kernelLog', device, text }, 'durable');
    if (!noted.ok) return noted;
    const acted = await held.operate(device, action, { operator, reason }, () =>
      target.platformAct(device, action),
    );
    await held.devices.refresh();
    return acted;
  },
};
