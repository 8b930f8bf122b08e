import { join } from 'node:path';
import { done, success, type Result } from '../../core/result.ts';
import type { IovaRange } from '../../core/vfio/container.ts';
import {
  decodeIoasAlloc,
  decodeIovaRangesAnswer,
  encodeAttachIommufd,
  encodeBindIommufd,
  encodeDestroy,
  encodeIoasAlloc,
  encodeIoasMap,
  encodeIoasUnmap,
  encodeIovaRangesRequest,
  iommufdIovaRangeStruct,
  iommufdRequests,
} from '../../core/vfio/iommufd.ts';
import { vfioRequests } from '../../core/vfio/numbers.ts';
import { hostOrder, type Kernel } from '../kernel.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import type { BlockingCalls } from '../threads/blockingCalls.ts';
import { iovaAllocator, mapSentence, type AddressSpace } from './addressSpace.ts';
import { askKernel, openVfioFile } from './vfioCall.ts';

interface HeldSpace {
  readonly id: number;
  readonly space: AddressSpace;
  users: number;
}

/** Many more than any IOMMU has had. */
const rangeCapacity = 64;

/**
 * /dev/iommu, opened while somebody uses it. The devices of one IOMMU group have to be attached to the same address
 * space (drivers/iommu/iommufd/device.c), so there is one for each group.
 */
export class Iommufd {
  readonly #calls: Syscalls;
  readonly #blocking: BlockingCalls;
  readonly #path: string;
  readonly #spaces = new Map<number, HeldSpace>();
  #fd: number | null = null;

  constructor({ calls, blocking, tree }: Kernel) {
    this.#calls = calls;
    this.#blocking = blocking;
    this.#path = join(tree.dev, 'iommu');
  }

  /**
   * Binds an open vfio character device, which is what resets the function, and attaches it to the address space of
   * its group.
   */
  async attach(deviceFd: number, group: number): Promise<Result<AddressSpace>> {
    const held = this.#acquire(group);
    if (!held.ok) return held;
    const attached = await this.#bindAndAttach(deviceFd, held.value);
    if (!attached.ok) {
      this.release(group);
      return attached;
    }
    return success(held.value.space);
  }

  /** Call it when the device is closed: the kernel then has detached it. */
  release(group: number): void {
    const held = this.#spaces.get(group);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#spaces.delete(group);
    if (this.#fd === null) return;
    this.#calls.ioctl(this.#fd, iommufdRequests.IOMMU_DESTROY, encodeDestroy(hostOrder, held.id));
    this.#closeUnused();
  }

  #closeUnused(): void {
    if (this.#spaces.size > 0 || this.#fd === null) return;
    this.#calls.close(this.#fd);
    this.#fd = null;
  }

  #acquire(group: number): Result<HeldSpace> {
    const held = this.#spaces.get(group);
    if (held !== undefined) {
      held.users += 1;
      return success(held);
    }
    const fd = this.#file();
    if (!fd.ok) return fd;
    const allocated = this.#allocate(fd.value);
    if (!allocated.ok) {
      this.#closeUnused();
      return allocated;
    }
    const id = allocated.value;
    const opened = { id, space: this.#spaceOf(fd.value, id), users: 1 };
    this.#spaces.set(group, opened);
    return success(opened);
  }

  #file(): Result<number> {
    if (this.#fd !== null) return success(this.#fd);
    const missing = `There is no ${this.#path}: load the module iommufd.`;
    const opened = openVfioFile(this.#calls, this.#path, openFlags.O_RDWR | openFlags.O_CLOEXEC, missing);
    if (opened.ok) this.#fd = opened.value;
    return opened;
  }

  #allocate(fd: number): Result<number> {
    const bytes = encodeIoasAlloc(hostOrder);
    const sentence = 'The kernel gave no I/O address space.';
    const answer = askKernel(this.#calls, fd, iommufdRequests.IOMMU_IOAS_ALLOC, bytes, sentence);
    return answer.ok ? decodeIoasAlloc(hostOrder, answer.value) : answer;
  }

  async #bindAndAttach(deviceFd: number, { id }: HeldSpace): Promise<Result<void>> {
    const fd = this.#file();
    if (!fd.ok) return fd;
    const bound = await this.#blocking.make({
      call: 'ioctl',
      fd: deviceFd,
      request: vfioRequests.VFIO_DEVICE_BIND_IOMMUFD,
      argument: encodeBindIommufd(hostOrder, fd.value),
    });
    if (!bound.ok) return bound;
    if (!bound.value.result.ok) {
      return refused(
        bound.value.result.errno,
        'The device could not be bound to /dev/iommu; all devices of its group have to be on VFIO drivers.',
      );
    }
    const sentence = 'The device could not be attached to its I/O address space.';
    const attached = askKernel(
      this.#calls,
      deviceFd,
      vfioRequests.VFIO_DEVICE_ATTACH_IOMMUFD_PT,
      encodeAttachIommufd(hostOrder, id),
      sentence,
    );
    return attached.ok ? done : attached;
  }

  #spaceOf(fd: number, id: number): AddressSpace {
    const calls = this.#calls;
    // The ranges depend on what is attached, so they are asked for at the first use and not before.
    let allocator: AddressSpace['reserve'] | null = null;
    return {
      reserve: (size) => {
        if (allocator === null) {
          const ranges = allowedRanges(calls, fd, id);
          if (!ranges.ok) return ranges;
          allocator = iovaAllocator(ranges.value);
        }
        return allocator(size);
      },
      map: (mapping) => {
        const bytes = encodeIoasMap(hostOrder, id, mapping);
        const mapped = askKernel(calls, fd, iommufdRequests.IOMMU_IOAS_MAP, bytes, mapSentence(mapping));
        return mapped.ok ? done : mapped;
      },
      unmap: (iova, size) => {
        const sentence = `The DMA mapping at 0x${iova.toString(16)} could not be removed.`;
        const bytes = encodeIoasUnmap(hostOrder, id, iova, size);
        const unmapped = askKernel(calls, fd, iommufdRequests.IOMMU_IOAS_UNMAP, bytes, sentence);
        return unmapped.ok ? done : unmapped;
      },
    };
  }
}

const allowedRanges = (calls: Syscalls, fd: number, id: number): Result<readonly IovaRange[]> => {
  const length = rangeCapacity * iommufdIovaRangeStruct.size;
  const array = calls.mmap({ length, access: 'readWrite', from: 'anonymous' });
  if (!array.ok) return refused(array.errno, 'There was no memory for the list of I/O addresses.');
  const bytes = encodeIovaRangesRequest(hostOrder, id, array.value.address, rangeCapacity);
  const sentence = 'The kernel did not say which I/O addresses it allows.';
  const answer = askKernel(calls, fd, iommufdRequests.IOMMU_IOAS_IOVA_RANGES, bytes, sentence);
  const listed = array.value.copyOut(0, length);
  array.value.unmap();
  if (!answer.ok) return answer;
  const decoded = decodeIovaRangesAnswer(hostOrder, answer.value);
  if (!decoded.ok) return decoded;
  const ranges: IovaRange[] = [];
  for (let position = 0; position < Math.min(decoded.value.count, rangeCapacity); position += 1) {
    const entry = iommufdIovaRangeStruct.decode(
      hostOrder,
      listed.subarray(position * iommufdIovaRangeStruct.size),
    );
    if (!entry.ok) return entry;
    ranges.push({ start: entry.value.start, end: entry.value.last });
  }
  return success(ranges);
};
