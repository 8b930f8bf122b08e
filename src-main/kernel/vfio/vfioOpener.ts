import { join } from 'node:path';
import type { PciAddress } from '../../core/pci/address.ts';
import { errnoNumbers } from '../../core/errno.ts';
import { failure, success, type Result } from '../../core/result.ts';
import { encodeDeviceName } from '../../core/vfio/group.ts';
import { vfioRequests } from '../../core/vfio/numbers.ts';
import type { Kernel } from '../kernel.ts';
import { refused } from '../refusal.ts';
import { openFlags } from '../syscalls.ts';
import { linkedName, namesIn, resolved } from '../sysfs/hostTree.ts';
import { functionFolder } from '../sysfs/pciFunction.ts';
import type { AddressSpace } from './addressSpace.ts';
import { VfioGroups } from './groups.ts';
import { Iommufd } from './iommufd.ts';
import { openVfioFile } from './vfioCall.ts';

/** An open device file, and what it needs besides. */
export interface OpenedVfio {
  readonly fd: number;
  readonly group: number;
  /** By a group and a container, or as a character device bound to an iommufd (from Linux 6.6 on). */
  readonly way: 'group' | 'iommufd';
  readonly space: AddressSpace;
  /**
   * Closes the device, which may block: a close during the kernel's wait lets it reset the bus (observation 10). Then
   * `afterwards`, while the address space is still there, and then the group or the address space.
   */
  close(afterwards?: () => void): Promise<Result<void>>;
}

/** Opens the devices of one rig; they share groups and address spaces. */
export class VfioOpener {
  readonly groups: VfioGroups;
  readonly #kernel: Kernel;
  readonly #iommufd: Iommufd;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.groups = new VfioGroups(kernel.calls, kernel.tree.dev);
    this.#iommufd = new Iommufd(kernel);
  }

  /** Opening resets the function (vfio_pci_core_enable), in a thread of its own. Nothing is left open on failure. */
  async open(address: PciAddress): Promise<Result<OpenedVfio>> {
    const { tree } = this.#kernel;
    const folder = functionFolder(tree, address);
    if ((await resolved(folder)) === null) {
      return refused(errnoNumbers.ENODEV, `${address} is not there; list the devices again.`);
    }
    const driver = await linkedName(folder, 'driver');
    const group = Number((await linkedName(folder, 'iommu_group')) ?? Number.NaN);
    if (!Number.isInteger(group)) {
      return failure(
        'notSupported',
        `${address} is in no IOMMU group: switch the IOMMU on in the firmware, and boot with intel_iommu=on or amd_iommu=on.`,
      );
    }
    const characterDevice = await this.#characterDeviceOf(folder);
    if (driver === null || (characterDevice === null && (await this.#isForeign(driver, group)))) {
      const holder = driver === null ? 'no driver' : `the driver ${driver}`;
      return refused(
        errnoNumbers.ENODEV,
        `${address} has ${holder}; bind it to vfio-pci first.`,
        'kernelRefused',
      );
    }
    return characterDevice === null
      ? this.#openByGroup(address, group)
      : this.#openCharacterDevice(address, group, characterDevice);
  }

  /** A group without a file in /dev/vfio has no device on a VFIO driver. */
  async #isForeign(driver: string, group: number): Promise<boolean> {
    const files = await namesIn(this.#kernel.tree.dev, 'vfio');
    return files.length > 0 && !files.includes(`${group}`) && !driver.startsWith('vfio');
  }

  /** Path of the character device, where the kernel has both it and /dev/iommu. */
  async #characterDeviceOf(folder: string): Promise<string | null> {
    const { tree } = this.#kernel;
    const [name] = await namesIn(folder, 'vfio-dev');
    const nodes = await namesIn(tree.dev, 'vfio', 'devices');
    const hasIommufd = (await namesIn(tree.dev)).includes('iommu');
    return name !== undefined && nodes.includes(name) && hasIommufd
      ? join(tree.dev, 'vfio', 'devices', name)
      : null;
  }

  async #openByGroup(address: PciAddress, group: number): Promise<Result<OpenedVfio>> {
    const held = this.groups.acquire(group);
    if (!held.ok) return held;
    const answer = await this.#kernel.blocking.make({
      call: 'ioctl',
      fd: held.value.fd,
      request: vfioRequests.VFIO_GROUP_GET_DEVICE_FD,
      argument: encodeDeviceName(address),
    });
    if (!answer.ok || !answer.value.result.ok) {
      this.groups.release(group);
      return answer.ok ? notOpened(address, answer.value.result) : answer;
    }
    const fd = answer.value.result.value;
    return success({
      fd,
      group,
      way: 'group',
      space: held.value.space,
      close: (afterwards) =>
        this.#close(address, fd, () => {
          afterwards?.();
          this.groups.release(group);
        }),
    });
  }

  async #openCharacterDevice(address: PciAddress, group: number, path: string): Promise<Result<OpenedVfio>> {
    const { calls } = this.#kernel;
    const missing = `There is no ${path}; bind ${address} to vfio-pci again.`;
    const opened = openVfioFile(calls, path, openFlags.O_RDWR | openFlags.O_CLOEXEC, missing);
    if (!opened.ok) return opened;
    const fd = opened.value;
    const space = await this.#iommufd.attach(fd, group);
    if (!space.ok) {
      calls.close(fd);
      return space;
    }
    return success({
      fd,
      group,
      way: 'iommufd',
      space: space.value,
      close: (afterwards) =>
        this.#close(address, fd, () => {
          afterwards?.();
          this.#iommufd.release(group);
        }),
    });
  }

  async #close(address: PciAddress, fd: number, release: () => void): Promise<Result<void>> {
    const answer = await this.#kernel.blocking.make({ call: 'close', fd });
    release();
    if (!answer.ok) return answer;
    const { result } = answer.value;
    return result.ok ? success(undefined) : refused(result.errno, `${address} could not be closed.`);
  }
}

const notOpened = (
  address: PciAddress,
  result: { readonly ok: boolean; readonly errno?: number },
): ReturnType<typeof refused> => {
  const errno = result.errno ?? 0;
  const because: Readonly<Record<number, string>> = {
    [errnoNumbers.EBUSY]: 'another program has it open',
    [errnoNumbers.ENODEV]: 'it is not bound to a VFIO driver, or was removed',
    [errnoNumbers.EINVAL]: 'its group has no IOMMU set, or it wants a VF token',
    [errnoNumbers.EPERM]: 'its group is not viable',
  };
  return refused(errno, `${address} could not be opened: ${because[errno] ?? 'look at the kernel log'}.`);
};
