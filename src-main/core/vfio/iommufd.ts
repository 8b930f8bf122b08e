import { success } from '../result.ts';
import type { Result } from '../result.ts';
import type { DmaMapping } from './container.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/*
 * iommufd (include/uapi/linux/iommufd.h, from Linux 6.2) and the three calls that tie a VFIO device to it (vfio.h, from
 * Linux 6.6). Later kernels have appended to the latter (a token, a pasid); argsz tells the kernel that we give the
 * first form, which every version takes.
 */

/** `_IO(';', 0x80 + n)`, see `vfioRequests` for why it is the same on x86 and s390x. */
const iommufdRequest = (n: number): number => (0x3b << 8) | (0x80 + n);

export const iommufdRequests = {
  IOMMU_DESTROY: iommufdRequest(0),
  IOMMU_IOAS_ALLOC: iommufdRequest(1),
  IOMMU_IOAS_IOVA_RANGES: iommufdRequest(4),
  IOMMU_IOAS_MAP: iommufdRequest(5),
  IOMMU_IOAS_UNMAP: iommufdRequest(6),
} as const;

export const destroyStruct = struct('iommu_destroy', [
  ['size', 'u32'],
  ['id', 'u32'],
]);

export const ioasAllocStruct = struct('iommu_ioas_alloc', [
  ['size', 'u32'],
  ['flags', 'u32'],
  ['out_ioas_id', 'u32'],
]);

export const ioasIovaRangesStruct = struct('iommu_ioas_iova_ranges', [
  ['size', 'u32'],
  ['ioas_id', 'u32'],
  ['num_iovas', 'u32'],
  ['__reserved', 'u32'],
  ['allowed_iovas', 'u64'],
  ['out_iova_alignment', 'u64'],
]);

export const iommufdIovaRangeStruct = struct('iommu_iova_range', [
  ['start', 'u64'],
  ['last', 'u64'],
]);

export const ioasMapStruct = struct('iommu_ioas_map', [
  ['size', 'u32'],
  ['flags', 'u32'],
  ['ioas_id', 'u32'],
  ['__reserved', 'u32'],
  ['user_va', 'u64'],
  ['length', 'u64'],
  ['iova', 'u64'],
]);

export const ioasMapFlags = {
  IOMMU_IOAS_MAP_FIXED_IOVA: 1 << 0,
  IOMMU_IOAS_MAP_WRITEABLE: 1 << 1,
  IOMMU_IOAS_MAP_READABLE: 1 << 2,
} as const;

export const ioasUnmapStruct = struct('iommu_ioas_unmap', [
  ['size', 'u32'],
  ['ioas_id', 'u32'],
  ['iova', 'u64'],
  ['length', 'u64'],
]);

export const bindIommufdStruct = struct('vfio_device_bind_iommufd', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['iommufd', 's32'],
  ['out_devid', 'u32'],
]);

export const attachIommufdStruct = struct('vfio_device_attach_iommufd_pt', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['pt_id', 'u32'],
]);

export const detachIommufdStruct = struct('vfio_device_detach_iommufd_pt', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
]);

/** IOMMU_DESTROY of any iommufd object by its id. */
export const encodeDestroy = (order: ByteOrder, id: number): Uint8Array =>
  destroyStruct.encode(order, { size: destroyStruct.size, id });

/** IOMMU_IOAS_ALLOC: a new, empty I/O address space. */
export const encodeIoasAlloc = (order: ByteOrder): Uint8Array =>
  ioasAllocStruct.encode(order, { size: ioasAllocStruct.size });

/** The id of the new address space. */
export const decodeIoasAlloc = (order: ByteOrder, bytes: Uint8Array): Result<number> => {
  const decoded = ioasAllocStruct.decode(order, bytes);
  return decoded.ok ? success(decoded.value.out_ioas_id) : decoded;
};

/** IOMMU_IOAS_IOVA_RANGES into an array of `capacity` ranges at `arrayAddress`; EMSGSIZE when there are more. */
export const encodeIovaRangesRequest = (
  order: ByteOrder,
  ioasId: number,
  arrayAddress: bigint,
  capacity: number,
): Uint8Array =>
  ioasIovaRangesStruct.encode(order, {
    size: ioasIovaRangesStruct.size,
    ioas_id: ioasId,
    num_iovas: capacity,
    allowed_iovas: arrayAddress,
  });

export interface IovaRangesAnswer {
  /** How many ranges there are, whether or not they fitted. */
  readonly count: number;
  /** Bytes that an IOVA and a length must be multiples of. */
  readonly alignment: bigint;
}

export const decodeIovaRangesAnswer = (order: ByteOrder, bytes: Uint8Array): Result<IovaRangesAnswer> => {
  const decoded = ioasIovaRangesStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  return success({ count: decoded.value.num_iovas, alignment: decoded.value.out_iova_alignment });
};

const accessFlags: Readonly<Record<DmaMapping['access'], number>> = {
  read: ioasMapFlags.IOMMU_IOAS_MAP_READABLE,
  write: ioasMapFlags.IOMMU_IOAS_MAP_WRITEABLE,
  readWrite: ioasMapFlags.IOMMU_IOAS_MAP_READABLE | ioasMapFlags.IOMMU_IOAS_MAP_WRITEABLE,
};

/** IOMMU_IOAS_MAP at the given IOVA. */
export const encodeIoasMap = (order: ByteOrder, ioasId: number, mapping: DmaMapping): Uint8Array =>
  ioasMapStruct.encode(order, {
    size: ioasMapStruct.size,
    flags: ioasMapFlags.IOMMU_IOAS_MAP_FIXED_IOVA | accessFlags[mapping.access],
    ioas_id: ioasId,
    user_va: mapping.processAddress,
    length: mapping.size,
    iova: mapping.iova,
  });

/** IOMMU_IOAS_UNMAP. */
export const encodeIoasUnmap = (order: ByteOrder, ioasId: number, iova: bigint, length: bigint): Uint8Array =>
  ioasUnmapStruct.encode(order, { size: ioasUnmapStruct.size, ioas_id: ioasId, iova, length });

/** How many bytes were unmapped. */
export const decodeIoasUnmapped = (order: ByteOrder, bytes: Uint8Array): Result<bigint> => {
  const decoded = ioasUnmapStruct.decode(order, bytes);
  return decoded.ok ? success(decoded.value.length) : decoded;
};

/** VFIO_DEVICE_BIND_IOMMUFD. Before it, a device opened as a character device answers nothing else. */
export const encodeBindIommufd = (order: ByteOrder, iommufd: number): Uint8Array => {
  if (iommufd < 0) throw new RangeError(`${iommufd} is not a file descriptor.`);
  return bindIommufdStruct.encode(order, { argsz: bindIommufdStruct.size, iommufd });
};

/** The device's id within the iommufd, by which hot reset info names it. */
export const decodeBindIommufd = (order: ByteOrder, bytes: Uint8Array): Result<number> => {
  const decoded = bindIommufdStruct.decode(order, bytes);
  return decoded.ok ? success(decoded.value.out_devid) : decoded;
};

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT to an address space or a page table of the bound iommufd. */
export const encodeAttachIommufd = (order: ByteOrder, ioasId: number): Uint8Array =>
  attachIommufdStruct.encode(order, { argsz: attachIommufdStruct.size, pt_id: ioasId });

/** The id of the page table that the kernel attached, which may be one that it made for the address space. */
export const decodeAttachIommufd = (order: ByteOrder, bytes: Uint8Array): Result<number> => {
  const decoded = attachIommufdStruct.decode(order, bytes);
  return decoded.ok ? success(decoded.value.pt_id) : decoded;
};

/** VFIO_DEVICE_DETACH_IOMMUFD_PT: from now on the device's DMA is blocked. */
export const encodeDetachIommufd = (order: ByteOrder): Uint8Array =>
  detachIommufdStruct.encode(order, { argsz: detachIommufdStruct.size });
