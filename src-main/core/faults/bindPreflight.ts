import type { PciAddress } from '../pci/address.ts';
import { errnoOf } from '../errno.ts';
import { failure, type BenchError } from '../result.ts';
import type { HostUse } from './fault.ts';
import { harmToHost, preflightRefusal } from './hostUse.ts';

/** What a rig knows of a device whose driver is about to be changed. */
export interface BindTarget {
  readonly address: PciAddress;
  readonly kind: 'endpoint' | 'bridge';
  readonly driver: string | null;
  readonly use: HostUse;
  readonly usedAs?: string;
  readonly iommuGroup: number | null;
  /** The other functions of the IOMMU group. */
  readonly groupMembers: readonly {
    readonly address: PciAddress;
    readonly kind: 'endpoint' | 'bridge';
    readonly driver: string | null;
  }[];
  /** Virtual functions that are switched on. */
  readonly virtualFunctions: number;
  readonly openInBench: boolean;
  /** Other programs that hold the device's VFIO files open: "qemu-system-x86 (1234)". */
  readonly holders: readonly string[];
  /** The PCI drivers that the kernel has. */
  readonly drivers: readonly string[];
}

export interface BindVerdict {
  readonly refusal: BenchError | null;
  /** What is allowed, and has a consequence that should be known. One sentence each. */
  readonly warnings: readonly string[];
}

/** vfio-pci and its variant drivers: vfio-pci-notify, mlx5_vfio_pci, nvgrace-gpu-vfio-pci. */
export const isVfioDriver = (name: string): boolean => /(^|[-_])vfio[-_]pci([-_]|$)/.test(name);

const refused = (refusal: BenchError): BindVerdict => ({ refusal, warnings: [] });

const vfioRefusal = (target: BindTarget, driver: string): BenchError | null => {
  const { address } = target;
  if (target.iommuGroup === null) {
    return preflightRefusal(
      'noIommu',
      `${address} is in no IOMMU group, so ${driver} would refuse it (EINVAL); switch the IOMMU on (intel_iommu=on or amd_iommu=on on the kernel command line, VT-d or AMD-Vi in the firmware).`,
    );
  }
  if (target.virtualFunctions > 0) {
    return preflightRefusal(
      'virtualFunctions',
      `${address} has ${target.virtualFunctions} virtual functions switched on, and ${driver} would refuse it (EBUSY); write 0 to sriov_numvfs first.`,
    );
  }
  return null;
};

const groupWarnings = (target: BindTarget, driver: string | null): readonly string[] => {
  if (driver === null || !isVfioDriver(driver)) return [];
  return target.groupMembers
    .filter((member) => member.kind === 'endpoint' && member.driver !== null && !isVfioDriver(member.driver))
    .map(
      (member) =>
        `${member.address} is in the same IOMMU group as ${target.address} and on ${member.driver}: until it is bound to vfio-pci or has no driver, opening gives EPERM.`,
    );
};

/**
 * The rules before a driver is changed. A sibling in the IOMMU group that is on a host driver only warns: functions of
 * one group can be handed over one at a time only.
 */
export const bindPreflight = (target: BindTarget, driver: string | null): BindVerdict => {
  const { address } = target;
  if (target.kind === 'bridge') {
    return refused(
      preflightRefusal('bridge', `${address} is a bridge, and vfio-pci takes endpoints only (EINVAL).`),
    );
  }
  const harm = harmToHost(target);
  if (harm !== null) return refused(harm);
  if (target.driver === driver) {
    return refused(
      preflightRefusal(
        'alreadyBound',
        driver === null ? `${address} has no driver already.` : `${address} is on ${driver} already.`,
      ),
    );
  }
  if (target.openInBench) {
    return refused(
      failure('busy', `${address} is open in this bench, and an unbind would wait for it; close it first.`, {
        errno: errnoOf('EBUSY'),
      }).error,
    );
  }
  const [holder] = target.holders;
  if (holder !== undefined) {
    return refused(
      preflightRefusal(
        'driverInUse',
        `${address} is held open by ${holder}, and an unbind would wait for that program; end it first.`,
      ),
    );
  }
  if (driver !== null && !target.drivers.includes(driver)) {
    return refused(
      failure(
        'kernelRefused',
        `The kernel has no PCI driver "${driver}"; load its module first: modprobe ${driver}.`,
        { errno: errnoOf('ENOENT') },
      ).error,
    );
  }
  const refusal = driver !== null && isVfioDriver(driver) ? vfioRefusal(target, driver) : null;
  return refusal !== null ? refused(refusal) : { refusal: null, warnings: groupWarnings(target, driver) };
};
