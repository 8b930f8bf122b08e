import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PciAddress } from '../../core/pci/address.ts';
import { wordAt } from '../../core/pci/bytes.ts';
import { configOffset, configSize } from '../../core/pci/registers.ts';
import { errnoOf } from '../../core/errno.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { fileFailure } from '../fileFailure.ts';
import { functionFolder } from './pciFunction.ts';
import type { HostTree } from './hostTree.ts';

const configFile = (tree: HostTree, address: PciAddress): string =>
  join(functionFolder(tree, address), 'config');

/** A copy: small files share a buffer of Node's. */
const wholeConfig = (address: PciAddress, bytes: Uint8Array, size: () => number): Result<Uint8Array> =>
  bytes.length >= configSize.conventional
    ? success(new Uint8Array(bytes))
    : failure(
        'permissionDenied',
        `The kernel shows ${bytes.length} of the ${size()} bytes of the config space of ${address}; the rest needs CAP_SYS_ADMIN. Run the agent as root.`,
        { errno: errnoOf('EPERM') },
      );

const unreadable = (address: PciAddress, thrown: unknown): Result<never> =>
  fileFailure(
    thrown,
    `The config space of ${address} cannot be read: the function is gone, or the kernel has switched its config accesses off.`,
    'configUnreadable',
  );

/**
 * The config space as the hardware has it, 256 or 4096 bytes. Without CAP_SYS_ADMIN the kernel gives the header alone
 * (drivers/pci/pci-sysfs.c, pci_read_config()), which is no config space: `permissionDenied`.
 */
export const readHardwareConfig = async (
  tree: HostTree,
  address: PciAddress,
): Promise<Result<Uint8Array>> => {
  const path = configFile(tree, address);
  try {
    const [bytes, { size }] = await Promise.all([readFile(path), stat(path)]);
    return wholeConfig(address, bytes, () => size);
  } catch (thrown) {
    return unreadable(address, thrown);
  }
};

/** The kernel reads from the device just what is asked for (drivers/pci/pci-sysfs.c, pci_read_config()). */
const startOf = (path: string, length: number): Uint8Array => {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
  } finally {
    closeSync(file);
  }
};

/**
 * The same, or its first `length` bytes (256 at least), before it returns, so that nothing comes between it and what was
 * done just before. For a device that is open: its other view is read by a system call as well.
 */
export const readHardwareConfigAtOnce = (
  tree: HostTree,
  address: PciAddress,
  length: number = configSize.extended,
): Result<Uint8Array> => {
  const path = configFile(tree, address);
  try {
    return wholeConfig(address, startOf(path, length), () => statSync(path).size);
  } catch (thrown) {
    return unreadable(address, thrown);
  }
};

/** Reads of a function that is not there, or whose link is down, give ones; ids of a live function never are. */
export const isAllOnes = (config: Uint8Array): boolean =>
  wordAt(config, configOffset.vendorId) === 0xffff &&
  config.subarray(0, configSize.header).every((byte) => byte === 0xff);

/** The config space of a function that answers; `configUnreadable` when it is all ones. */
export const readLiveConfig = async (tree: HostTree, address: PciAddress): Promise<Result<Uint8Array>> => {
  const config = await readHardwareConfig(tree, address);
  if (!config.ok || !isAllOnes(config.value)) return config;
  return failure(
    'configUnreadable',
    `The config space of ${address} reads as all ones: the function is off the bus, or its link is down. Look at the link of the port above, and reset or replug the slot.`,
    { errno: errnoOf('ENXIO') },
  );
};

/** Writes 32 bits, little-endian as config space is, past the driver of the device. */
export const writeHardwareConfig = async (
  tree: HostTree,
  address: PciAddress,
  offset: number,
  value: number,
): Promise<Result<void>> => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  try {
    const file = await open(configFile(tree, address), 'r+');
    try {
      await file.write(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
    return done;
  } catch (thrown) {
    return fileFailure(
      thrown,
      `The config space of ${address} cannot be written; that takes root, and a kernel without lockdown.`,
    );
  }
};
