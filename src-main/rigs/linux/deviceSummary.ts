import { isVfioDriver } from '../../core/faults/bindPreflight.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { PciNames } from '../../kernel/sysfs/pciNames.ts';
import type { DeviceSummary } from '../rig.ts';

/** Linux 7.3 leaves the recovery of an open zPCI function to user space; `kernel` is a release, such as `7.3-s390x`. */
const leavesRecoveryToUserSpace = (kernel: string): boolean => {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  return major > 7 || (major === 7 && minor >= 3);
};

/**
 * What a function could be armed with, judged by its driver and the kernel's release alone: vfio-pci-notify has index 5,
 * and index 3 is there for PCI Express functions and, where zPCI recovery is mediated, for every function
 * (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_get_irq_count()). What is really there shows when the device is opened.
 */
export const likelyProtocols = (
  { kind, driver, express, zpci }: PciFunction,
  kernel: string,
): readonly Protocol[] => {
  if (kind === 'bridge' || driver === null || !isVfioDriver(driver)) return [];
  if (zpci !== null && leavesRecoveryToUserSpace(kernel)) return ['mediated'];
  if (!express) return [];
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
