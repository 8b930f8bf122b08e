import type { PlatformOffer } from '../core/faults/platformPreflight.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import type { Result } from '../core/result.ts';
import type { PlatformAction } from '../core/zpci/platformActions.ts';

export interface PlatformReport {
  readonly action: PlatformAction;
  /** How long the kernel took. */
  readonly took: Microseconds;
  /** Whether the function is on the bus afterwards. */
  readonly present: boolean;
}

/** A rig whose platform can do things to a function that VFIO knows nothing of. */
export interface PlatformRig {
  /** Every action, with why it would be refused now. Also of a device that is known and not on the bus. */
  platformOffers(address: PciAddress): Promise<Result<readonly PlatformOffer[]>>;
  /** Blocks as the kernel does; one that is refused changes nothing. */
  platformAct(address: PciAddress, action: PlatformAction): Promise<Result<PlatformReport>>;
}

export const isPlatformRig = <Rig extends object>(rig: Rig): rig is Rig & PlatformRig =>
  'platformOffers' in rig && 'platformAct' in rig;
