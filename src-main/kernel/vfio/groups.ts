import { join } from 'node:path';
import { success, type Result } from '../../core/result.ts';
import { errnoNumbers } from '../../core/errno.ts';
import { decodeGroupStatus, encodeGroupStatusRequest } from '../../core/vfio/group.ts';
import { vfioRequests } from '../../core/vfio/numbers.ts';
import { hostOrder } from '../kernel.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import type { AddressSpace } from './addressSpace.ts';
import { openContainer } from './container.ts';
import { askKernel, openVfioFile } from './vfioCall.ts';

interface HeldGroup {
  readonly fd: number;
  readonly container: number;
  readonly space: AddressSpace;
  users: number;
}

/**
 * The IOMMU groups that this rig holds: the kernel lets a group be opened once, so the devices of one group share it
 * and its address space.
 */
export class VfioGroups {
  readonly #calls: Syscalls;
  readonly #dev: string;
  readonly #held = new Map<number, HeldGroup>();

  constructor(calls: Syscalls, dev: string) {
    this.#calls = calls;
    this.#dev = dev;
  }

  /** Takes part in a group, and opens it when nobody has yet. Give it back with `release`. */
  acquire(group: number): Result<{ readonly fd: number; readonly space: AddressSpace }> {
    const held = this.#held.get(group);
    if (held !== undefined) {
      held.users += 1;
      return success(held);
    }
    const fd = this.openFile(group);
    if (!fd.ok) return fd;
    const container = this.#contain(fd.value, group);
    if (!container.ok) {
      this.#calls.close(fd.value);
      return container;
    }
    const opened = { fd: fd.value, container: container.value.fd, space: container.value.space, users: 1 };
    this.#held.set(group, opened);
    return success(opened);
  }

  release(group: number): void {
    const held = this.#held.get(group);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(group);
    this.#calls.close(held.fd);
    this.#calls.close(held.container);
  }

  /** The file of a group that this rig holds. */
  fileOf(group: number): number | undefined {
    return this.#held.get(group)?.fd;
  }

  /** The bare file of a group, the caller's to close. */
  openFile(group: number): Result<number> {
    const path = join(this.#dev, 'vfio', `${group}`);
    const missing = `There is no ${path}: bind the devices of IOMMU group ${group} to vfio-pci first.`;
    return openVfioFile(this.#calls, path, openFlags.O_RDWR | openFlags.O_CLOEXEC, missing);
  }

  #contain(fd: number, group: number): ReturnType<typeof openContainer> {
    const status = askKernel(
      this.#calls,
      fd,
      vfioRequests.VFIO_GROUP_GET_STATUS,
      encodeGroupStatusRequest(hostOrder),
      `IOMMU group ${group} did not tell its state.`,
    );
    if (!status.ok) return status;
    const decoded = decodeGroupStatus(hostOrder, status.value);
    if (!decoded.ok) return decoded;
    if (!decoded.value.viable) {
      // What VFIO_GROUP_SET_CONTAINER would answer, before a container is opened for it.
      return refused(
        errnoNumbers.EPERM,
        `IOMMU group ${group} is not viable: a device of it is on a driver of the host; bind all of them to vfio-pci.`,
      );
    }
    return openContainer(this.#calls, this.#dev, fd, group);
  }
}
