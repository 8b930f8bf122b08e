import { success } from '../result.ts';
import type { Result } from '../result.ts';
import {
  capabilityTruncated,
  decodeCapabilities,
  headerFields,
  unknownCapability,
  walkCapabilities,
} from './capabilityChain.ts';
import type {
  CapabilityTruncated,
  ChainProblem,
  RawCapability,
  UnknownCapability,
} from './capabilityChain.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/*
 * The type 1 IOMMU of a container (vfio.h, "API for Type1 VFIO IOMMU"). VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION
 * and VFIO_SET_IOMMU have no struct: their argument is a number of `numbers.ts`.
 */

export const iommuInfoStruct = struct('vfio_iommu_type1_info', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['iova_pgsizes', 'u64'],
  ['cap_offset', 'u32'],
]);

export const iommuInfoFlags = {
  VFIO_IOMMU_INFO_PGSIZES: 1 << 0,
  VFIO_IOMMU_INFO_CAPS: 1 << 1,
} as const;

export const iommuCapabilityIds = {
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE: 1,
  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION: 2,
  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL: 3,
} as const;

export const iovaRangeCapabilityStruct = struct('vfio_iommu_type1_info_cap_iova_range', [
  ...headerFields,
  ['nr_iovas', 'u32'],
  ['reserved', 'u32'],
]);

export const iovaRangeStruct = struct('vfio_iova_range', [
  ['start', 'u64'],
  ['end', 'u64'],
]);

export const migrationCapabilityStruct = struct('vfio_iommu_type1_info_cap_migration', [
  ...headerFields,
  ['flags', 'u32'],
  ['pgsize_bitmap', 'u64'],
  ['max_dirty_bitmap_size', 'u64'],
]);

export const dmaAvailableStruct = struct('vfio_iommu_type1_info_dma_avail', [
  ...headerFields,
  ['avail', 'u32'],
]);

export const dmaMapStruct = struct('vfio_iommu_type1_dma_map', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['vaddr', 'u64'],
  ['iova', 'u64'],
  ['size', 'u64'],
]);

export const dmaMapFlags = {
  VFIO_DMA_MAP_FLAG_READ: 1 << 0,
  VFIO_DMA_MAP_FLAG_WRITE: 1 << 1,
} as const;

export const dmaUnmapStruct = struct('vfio_iommu_type1_dma_unmap', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['iova', 'u64'],
  ['size', 'u64'],
]);

export const dmaUnmapFlags = { VFIO_DMA_UNMAP_FLAG_ALL: 1 << 1 } as const;

/** Both ends belong to the range. */
export interface IovaRange {
  readonly start: bigint;
  readonly end: bigint;
}

export type IommuCapability =
  | { readonly kind: 'iovaRanges'; readonly ranges: readonly IovaRange[] }
  | { readonly kind: 'migration'; readonly pageSizes: bigint; readonly maximumDirtyBitmapSize: bigint }
  | { readonly kind: 'dmaAvailable'; readonly mappings: number }
  | UnknownCapability;

export interface IommuInfo {
  readonly flags: number;
  /** Bit n set: pages of 2^n bytes. Undefined when the kernel did not say. */
  readonly pageSizes?: bigint;
  readonly capabilities: readonly IommuCapability[];
  readonly problems: readonly ChainProblem[];
}

/** Room for some 250 ranges; `bufferTooSmall` tells when even that is not enough. */
const usualLength = 4096;

/** `length` is that of the answer's buffer. */
export const encodeIommuInfoRequest = (order: ByteOrder, length: number = usualLength): Uint8Array => {
  const argsz = Math.max(length, iommuInfoStruct.size);
  return iommuInfoStruct.encode(order, { argsz }, argsz - iommuInfoStruct.size);
};

const decodeIovaRanges = (order: ByteOrder, raw: RawCapability): IommuCapability | CapabilityTruncated => {
  const count = iovaRangeCapabilityStruct.read(order, raw.bytes, 'nr_iovas');
  if (count === undefined) return capabilityTruncated(raw, iovaRangeCapabilityStruct.end);
  const neededLength = iovaRangeCapabilityStruct.size + count * iovaRangeStruct.size;
  // Compared before anything is allocated: a count from bad bytes may be four thousand million.
  if (raw.bytes.length < neededLength) return capabilityTruncated(raw, neededLength);
  const ranges: IovaRange[] = [];
  for (let position = 0; position < count; position += 1) {
    const start = iovaRangeCapabilityStruct.size + position * iovaRangeStruct.size;
    const range = iovaRangeStruct.decode(order, raw.bytes.subarray(start));
    if (range.ok) ranges.push(range.value);
  }
  return { kind: 'iovaRanges', ranges };
};

const decodeCapability = (order: ByteOrder, raw: RawCapability): IommuCapability | CapabilityTruncated => {
  switch (raw.id) {
    case iommuCapabilityIds.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
      return decodeIovaRanges(order, raw);
    case iommuCapabilityIds.VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION: {
      const decoded = migrationCapabilityStruct.decode(order, raw.bytes);
      if (!decoded.ok) return capabilityTruncated(raw, migrationCapabilityStruct.end);
      const { pgsize_bitmap: pageSizes, max_dirty_bitmap_size: maximumDirtyBitmapSize } = decoded.value;
      return { kind: 'migration', pageSizes, maximumDirtyBitmapSize };
    }
    case iommuCapabilityIds.VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL: {
      const decoded = dmaAvailableStruct.decode(order, raw.bytes);
      if (!decoded.ok) return capabilityTruncated(raw, dmaAvailableStruct.end);
      return { kind: 'dmaAvailable', mappings: decoded.value.avail };
    }
    default:
      return unknownCapability(raw);
  }
};

export const decodeIommuInfo = (order: ByteOrder, bytes: Uint8Array): Result<IommuInfo> => {
  const decoded = iommuInfoStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { argsz, flags, iova_pgsizes: pageSizes, cap_offset: firstOffset } = decoded.value;
  const chain = walkCapabilities({
    order,
    bytes,
    fixedLength: iommuInfoStruct.end,
    announced: (flags & iommuInfoFlags.VFIO_IOMMU_INFO_CAPS) !== 0,
    argsz,
    firstOffset,
  });
  const saysPageSizes = (flags & iommuInfoFlags.VFIO_IOMMU_INFO_PGSIZES) !== 0;
  return success({
    flags,
    ...(saysPageSizes ? { pageSizes } : {}),
    ...decodeCapabilities(chain, (raw) => decodeCapability(order, raw)),
  });
};

/** Memory of this process that the device may reach. Addresses and size in bytes, aligned to the IOMMU's pages. */
export interface DmaMapping {
  readonly processAddress: bigint;
  readonly iova: bigint;
  readonly size: bigint;
  readonly access: 'read' | 'write' | 'readWrite';
}

const accessFlags: Readonly<Record<DmaMapping['access'], number>> = {
  read: dmaMapFlags.VFIO_DMA_MAP_FLAG_READ,
  write: dmaMapFlags.VFIO_DMA_MAP_FLAG_WRITE,
  readWrite: dmaMapFlags.VFIO_DMA_MAP_FLAG_READ | dmaMapFlags.VFIO_DMA_MAP_FLAG_WRITE,
};

/** VFIO_IOMMU_MAP_DMA. */
export const encodeDmaMap = (order: ByteOrder, mapping: DmaMapping): Uint8Array =>
  dmaMapStruct.encode(order, {
    argsz: dmaMapStruct.size,
    flags: accessFlags[mapping.access],
    vaddr: mapping.processAddress,
    iova: mapping.iova,
    size: mapping.size,
  });

/** VFIO_IOMMU_UNMAP_DMA of one range, which must be what was mapped. */
export const encodeDmaUnmap = (order: ByteOrder, iova: bigint, size: bigint): Uint8Array =>
  dmaUnmapStruct.encode(order, { argsz: dmaUnmapStruct.size, iova, size });

/** VFIO_IOMMU_UNMAP_DMA of everything; needs the extension VFIO_UNMAP_ALL. */
export const encodeDmaUnmapAll = (order: ByteOrder): Uint8Array =>
  dmaUnmapStruct.encode(order, { argsz: dmaUnmapStruct.size, flags: dmaUnmapFlags.VFIO_DMA_UNMAP_FLAG_ALL });

/** How many bytes the kernel unmapped: it writes them into `size`, and 0 is no error for it. */
export const decodeDmaUnmapped = (order: ByteOrder, bytes: Uint8Array): Result<bigint> => {
  const decoded = dmaUnmapStruct.decode(order, bytes);
  return decoded.ok ? success(decoded.value.size) : decoded;
};
