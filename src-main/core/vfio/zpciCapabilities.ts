import { decodeEbcdic } from '../zpci/ebcdic.ts';
import { capabilityTruncated, headerFields } from './capabilityChain.ts';
import type { CapabilityTruncated, RawCapability } from './capabilityChain.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** The zPCI capabilities of VFIO_DEVICE_GET_INFO (include/uapi/linux/vfio_zdev.h). */
export const zpciCapabilityIds = {
  VFIO_DEVICE_INFO_CAP_ZPCI_BASE: 1,
  VFIO_DEVICE_INFO_CAP_ZPCI_GROUP: 2,
  VFIO_DEVICE_INFO_CAP_ZPCI_UTIL: 3,
  VFIO_DEVICE_INFO_CAP_ZPCI_PFIP: 4,
} as const;

/** Version 1 ends at `gid`, version 2 at `fh`, version 3 (Linux 7.3) at `ccdf_err_length`. */
export const zpciBaseStruct = struct('vfio_device_info_cap_zpci_base', [
  ...headerFields,
  ['start_dma', 'u64'],
  ['end_dma', 'u64'],
  ['pchid', 'u16'],
  ['vfn', 'u16'],
  ['fmb_length', 'u16'],
  ['pft', 'u8'],
  ['gid', 'u8'],
  ['fh', 'u32'],
  ['ccdf_err_length', 'u32'],
]);

/** Version 1 ends at `version`, version 2 at `imaxstbl`. */
export const zpciGroupStruct = struct('vfio_device_info_cap_zpci_group', [
  ...headerFields,
  ['dasm', 'u64'],
  ['msi_addr', 'u64'],
  ['flags', 'u64'],
  ['mui', 'u16'],
  ['noi', 'u16'],
  ['maxstbl', 'u16'],
  ['version', 'u8'],
  ['reserved', 'u8'],
  ['imaxstbl', 'u16'],
]);

export const zpciGroupFlags = { VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH: 1 } as const;

/** Followed by `size` bytes. */
export const zpciUtilityStruct = struct('vfio_device_info_cap_zpci_util', [...headerFields, ['size', 'u32']]);
export const zpciFunctionPathStruct = struct('vfio_device_info_cap_zpci_pfip', [
  ...headerFields,
  ['size', 'u32'],
]);

export interface ZpciBaseCapability {
  readonly kind: 'zpciBase';
  readonly version: number;
  /** First and last address that the device may use for DMA. */
  readonly startDma: bigint;
  readonly endDma: bigint;
  readonly physicalChannelId: number;
  readonly virtualFunctionNumber: number;
  /** Bytes of the function measurement block. */
  readonly measurementBlockLength: number;
  readonly functionType: number;
  readonly groupId: number;
  /** From version 2 on. Volatile: it changes when the function is enabled anew. */
  readonly functionHandle?: number;
  /** From version 3 on: bytes that a read of VFIO_DEVICE_FEATURE_ZPCI_ERROR fills. Absent = an older kernel. */
  readonly errorRecordLength?: number;
}

export interface ZpciGroupCapability {
  readonly kind: 'zpciGroup';
  readonly version: number;
  readonly dmaAddressSpaceMask: bigint;
  readonly msiAddress: bigint;
  readonly programSpecifiedTlbRefresh: boolean;
  readonly flags: bigint;
  /** Milliseconds between updates of the measurement block. */
  readonly measurementUpdateInterval: number;
  readonly maximumMsiCount: number;
  readonly maximumStoreBlockLength: number;
  readonly pciVersion: number;
  /** From version 2 on. */
  readonly maximumInterpretedStoreBlockLength?: number;
}

export interface ZpciUtilityCapability {
  readonly kind: 'zpciUtility';
  readonly version: number;
  readonly bytes: Uint8Array;
  /** The bytes read as EBCDIC, without the blanks and zeros at the end. */
  readonly text: string;
}

export interface ZpciFunctionPathCapability {
  readonly kind: 'zpciFunctionPath';
  readonly version: number;
  readonly segments: Uint8Array;
}

export type ZpciCapability =
  ZpciBaseCapability | ZpciGroupCapability | ZpciUtilityCapability | ZpciFunctionPathCapability;

const atLeast = (minimum: number, version: number, end: number): number => (version >= minimum ? end : 0);

const decodeBase = (order: ByteOrder, raw: RawCapability): ZpciBaseCapability | CapabilityTruncated => {
  const { bytes, version } = raw;
  const neededLength = Math.max(
    zpciBaseStruct.endOf('gid'),
    atLeast(2, version, zpciBaseStruct.endOf('fh')),
    atLeast(3, version, zpciBaseStruct.endOf('ccdf_err_length')),
  );
  if (bytes.length < neededLength) return capabilityTruncated(raw, neededLength);
  const functionHandle = version >= 2 ? zpciBaseStruct.read(order, bytes, 'fh') : undefined;
  const errorRecordLength = version >= 3 ? zpciBaseStruct.read(order, bytes, 'ccdf_err_length') : undefined;
  return {
    kind: 'zpciBase',
    version,
    startDma: zpciBaseStruct.read(order, bytes, 'start_dma') ?? 0n,
    endDma: zpciBaseStruct.read(order, bytes, 'end_dma') ?? 0n,
    physicalChannelId: zpciBaseStruct.read(order, bytes, 'pchid') ?? 0,
    virtualFunctionNumber: zpciBaseStruct.read(order, bytes, 'vfn') ?? 0,
    measurementBlockLength: zpciBaseStruct.read(order, bytes, 'fmb_length') ?? 0,
    functionType: zpciBaseStruct.read(order, bytes, 'pft') ?? 0,
    groupId: zpciBaseStruct.read(order, bytes, 'gid') ?? 0,
    ...(functionHandle === undefined ? {} : { functionHandle }),
    ...(errorRecordLength === undefined ? {} : { errorRecordLength }),
  };
};

const decodeGroup = (order: ByteOrder, raw: RawCapability): ZpciGroupCapability | CapabilityTruncated => {
  const { bytes, version } = raw;
  const neededLength = Math.max(
    zpciGroupStruct.endOf('version'),
    atLeast(2, version, zpciGroupStruct.endOf('imaxstbl')),
  );
  if (bytes.length < neededLength) return capabilityTruncated(raw, neededLength);
  const flags = zpciGroupStruct.read(order, bytes, 'flags') ?? 0n;
  const interpretedLength = version >= 2 ? zpciGroupStruct.read(order, bytes, 'imaxstbl') : undefined;
  return {
    kind: 'zpciGroup',
    version,
    dmaAddressSpaceMask: zpciGroupStruct.read(order, bytes, 'dasm') ?? 0n,
    msiAddress: zpciGroupStruct.read(order, bytes, 'msi_addr') ?? 0n,
    flags,
    programSpecifiedTlbRefresh: (flags & BigInt(zpciGroupFlags.VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH)) !== 0n,
    measurementUpdateInterval: zpciGroupStruct.read(order, bytes, 'mui') ?? 0,
    maximumMsiCount: zpciGroupStruct.read(order, bytes, 'noi') ?? 0,
    maximumStoreBlockLength: zpciGroupStruct.read(order, bytes, 'maxstbl') ?? 0,
    pciVersion: zpciGroupStruct.read(order, bytes, 'version') ?? 0,
    ...(interpretedLength === undefined ? {} : { maximumInterpretedStoreBlockLength: interpretedLength }),
  };
};

/** The bytes after `size` of UTIL and PFIP, which have the same layout. */
const decodeSizedBytes = (order: ByteOrder, raw: RawCapability): Uint8Array | CapabilityTruncated => {
  const length = zpciUtilityStruct.read(order, raw.bytes, 'size');
  if (length === undefined) return capabilityTruncated(raw, zpciUtilityStruct.end);
  const end = zpciUtilityStruct.end + length;
  return raw.bytes.length < end
    ? capabilityTruncated(raw, end)
    : raw.bytes.subarray(zpciUtilityStruct.end, end);
};

/**
 * Decodes a zPCI capability; undefined when the id is not one, or its version is 0. A newer version than we know is
 * read as the newest that we know, because the kernel only appends.
 */
export const decodeZpciCapability = (
  order: ByteOrder,
  raw: RawCapability,
): ZpciCapability | CapabilityTruncated | undefined => {
  const { id, version } = raw;
  if (version === 0) return undefined;
  switch (id) {
    case zpciCapabilityIds.VFIO_DEVICE_INFO_CAP_ZPCI_BASE:
      return decodeBase(order, raw);
    case zpciCapabilityIds.VFIO_DEVICE_INFO_CAP_ZPCI_GROUP:
      return decodeGroup(order, raw);
    case zpciCapabilityIds.VFIO_DEVICE_INFO_CAP_ZPCI_UTIL: {
      const bytes = decodeSizedBytes(order, raw);
      if (!(bytes instanceof Uint8Array)) return bytes;
      return { kind: 'zpciUtility', version, bytes, text: decodeEbcdic(bytes) };
    }
    case zpciCapabilityIds.VFIO_DEVICE_INFO_CAP_ZPCI_PFIP: {
      const segments = decodeSizedBytes(order, raw);
      if (!(segments instanceof Uint8Array)) return segments;
      return { kind: 'zpciFunctionPath', version, segments };
    }
    default:
      return undefined;
  }
};
