import { join } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { fileFailure } from '../fileFailure.ts';
import { linkedName, readText, type HostTree } from './hostTree.ts';
import { functionFolder } from './pciFunction.ts';

/** How a function was bound before its driver was changed. */
export interface EarlierBinding {
  readonly driver: string | null;
  readonly override: string;
}

/** One write into sysfs. It may block for as long as the kernel holds the device's lock. */
const writeText = async (
  tree: HostTree,
  path: string,
  text: string,
  doing: string,
): Promise<Result<void>> => {
  try {
    await tree.write(path, text);
    return done;
  } catch (thrown) {
    return fileFailure(thrown, doing, 'kernelRefused');
  }
};

/** An empty driver_override reads as "(null)" (drivers/pci/pci-sysfs.c, driver_override_show()). */
const overrideOf = async (folder: string): Promise<string> => {
  const text = await readText(folder, 'driver_override');
  return text === null || text === '(null)' ? '' : text;
};

export const bindingOf = async (tree: HostTree, address: PciAddress): Promise<EarlierBinding> => {
  const folder = functionFolder(tree, address);
  const [driver, override] = await Promise.all([linkedName(folder, 'driver'), overrideOf(folder)]);
  return { driver, override };
};

/** A line break alone clears it: an empty write never reaches the kernel. */
const setOverride = (tree: HostTree, address: PciAddress, driver: string): Promise<Result<void>> =>
  writeText(
    tree,
    join(functionFolder(tree, address), 'driver_override'),
    `${driver}\n`,
    `setting driver_override of ${address}`,
  );

/** Blocks until the driver lets go: during the wait for an ack, and while a program has the device open. */
const unbind = async (tree: HostTree, address: PciAddress): Promise<Result<void>> => {
  const folder = functionFolder(tree, address);
  const driver = await linkedName(folder, 'driver');
  if (driver === null) return done;
  return writeText(tree, join(folder, 'driver/unbind'), address, `the unbind of ${address} from ${driver}`);
};

/** The driver's own `bind` file gives the errno of its probe(); drivers_probe gives none. */
const bindTo = async (tree: HostTree, address: PciAddress, driver: string): Promise<Result<void>> => {
  const folder = functionFolder(tree, address);
  // The driver's probe may have come first: writing driver_override probes nothing, a hot-plug does.
  if ((await linkedName(folder, 'driver')) === driver) return done;
  const file = join(tree.sys, 'bus/pci/drivers', driver, 'bind');
  const bound = await writeText(tree, file, address, `binding ${address} to ${driver}`);
  if (!bound.ok) return bound;
  const present = await linkedName(folder, 'driver');
  return present === driver
    ? done
    : failure(
        'kernelRefused',
        `${address} is on ${present ?? 'no driver'} although ${driver} was asked to take it; look at the kernel log.`,
        { errno: errnoOf('ENODEV') },
      );
};

/** Gives a function back to what it was bound to: driver_override as it was, and the kernel's own choice of driver. */
export const restoreBinding = async (
  tree: HostTree,
  address: PciAddress,
  earlier: EarlierBinding,
): Promise<Result<void>> => {
  const folder = functionFolder(tree, address);
  const released = await unbind(tree, address);
  if (!released.ok) return released;
  const override = await setOverride(tree, address, earlier.override);
  if (!override.ok) return override;
  if (earlier.driver === null) return done;
  const probed = await writeText(
    tree,
    join(tree.sys, 'bus/pci/drivers_probe'),
    address,
    `probing the drivers for ${address}`,
  );
  if (!probed.ok) return probed;
  const present = await linkedName(folder, 'driver');
  return present === earlier.driver ? done : bindTo(tree, address, earlier.driver);
};

/**
 * Binds a function to a driver, or to none: driver_override, unbind, bind (Documentation/ABI/testing/sysfs-bus-pci). A
 * driver that refuses leaves the function as it was before. Blocks as the kernel does.
 */
export const changeDriver = async (
  tree: HostTree,
  address: PciAddress,
  driver: string | null,
): Promise<Result<EarlierBinding>> => {
  const earlier = await bindingOf(tree, address);
  if (driver !== null) {
    const override = await setOverride(tree, address, driver);
    if (!override.ok) return override;
  }
  const released = await unbind(tree, address);
  if (!released.ok) {
    if (driver !== null) await setOverride(tree, address, earlier.override);
    return released;
  }
  if (driver === null) return success(earlier);
  const bound = await bindTo(tree, address, driver);
  if (bound.ok) return success(earlier);
  await restoreBinding(tree, address, earlier);
  return bound;
};
