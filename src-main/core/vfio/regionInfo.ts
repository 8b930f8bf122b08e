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

/** VFIO_DEVICE_GET_REGION_INFO (vfio.h, struct vfio_region_info). */
export const regionInfoStruct = struct('vfio_region_info', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['index', 'u32'],
  ['cap_offset', 'u32'],
  ['size', 'u64'],
  ['offset', 'u64'],
]);

export const regionInfoFlags = {
  VFIO_REGION_INFO_FLAG_READ: 1 << 0,
  VFIO_REGION_INFO_FLAG_WRITE: 1 << 1,
  VFIO_REGION_INFO_FLAG_MMAP: 1 << 2,
  VFIO_REGION_INFO_FLAG_CAPS: 1 << 3,
} as const;

export const regionCapabilityIds = {
  VFIO_REGION_INFO_CAP_SPARSE_MMAP: 1,
  VFIO_REGION_INFO_CAP_TYPE: 2,
  VFIO_REGION_INFO_CAP_MSIX_MAPPABLE: 3,
} as const;

export const sparseMmapStruct = struct('vfio_region_info_cap_sparse_mmap', [
  ...headerFields,
  ['nr_areas', 'u32'],
  ['reserved', 'u32'],
]);

export const sparseMmapAreaStruct = struct('vfio_region_sparse_mmap_area', [
  ['offset', 'u64'],
  ['size', 'u64'],
]);

export const regionTypeStruct = struct('vfio_region_info_cap_type', [
  ...headerFields,
  ['type', 'u32'],
  ['subtype', 'u32'],
]);

/** A part of a region, in bytes from the start of that region. */
export interface MappableArea {
  readonly offset: bigint;
  readonly size: bigint;
}

export type RegionCapability =
  | { readonly kind: 'sparseMmap'; readonly areas: readonly MappableArea[] }
  | { readonly kind: 'type'; readonly type: number; readonly subtype: number }
  | { readonly kind: 'msixMappable' }
  | UnknownCapability;

export interface RegionInfo {
  readonly index: number;
  /** Bytes; 0 for a region that the device does not implement. */
  readonly size: bigint;
  /** Where the region starts in the device's file. Kernels have put region n at n << 40, but nothing promises it. */
  readonly offset: bigint;
  readonly flags: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly mappable: boolean;
  readonly capabilities: readonly RegionCapability[];
  readonly problems: readonly ChainProblem[];
}

/** `length` is that of the answer's buffer; what `bufferTooSmall` names, when the first answer reported that. */
export const encodeRegionInfoRequest = (
  order: ByteOrder,
  index: number,
  length: number = regionInfoStruct.size,
): Uint8Array => {
  const argsz = Math.max(length, regionInfoStruct.size);
  return regionInfoStruct.encode(order, { argsz, index }, argsz - regionInfoStruct.size);
};

const decodeSparseMmap = (order: ByteOrder, raw: RawCapability): RegionCapability | CapabilityTruncated => {
  const count = sparseMmapStruct.read(order, raw.bytes, 'nr_areas');
  if (count === undefined) return capabilityTruncated(raw, sparseMmapStruct.end);
  const neededLength = sparseMmapStruct.size + count * sparseMmapAreaStruct.size;
  // Compared before anything is allocated: a count from bad bytes may be four thousand million.
  if (raw.bytes.length < neededLength) return capabilityTruncated(raw, neededLength);
  const areas: MappableArea[] = [];
  for (let position = 0; position < count; position += 1) {
    const start = sparseMmapStruct.size + position * sparseMmapAreaStruct.size;
    const area = sparseMmapAreaStruct.decode(order, raw.bytes.subarray(start));
    if (area.ok) areas.push(area.value);
  }
  return { kind: 'sparseMmap', areas };
};

const decodeCapability = (order: ByteOrder, raw: RawCapability): RegionCapability | CapabilityTruncated => {
  switch (raw.id) {
    case regionCapabilityIds.VFIO_REGION_INFO_CAP_SPARSE_MMAP:
      return decodeSparseMmap(order, raw);
    case regionCapabilityIds.VFIO_REGION_INFO_CAP_TYPE: {
      const decoded = regionTypeStruct.decode(order, raw.bytes);
      if (!decoded.ok) return capabilityTruncated(raw, regionTypeStruct.end);
      return { kind: 'type', type: decoded.value.type, subtype: decoded.value.subtype };
    }
    case regionCapabilityIds.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE:
      return { kind: 'msixMappable' };
    default:
      return unknownCapability(raw);
  }
};

export const decodeRegionInfo = (order: ByteOrder, bytes: Uint8Array): Result<RegionInfo> => {
  const decoded = regionInfoStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { argsz, flags, index, size, offset, cap_offset: firstOffset } = decoded.value;
  const chain = walkCapabilities({
    order,
    bytes,
    fixedLength: regionInfoStruct.size,
    announced: (flags & regionInfoFlags.VFIO_REGION_INFO_FLAG_CAPS) !== 0,
    argsz,
    firstOffset,
  });
  return success({
    index,
    size,
    offset,
    flags,
    readable: (flags & regionInfoFlags.VFIO_REGION_INFO_FLAG_READ) !== 0,
    writable: (flags & regionInfoFlags.VFIO_REGION_INFO_FLAG_WRITE) !== 0,
    mappable: (flags & regionInfoFlags.VFIO_REGION_INFO_FLAG_MMAP) !== 0,
    ...decodeCapabilities(chain, (raw) => decodeCapability(order, raw)),
  });
};
