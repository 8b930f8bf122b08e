import { isVfioDriver } from '../../core/faults/bindPreflight.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { PciNames } from '../../kernel/sysfs/pciNames.ts';
import type { DeviceSummary } from '../rig.ts';

/**
 * What a function could be armed with, judged by its driver alone: vfio-pci-notify has index 5, and index 3 is there for
 * PCI Express functions (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_get_irq_count()). A patched vfio-pci has more, which
 * shows when the device is opened.
 */
export const likelyProtocols = ({ kind, driver, express }: PciFunction): readonly Protocol[] => {
  if (kind === 'bridge' || driver === null || !isVfioDriver(driver) || !express) return [];
  return driver === 'vfio-pci-notify' ? ['notify', 'legacy'] : ['legacy'];
};

export const summaryOf = (
  found: PciFunction,
  names: PciNames,
  protocols: readonly Protocol[],
): DeviceSummary => {
  const { zpci } = found;
  return {
    address: found.address,
    name: names.nameOf(found),
    kind: found.kind,
    className: names.className(found.classCode),
    vendorId: found.vendorId,
    deviceId: found.deviceId,
    parent: found.ports[0] ?? null,
    driver: found.driver,
    iommuGroup: found.iommuGroup,
    protocols,
    aerCounters: found.aerCounters,
    ...(zpci === null ? {} : { zpci }),
  };
};

/** Everything below the same port goes through the same recovery and the same reset. */
export const sharersOf = (found: PciFunction, all: readonly PciFunction[]): readonly PciFunction[] => {
  const [port] = found.ports;
  if (port === undefined || found.kind === 'bridge') return [];
  return all.filter((other) => other.address !== found.address && other.ports.includes(port));
};
