import type { PciAddress } from '../../../core/pci/address.ts';
import type { Fid, Uid } from '../../../core/pci/zpci-identity.ts';
import type { TemplateName } from './templates.ts';

/** Who holds a function when the rig starts. `rootFilesystem`: taking it away would take the host down. */
export type InitialDriver =
  | { readonly kind: 'vfio-pci' }
  | { readonly kind: 'vfio-pci-notify' }
  | { readonly kind: 'none' }
  | { readonly kind: 'host'; readonly name: string; readonly use: 'free' | 'rootFilesystem' };

/** What the platform adds to a function besides its address. */
export type PlatformIdentity =
  | { readonly kind: 'pci' }
  | { readonly kind: 'zpci'; readonly uid: Uid; readonly fid: Fid }
  /** The partitionable endpoint the function belongs to: what freezes and is reset as one. */
  | { readonly kind: 'eeh'; readonly partition: number };

export interface TopologyFunction {
  readonly address: PciAddress;
  readonly template: TemplateName;
  /** The port above; null on a root bus, and for every function on s390x, where no bridge is shown. */
  readonly parent: PciAddress | null;
  readonly iommuGroup: number;
  /** Physical slot name as /sys/bus/pci/slots has it; null where none. */
  readonly slot: string | null;
  readonly driver: InitialDriver;
  readonly identity: PlatformIdentity;
}

/** A rig as data: parents stand before what is below them. */
export interface Topology {
  readonly name: string;
  readonly title: string;
  readonly platform: 'aer' | 'zpci' | 'eeh';
  readonly functions: readonly TopologyFunction[];
}
