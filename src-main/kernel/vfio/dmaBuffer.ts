import { success, type Result } from '../../core/result.ts';
import { refused } from '../refusal.ts';
import type { Mapping, Syscalls } from '../syscalls.ts';
import type { AddressSpace } from './addressSpace.ts';

/** Memory of this process that a device reaches at `iova`. */
export interface DmaBuffer {
  readonly memory: Mapping;
  readonly iova: bigint;
  /** Maps it anew: a reset of a zPCI function takes its mappings away, and the kernel does not notice. */
  remap(): Result<void>;
  /** Only when the device can no longer write into it. */
  close(): Result<void>;
}

/** `size` in bytes, a multiple of 64 KiB, the largest page of any rig. Nothing is left mapped on failure. */
export const openDmaBuffer = (calls: Syscalls, space: AddressSpace, size: number): Result<DmaBuffer> => {
  const iova = space.reserve(BigInt(size));
  if (!iova.ok) return iova;
  const memory = calls.mmap({ length: size, access: 'readWrite', from: 'anonymous' });
  if (!memory.ok) return refused(memory.errno, `There were no ${size} bytes of memory for DMA.`);
  const map = (): Result<void> =>
    space.map({
      processAddress: memory.value.address,
      iova: iova.value,
      size: BigInt(size),
      access: 'readWrite',
    });
  const unmap = (): Result<void> => space.unmap(iova.value, BigInt(size));
  const mapped = map();
  if (!mapped.ok) {
    memory.value.unmap();
    return mapped;
  }
  return success({
    memory: memory.value,
    iova: iova.value,
    remap: () => {
      const removed = unmap();
      return removed.ok ? map() : removed;
    },
    close: () => {
      const removed = unmap();
      memory.value.unmap();
      return removed;
    },
  });
};
