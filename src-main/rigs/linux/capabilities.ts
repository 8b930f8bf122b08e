import { milliseconds, seconds, type Microseconds, type Protocol } from '../../core/recovery/phase.ts';
import type { RestorePolicy } from '../../core/restore/history.ts';
import { readNumber, readText, type HostTree } from '../../kernel/sysfs/hostTree.ts';
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

/**
 * A stock vfio-pci restores nothing in slot_reset (drivers/vfio/pci/vfio_pci_core.c); one that offers index 5 is patched, and
 * how it restores it does not say. The module vfio-pci-notify has it as a parameter. Other variant drivers, and platforms
 * without AER, are not known.
 */
export const readRestorePolicy = async (
  tree: HostTree,
  { driver, zpci }: Pick<PciFunction, 'driver' | 'zpci'>,
  protocols: readonly Protocol[],
): Promise<RestorePolicy> => {
  if (zpci !== null) return 'unknown';
  if (driver === 'vfio-pci') return protocols.includes('notify') ? 'unknown' : 'nothing';
  if (driver !== 'vfio-pci-notify') return 'unknown';
  const parameter = await readText(tree.sys, 'module/vfio_pci_notify/parameters/restore_snapshot');
  if (parameter === 'Y') return 'openSnapshot';
  return parameter === 'N' ? 'nothing' : 'unknown';
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
  restores: await readRestorePolicy(tree, found, protocols),
});
