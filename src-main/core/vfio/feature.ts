import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** VFIO_DEVICE_FEATURE (vfio.h, struct vfio_device_feature); followed by the feature's own payload. */
export const featureStruct = struct('vfio_device_feature', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
]);

export const featureFlags = {
  VFIO_DEVICE_FEATURE_MASK: 0xffff,
  VFIO_DEVICE_FEATURE_GET: 1 << 16,
  VFIO_DEVICE_FEATURE_SET: 1 << 17,
  VFIO_DEVICE_FEATURE_PROBE: 1 << 18,
} as const;

export const featureNumbers = {
  VFIO_DEVICE_FEATURE_PCI_VF_TOKEN: 0,
  VFIO_DEVICE_FEATURE_MIGRATION: 1,
  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE: 2,
  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY: 3,
  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP: 4,
  VFIO_DEVICE_FEATURE_LOW_POWER_EXIT: 5,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_START: 6,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP: 7,
  VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT: 8,
  VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: 9,
  VFIO_DEVICE_FEATURE_BUS_MASTER: 10,
  VFIO_DEVICE_FEATURE_DMA_BUF: 11,
  VFIO_DEVICE_FEATURE_ZPCI_ERROR: 13,
} as const;

/** Payload of VFIO_DEVICE_FEATURE_ZPCI_ERROR (Linux 7.3): the address of the buffer that the kernel fills. */
export const zpciErrorStruct = struct('vfio_device_feature_zpci_err', [['data', 'u64']]);

export type FeatureAccess = 'get' | 'set' | 'either';

const { VFIO_DEVICE_FEATURE_MASK, VFIO_DEVICE_FEATURE_GET } = featureFlags;
const { VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_PROBE } = featureFlags;

const request = (
  order: ByteOrder,
  operation: number,
  feature: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array => {
  if (!Number.isInteger(feature) || feature < 0 || feature > VFIO_DEVICE_FEATURE_MASK) {
    throw new RangeError(`${feature} is not a device feature: the number has 16 bits.`);
  }
  const argsz = featureStruct.size + payload.length;
  const bytes = featureStruct.encode(order, { argsz, flags: operation | feature }, payload.length);
  bytes.set(payload, featureStruct.size);
  return bytes;
};

/** Asks whether the device has a feature, and lets it be read or written. ENOTTY = no. Changes nothing. */
export const encodeFeatureProbe = (
  order: ByteOrder,
  feature: number,
  access: FeatureAccess = 'either',
): Uint8Array => {
  const get = access === 'get' ? VFIO_DEVICE_FEATURE_GET : 0;
  const set = access === 'set' ? VFIO_DEVICE_FEATURE_SET : 0;
  return request(order, VFIO_DEVICE_FEATURE_PROBE | get | set, feature);
};

/** `payload` is what the kernel reads before it overwrites it: zeros for most features. */
export const encodeFeatureGet = (order: ByteOrder, feature: number, payload: Uint8Array): Uint8Array =>
  request(order, VFIO_DEVICE_FEATURE_GET, feature, payload);

export const encodeFeatureSet = (order: ByteOrder, feature: number, payload: Uint8Array): Uint8Array =>
  request(order, VFIO_DEVICE_FEATURE_SET, feature, payload);

/**
 * Takes the oldest pending CCDF of a zPCI function off the kernel's queue of four and stores it at `bufferAddress`,
 * which must have room for the `errorRecordLength` of the ZPCI_BASE capability. ENOMSG = none pending.
 */
export const encodeZpciErrorGet = (order: ByteOrder, bufferAddress: bigint): Uint8Array => {
  if (bufferAddress === 0n) throw new RangeError('The buffer address must not be 0: the kernel refuses it.');
  return encodeFeatureGet(
    order,
    featureNumbers.VFIO_DEVICE_FEATURE_ZPCI_ERROR,
    zpciErrorStruct.encode(order, { data: bufferAddress }),
  );
};

export interface FeatureRequest {
  readonly feature: number;
  readonly operation: 'probe' | 'get' | 'set';
  /** What a probe asks about; the same as the operation otherwise. */
  readonly access: FeatureAccess;
  readonly payload: Uint8Array;
}

/** Reads a request, or the answer in the same buffer: then `payload` is what the kernel wrote. */
export const decodeFeature = (order: ByteOrder, bytes: Uint8Array): Result<FeatureRequest> => {
  const decoded = featureStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { argsz, flags } = decoded.value;
  const get = (flags & VFIO_DEVICE_FEATURE_GET) !== 0;
  const set = (flags & VFIO_DEVICE_FEATURE_SET) !== 0;
  const probe = (flags & VFIO_DEVICE_FEATURE_PROBE) !== 0;
  if (argsz < featureStruct.size || argsz > bytes.length) {
    return failure(
      'malformedStruct',
      `vfio_device_feature says that it has ${argsz} bytes, but there are ${bytes.length}.`,
      { details: { struct: featureStruct.name, argsz, actualLength: bytes.length } },
    );
  }
  // vfio_ioctl_device_feature(): GET and SET exclude each other, except in a probe; one of the three must be there.
  if (!probe && get === set) {
    return failure('malformedStruct', 'vfio_device_feature must be a probe, a get or a set.', {
      details: { struct: featureStruct.name, flags },
    });
  }
  return success({
    feature: flags & VFIO_DEVICE_FEATURE_MASK,
    operation: probe ? 'probe' : get ? 'get' : 'set',
    access: get === set ? 'either' : get ? 'get' : 'set',
    payload: bytes.subarray(featureStruct.size, argsz),
  });
};

/** The buffer address in the payload of a get of VFIO_DEVICE_FEATURE_ZPCI_ERROR. */
export const decodeZpciErrorAddress = (order: ByteOrder, payload: Uint8Array): Result<bigint> => {
  const decoded = zpciErrorStruct.decode(order, payload);
  return decoded.ok ? success(decoded.value.data) : decoded;
};
