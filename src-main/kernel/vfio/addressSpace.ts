import { errnoNumbers } from '../../core/errno.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { DmaMapping, IovaRange } from '../../core/vfio/container.ts';

/** The I/O addresses that the devices of one IOMMU group see. */
export interface AddressSpace {
  /** An I/O address for `size` bytes that nothing else has; it is not given again. */
  reserve(size: bigint): Result<bigint>;
  map(mapping: DmaMapping): Result<void>;
  /** One range, as it was mapped. */
  unmap(iova: bigint, size: bigint): Result<void>;
}

/** Below it lie the interrupt table of old and what firmware likes to reserve. */
const lowest = 0x10_0000n;
const alignment = 0x1_0000n;

/** Hands out I/O addresses from the ranges that the kernel allows; on s390x those begin far up. */
export const iovaAllocator = (ranges: readonly IovaRange[]): AddressSpace['reserve'] => {
  let next = lowest;
  return (size) => {
    for (const { start, end } of ranges) {
      const first = start > next ? start : next;
      const aligned = ((first + alignment - 1n) / alignment) * alignment;
      if (aligned + size - 1n <= end) {
        next = aligned + size;
        return success(aligned);
      }
    }
    return failure('notSupported', `The IOMMU leaves no room for ${size} bytes; close other devices.`);
  };
};

/** Why a mapping was refused. */
export const mapSentence =
  ({ iova, size }: DmaMapping) =>
  (errno: number): string => {
    const what = `${size} bytes at the I/O address 0x${iova.toString(16)} could not be mapped for DMA`;
    switch (errno) {
      case errnoNumbers.ENOMEM:
        return `${what}: the limit of locked memory (ulimit -l) is too low.`;
      case errnoNumbers.EEXIST:
        return `${what}: something is mapped there already.`;
      case errnoNumbers.EINVAL:
        return `${what}: the IOMMU does not reach it, or it is reserved.`;
      default:
        return `${what}.`;
    }
  };
