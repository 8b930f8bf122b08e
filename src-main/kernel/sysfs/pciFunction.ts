import { basename, dirname, join } from 'node:path';
import type { AerCounters } from '../../core/faults/delivery.ts';
import { compareAddresses, parsePciAddress } from '../../core/pci/address.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { ZpciFunction } from '../../core/zpci/zpciFunction.ts';
import { readAerCounters, readRootPortCounters } from './aerCounters.ts';
import { linkedName, namesIn, readNumber, readText, resolved, type HostTree } from './hostTree.ts';
import { readZpciAttributes } from './zpciAttributes.ts';

/** One PCI function as sysfs shows it (Documentation/ABI/testing/sysfs-bus-pci). */
export interface PciFunction {
  readonly address: PciAddress;
  readonly kind: 'endpoint' | 'bridge';
  readonly vendorId: number;
  readonly deviceId: number;
  /** 24 bits: base class, sub-class, programming interface. */
  readonly classCode: number;
  /** The ports above, nearest first; the last is the root port. Empty on a root bus and on s390x. */
  readonly ports: readonly PciAddress[];
  readonly driver: string | null;
  readonly iommuGroup: number | null;
  /** Whether it has a PCI Express capability. */
  readonly express: boolean;
  readonly aerCounters: AerCounters | null;
  /** Root ports only: what arrived from everything below. */
  readonly rootPortCounters: AerCounters | null;
  /** In the order in which the kernel tries them; empty where a function cannot be reset by itself. */
  readonly resetMethods: readonly string[];
  readonly sriov: { readonly total: number; readonly enabled: number } | null;
  /** Of a virtual function. */
  readonly physicalFunction: PciAddress | null;
  readonly zpci: ZpciFunction | null;
}

const devicesFolder = (tree: HostTree): string => join(tree.sys, 'bus/pci/devices');

export const functionFolder = (tree: HostTree, address: PciAddress): string =>
  join(devicesFolder(tree), address);

const addressIn = (text: string | null): PciAddress | null => {
  const parsed = text === null ? null : parsePciAddress(text);
  return parsed?.ok === true ? parsed.value : null;
};

/**
 * /sys/devices/pci0000:00/0000:00:04.0/0000:01:00.0: each folder is a device below the one it is in. A domain of its
 * own behind a function (drivers/pci/controller/vmd.c) begins a new tree.
 */
const portsAbove = (realFolder: string): readonly PciAddress[] => {
  const ports: PciAddress[] = [];
  for (let folder = dirname(realFolder); ; folder = dirname(folder)) {
    const port = addressIn(basename(folder));
    if (port === null) return ports;
    ports.push(port);
  }
};

/** PCI_BASE_CLASS_BRIDGE: ports, and what else holds a machine together. None of them is a device under test. */
const bridgeClass = 0x06;

/**
 * Null when it is gone, or was while it was read. Only attributes that take no device lock: the kernel holds it while it
 * waits for an ack, and a read of driver_override ends with the wait (pci-sysfs.c, driver_override_show()).
 */
export const readPciFunction = async (tree: HostTree, address: PciAddress): Promise<PciFunction | null> => {
  const folder = await resolved(functionFolder(tree, address));
  if (folder === null) return null;
  const [vendorId, deviceId, classCode] = await Promise.all([
    readNumber(folder, 'vendor'),
    readNumber(folder, 'device'),
    readNumber(folder, 'class'),
  ]);
  if (vendorId === null || deviceId === null || classCode === null) return null;
  const [driver, group, speed, counters, rootPort, resets, total, entries, physical, zpci] =
    await Promise.all([
      linkedName(folder, 'driver'),
      linkedName(folder, 'iommu_group'),
      // Shown for PCI Express only (drivers/pci/pci-sysfs.c, pcie_dev_attrs_are_visible()).
      readText(folder, 'max_link_speed'),
      readAerCounters(folder),
      readRootPortCounters(folder),
      readText(folder, 'reset_method'),
      readNumber(folder, 'sriov_totalvfs'),
      // Not sriov_numvfs, whose read takes the device lock (drivers/pci/iov.c, sriov_numvfs_show()).
      namesIn(folder),
      linkedName(folder, 'physfn'),
      readZpciAttributes(tree, folder),
    ]);
  return {
    address,
    kind: classCode >>> 16 === bridgeClass ? 'bridge' : 'endpoint',
    vendorId,
    deviceId,
    classCode,
    ports: zpci === null ? portsAbove(folder) : [],
    driver,
    iommuGroup: group === null ? null : Number(group),
    express: speed !== null,
    aerCounters: counters,
    rootPortCounters: rootPort,
    resetMethods: resets === null ? [] : resets.split(/\s+/).filter((method) => method !== ''),
    sriov:
      total === null ? null : { total, enabled: entries.filter((name) => /^virtfn\d+$/.test(name)).length },
    physicalFunction: addressIn(physical),
    zpci,
  };
};

const addressesIn = (names: readonly string[]): readonly PciAddress[] =>
  names.flatMap((name) => addressIn(name) ?? []).sort(compareAddresses);

/** All functions, by address. `notSupported` where there is no PCI in sysfs. */
export const listPciFunctions = async (tree: HostTree): Promise<Result<readonly PciFunction[]>> => {
  if ((await resolved(devicesFolder(tree))) === null) {
    return failure(
      'notSupported',
      `There is no ${devicesFolder(tree)}: this machine has no PCI, or no sysfs.`,
    );
  }
  const addresses = addressesIn(await namesIn(devicesFolder(tree)));
  const found = await Promise.all(addresses.map((address) => readPciFunction(tree, address)));
  return success(found.flatMap((one) => one ?? []));
};

/** The functions of one IOMMU group. */
export const iommuGroupMembers = async (tree: HostTree, group: number): Promise<readonly PciAddress[]> =>
  addressesIn(await namesIn(tree.sys, 'kernel/iommu_groups', String(group), 'devices'));

/** The PCI drivers that are loaded or built in. */
export const pciDrivers = (tree: HostTree): Promise<readonly string[]> =>
  namesIn(tree.sys, 'bus/pci/drivers');
