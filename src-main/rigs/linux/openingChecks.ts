import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { isVfioDriver } from '../../core/faults/bindPreflight.ts';
import { errnoOf } from '../../core/errno.ts';
import { done, failure, type Result } from '../../core/result.ts';
import { fileFailure } from '../../kernel/fileFailure.ts';
import { readHardwareConfig, isAllOnes, readLiveConfig } from '../../kernel/sysfs/configSpace.ts';
import type { HostTree } from '../../kernel/sysfs/hostTree.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';

/** The group file of /dev/vfio, which is there when a VFIO driver has a function of the group. */
const checkFiles = async (tree: HostTree, { address, iommuGroup }: PciFunction): Promise<Result<void>> => {
  const folder = join(tree.dev, 'vfio');
  const group = join(folder, String(iommuGroup));
  try {
    await access(folder);
  } catch (thrown) {
    return fileFailure(
      thrown,
      `There is no ${folder}: the module vfio-pci is not loaded; load it (modprobe vfio-pci) and bind ${address} to it.`,
      'notSupported',
    );
  }
  try {
    await access(group, constants.R_OK | constants.W_OK);
    return done;
  } catch (thrown) {
    return fileFailure(
      thrown,
      `This user may not open ${group}; give it the group of the file with the udev rule of resources/udev, or run the agent as root.`,
    );
  }
};

/** What would make VFIO refuse, said before it is asked, because its errno alone does not say who is to blame. */
export const checkOpening = async (
  tree: HostTree,
  found: PciFunction,
  groupMembers: readonly PciFunction[],
): Promise<Result<void>> => {
  const { address, driver, iommuGroup } = found;
  if (driver === null || !isVfioDriver(driver)) {
    const present = driver === null ? 'no driver' : `the driver ${driver}`;
    return failure('kernelRefused', `${address} has ${present}; bind it to vfio-pci first.`, {
      errno: errnoOf('ENODEV'),
    });
  }
  if (iommuGroup === null) {
    return failure(
      'kernelRefused',
      `${address} is in no IOMMU group, so VFIO cannot protect the machine from it; switch the IOMMU on (intel_iommu=on or amd_iommu=on, and in the firmware).`,
      { errno: errnoOf('ENODEV') },
    );
  }
  // pcieport is allowed in a group, and so is a function without a driver (drivers/iommu/iommu.c, vfio_group).
  const foreign = groupMembers.find(
    (member) => member.kind === 'endpoint' && member.driver !== null && !isVfioDriver(member.driver),
  );
  if (foreign !== undefined) {
    return failure(
      'permissionDenied',
      `The IOMMU group of ${address} is not viable: ${foreign.address} is on ${foreign.driver}; bind it to vfio-pci or to no driver.`,
      { errno: errnoOf('EPERM') },
    );
  }
  const files = await checkFiles(tree, found);
  if (!files.ok) return files;
  const config = await readHardwareConfig(tree, address);
  return config.ok && isAllOnes(config.value) ? asVoid(await readLiveConfig(tree, address)) : done;
};

const asVoid = (result: Result<unknown>): Result<void> => (result.ok ? done : result);
