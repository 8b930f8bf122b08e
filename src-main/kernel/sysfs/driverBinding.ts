import { join } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import { isVfioDriver } from '../../core/faults/bindPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { linkedName, readText, type HostTree } from './hostTree.ts';
import { functionFolder } from './pciFunction.ts';
import type { SysfsWrite } from './sysfsWrites.ts';

/** Where drivers are changed. */
export interface DriverDesk {
  readonly tree: HostTree;
  readonly write: SysfsWrite;
}

/** How a function was bound before its driver was changed. */
export interface EarlierBinding {
  readonly driver: string | null;
  readonly override: string;
}

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
const setOverride = (
  { tree, write }: DriverDesk,
  address: PciAddress,
  driver: string,
): Promise<Result<void>> =>
  write(
    join(functionFolder(tree, address), 'driver_override'),
    `${driver}\n`,
    `setting driver_override of ${address}`,
  );

/** Blocks until the driver lets go: during the wait for an ack, and while a program has the device open. */
const unbind = async ({ tree, write }: DriverDesk, address: PciAddress): Promise<Result<void>> => {
  const folder = functionFolder(tree, address);
  const driver = await linkedName(folder, 'driver');
  if (driver === null) return done;
  return write(join(folder, 'driver/unbind'), address, `the unbind of ${address} from ${driver}`);
};

/** The driver's own `bind` file gives the errno of its probe(); drivers_probe gives none. */
const bindTo = async (
  { tree, write }: DriverDesk,
  address: PciAddress,
  driver: string,
): Promise<Result<void>> => {
  const folder = functionFolder(tree, address);
  // The driver's probe may have come first: writing driver_override probes nothing, a hot-plug does.
  if ((await linkedName(folder, 'driver')) === driver) return done;
  const file = join(tree.sys, 'bus/pci/drivers', driver, 'bind');
  const bound = await write(file, address, `binding ${address} to ${driver}`);
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

/**
 * The kernel's own choice of driver when it is one that knows the function by its ids; driver_override is for those that
 * do not, such as vfio-pci.
 */
const overrideFor = (driver: string | null): string =>
  driver !== null && isVfioDriver(driver) ? driver : '';

/** Gives a function back to what it was bound to: driver_override as it was, and its driver. */
export const restoreBinding = async (
  desk: DriverDesk,
  address: PciAddress,
  earlier: EarlierBinding,
): Promise<Result<void>> => {
  const { tree, write } = desk;
  const released = await unbind(desk, address);
  if (!released.ok) return released;
  const override = await setOverride(desk, address, earlier.override);
  if (!override.ok || earlier.driver === null) return override;
  const probe = join(tree.sys, 'bus/pci/drivers_probe');
  const probed = await write(probe, address, `probing the drivers for ${address}`);
  return probed.ok ? bindTo(desk, address, earlier.driver) : probed;
};

/**
 * Binds a function to a driver, or to none: driver_override, unbind, bind (Documentation/ABI/testing/sysfs-bus-pci). A
 * driver that refuses leaves the function as it was before. Blocks as the kernel does.
 */
export const changeDriver = async (
  desk: DriverDesk,
  address: PciAddress,
  driver: string | null,
): Promise<Result<EarlierBinding>> => {
  const earlier = await bindingOf(desk.tree, address);
  const override = await setOverride(desk, address, overrideFor(driver));
  if (!override.ok) return override;
  const released = await unbind(desk, address);
  if (!released.ok) {
    await setOverride(desk, address, earlier.override);
    return released;
  }
  if (driver === null) return success(earlier);
  const bound = await bindTo(desk, address, driver);
  if (bound.ok) return success(earlier);
  await restoreBinding(desk, address, earlier);
  return bound;
};
