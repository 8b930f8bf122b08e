import { milliseconds, seconds, type Microseconds } from '../../core/recovery/phase.ts';
import { readNumber, type HostTree } from '../../kernel/sysfs/hostTree.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { DeviceCapabilities } from '../rig.ts';
import type { OpenedVfioDevice } from './vfioOpening.ts';

/** The wait of the patch (Keith Busch, 2026-06-09); the module vfio-pci-notify has it as a parameter. */
const usualAckTimeout = seconds(60);

export const readAckTimeout = async (tree: HostTree, driver: string | null): Promise<Microseconds> => {
  if (driver !== 'vfio-pci-notify') return usualAckTimeout;
  const parameter = await readNumber(tree.sys, 'module/vfio_pci_notify/parameters/ack_timeout_ms');
  return parameter === null || parameter <= 0 ? usualAckTimeout : milliseconds(parameter);
};

export const capabilitiesOf = async (
  tree: HostTree,
  found: PciFunction,
  { protocols, resetKinds }: Pick<OpenedVfioDevice, 'protocols' | 'resetKinds'>,
  known: {
    readonly sharers: readonly PciFunction[];
    readonly uevents: DeviceCapabilities['uevents'];
  },
): Promise<DeviceCapabilities> => ({
  protocols,
  ackTimeout: await readAckTimeout(tree, found.driver),
  uevents: known.uevents,
  sharers: known.sharers.map(({ address }) => address),
  resetKinds,
});
