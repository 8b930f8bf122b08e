import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { done, failure, type Result } from '../../core/result.ts';
import { fileFailure } from '../../kernel/fileFailure.ts';
import { thisMachine, type HostTree } from '../../kernel/sysfs/hostTree.ts';

const mayUse = (path: string): Promise<unknown> =>
  access(path, constants.R_OK | constants.W_OK).then(
    () => null,
    (thrown: unknown) => thrown,
  );

/**
 * Whether this machine has what its own rig needs, by a look at /dev/vfio alone. Groups that somebody may open are
 * enough; each device says for itself, when it is opened, what is still missing.
 */
export const probeLinuxRig = async (tree: HostTree = thisMachine): Promise<Result<void>> => {
  if (process.platform !== 'linux') {
    return failure('notSupported', `Only Linux has VFIO; this is ${process.platform}.`);
  }
  const folder = join(tree.dev, 'vfio');
  let groups: readonly string[];
  try {
    groups = (await readdir(folder)).filter((name) => /^\d+$/.test(name));
  } catch (thrown) {
    return fileFailure(
      thrown,
      `There is no ${folder}: the IOMMU is off, or the module vfio-pci is not loaded (modprobe vfio-pci).`,
      'notSupported',
    );
  }
  const container = join(folder, 'vfio');
  const advice =
    'give this user access with the udev rule of resources/udev, or use an agent that runs as root';
  const closed = await mayUse(container);
  // A kernel with iommufd alone has no container.
  if (closed !== null && (closed as NodeJS.ErrnoException).code !== 'ENOENT')
    return fileFailure(closed, `This user may not open ${container}; ${advice}.`);
  const refusals = await Promise.all(groups.map((group) => mayUse(join(folder, group))));
  const [first] = refusals;
  return groups.length === 0 || refusals.includes(null)
    ? done
    : fileFailure(first, `This user may open no group in ${folder}; ${advice}.`);
};
