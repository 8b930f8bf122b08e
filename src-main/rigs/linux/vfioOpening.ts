import type { PciAddress } from '../../core/pci/address.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import type { ResetKind } from '../../core/recovery/reports.ts';
import type { Result } from '../../core/result.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { RigEvent } from '../rig.ts';
import type { UserSpaceDriver, VfioDevice } from '../session/vfioDevice.ts';
import type { BadDma } from './badDma.ts';

/** A device that was opened through VFIO, and what the kernel answered when it was asked what it can do. */
export interface OpenedVfioDevice {
  readonly device: VfioDevice;
  readonly driver: UserSpaceDriver | null;
  /** Null where the bench cannot make the device do a DMA that is reported. */
  readonly badDma: BadDma | null;
  /** The best first. */
  readonly protocols: readonly Protocol[];
  readonly resetKinds: readonly ResetKind[];
}

export interface VfioOpening {
  readonly function: PciFunction;
  /** The config space past VFIO. */
  readonly readHardwareConfig: (address: PciAddress) => Promise<Result<Uint8Array>>;
  /** Signals and release requests of the device. */
  readonly emit: (event: RigEvent) => void;
}

/** How the rig opens a device; refusals carry the errno. */
export type OpenVfioDevice = (opening: VfioOpening) => Promise<Result<OpenedVfioDevice>>;
