import type { PlatformOffer } from '../core/faults/platformPreflight.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Result } from '../core/result.ts';
import type { PlatformAction, PlatformReport } from '../core/zpci/platformActions.ts';

/** A rig whose platform can do things to a function that VFIO knows nothing of. */
export interface PlatformRig {
  /** Every action, with why it would be refused now. Also of a device that is known and not on the bus. */
  platformOffers(address: PciAddress): Promise<Result<readonly PlatformOffer[]>>;
  /** Blocks as the kernel does; one that is refused changes nothing. */
  platformAct(address: PciAddress, action: PlatformAction): Promise<Result<PlatformReport>>;
}

export const isPlatformRig = <Rig extends object>(rig: Rig): rig is Rig & PlatformRig =>
  'platformOffers' in rig && 'platformAct' in rig;
