import type { PciAddress } from '../pci/address.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { BenchError } from '../result.ts';

/** A way to cause a fault. */
export const injectorNames = ['loopback', 'aerInject', 'qemuMonitor', 'badDma', 'simulated'] as const;
export type InjectorName = (typeof injectorNames)[number];

/** What goes wrong, in the terms of the platform that reports it. */
export type Fault =
  | {
      readonly kind: 'aer';
      /** A name of core/pci/aer, such as MALF_TLP. */
      readonly error: string;
      /** What the AER Severity register is set to for this error; null leaves it as it is. */
      readonly severity: 'correctable' | 'nonFatal' | 'fatal' | null;
    }
  /** s390x: a DMA that zPCI refuses. `unmapped` is inside the aperture (PEC 4), `belowAperture` below it (PEC 2). */
  | { readonly kind: 'zpciDma'; readonly where: 'unmapped' | 'belowAperture' | 'aboveAperture' }
  /** powerpc: the PE freezes. */
  | { readonly kind: 'eehFreeze' }
  /** The eventfd is triggered and nothing else happens. */
  | { readonly kind: 'loopback' }
  /** The device is pulled. */
  | { readonly kind: 'unplug' };

export interface FaultRequest {
  readonly address: PciAddress;
  readonly injector: InjectorName;
  readonly fault: Fault;
}

/** "OK" of an injector does not mean delivered; the receipt says where the error got to. */
export interface FaultReceipt {
  readonly at: Microseconds;
  readonly injector: InjectorName;
  readonly fault: Fault;
  readonly delivery:
    | { readonly kind: 'reported'; readonly detail: string }
    | {
        readonly kind: 'lost';
        readonly where: 'masked' | 'deviceControl' | 'serr' | 'platform';
        readonly detail: string;
      };
}

/** What an injector can do for one device, or why it cannot. */
export interface InjectorOffer {
  readonly injector: InjectorName;
  readonly faults: readonly Fault['kind'][];
  readonly refusal: BenchError | null;
}

/** What the host does with a function. `rootFilesystem`: harming it takes the host down. `networkLink`: its only one. */
export const hostUses = ['free', 'rootFilesystem', 'mountedDisk', 'networkLink'] as const;
export type HostUse = (typeof hostUses)[number];

/** What a rig knows of a device that is about to be harmed; the rules are in `preflight.ts`. */
export interface FaultTarget {
  readonly address: PciAddress;
  readonly kind: 'endpoint' | 'bridge';
  readonly link: 'up' | 'frozen' | 'removed';
  readonly use: HostUse;
  /** What that is called on the host: "/home on nvme0n1p2", "eth0". */
  readonly usedAs?: string;
  /** Other functions that the reset of this one's slot would hit. */
  readonly siblings: readonly {
    readonly address: PciAddress;
    readonly driver: string | null;
    readonly use: HostUse;
    readonly usedAs?: string;
    readonly owner: 'vfio' | 'host' | 'nobody';
  }[];
  /** The AER mask registers, null where there is no AER capability. */
  readonly aer: { readonly uncorrectableMask: number; readonly correctableMask: number } | null;
}
