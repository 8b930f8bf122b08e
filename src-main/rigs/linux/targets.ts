import { isVfioDriver, type BindTarget } from '../../core/faults/bindPreflight.ts';
import type { FaultTarget } from '../../core/faults/fault.ts';
import { longAt } from '../../core/pci/bytes.ts';
import { findExtendedCapability } from '../../core/pci/capabilities.ts';
import { aerRegister } from '../../core/pci/capability-registers.ts';
import { extendedCapabilityId } from '../../core/pci/capability-ids.ts';
import { success, type Result } from '../../core/result.ts';
import { readLiveConfig } from '../../kernel/sysfs/configSpace.ts';
import { holdersOf, readHostUses, vfioFilesOf } from '../../kernel/sysfs/hostUse.ts';
import type { HostTree } from '../../kernel/sysfs/hostTree.ts';
import {
  functionFolder,
  iommuGroupMembers,
  pciDrivers,
  readPciFunction,
  type PciFunction,
} from '../../kernel/sysfs/pciFunction.ts';
import { sharersOf } from './deviceSummary.ts';

const ownerOf = (driver: string | null): 'vfio' | 'host' | 'nobody' =>
  driver === null ? 'nobody' : isVfioDriver(driver) ? 'vfio' : 'host';

const masksIn = (config: Uint8Array): FaultTarget['aer'] => {
  const aer = findExtendedCapability(config, extendedCapabilityId.advancedErrorReporting);
  return aer === undefined
    ? null
    : {
        uncorrectableMask: longAt(config, aer + aerRegister.uncorrectableMask),
        correctableMask: longAt(config, aer + aerRegister.correctableMask),
      };
};

/** What has to be known of a function before it is harmed. */
export const faultTargetOf = async (
  tree: HostTree,
  found: PciFunction,
  all: readonly PciFunction[],
): Promise<Result<FaultTarget>> => {
  const config = await readLiveConfig(tree, found.address);
  // A zPCI function in error answers ENODEV or ones until it is reset; nothing else does so while it is configured.
  const inError = found.zpci !== null && !config.ok && config.error.code === 'configUnreadable';
  if (!config.ok && !inError) return config;
  const uses = await readHostUses(tree);
  const useOf = (one: PciFunction): Pick<FaultTarget, 'use' | 'usedAs'> =>
    uses.get(one.address) ?? { use: 'free' };
  return success({
    address: found.address,
    kind: found.kind,
    link: inError ? 'frozen' : 'up',
    ...useOf(found),
    siblings: sharersOf(found, all).map((other) => ({
      address: other.address,
      driver: other.driver,
      ...useOf(other),
      // A port that shares the reset is the kernel's own and comes back by itself.
      owner: other.kind === 'bridge' ? 'nobody' : ownerOf(other.driver),
    })),
    aer: config.ok ? masksIn(config.value) : null,
  });
};

/** What has to be known of a function before its driver is changed. */
export const bindTargetOf = async (
  tree: HostTree,
  found: PciFunction,
  openInBench: boolean,
): Promise<BindTarget> => {
  const { address, kind, driver, iommuGroup, sriov } = found;
  const [uses, drivers, files, members] = await Promise.all([
    readHostUses(tree),
    pciDrivers(tree),
    vfioFilesOf(tree, functionFolder(tree, address), iommuGroup),
    iommuGroup === null ? [] : iommuGroupMembers(tree, iommuGroup),
  ]);
  const siblings = await Promise.all(
    members.filter((member) => member !== address).map((member) => readPciFunction(tree, member)),
  );
  const isVfio = driver !== null && isVfioDriver(driver);
  return {
    address,
    kind,
    driver,
    ...(uses.get(address) ?? { use: 'free' }),
    iommuGroup,
    groupMembers: siblings.flatMap((sibling) => sibling ?? []),
    virtualFunctions: sriov?.enabled ?? 0,
    openInBench,
    holders: isVfio ? await holdersOf(tree, files, process.pid) : [],
    drivers,
  };
};
