import { success } from '../result.ts';
import type { Result } from '../result.ts';
import { decodeCapabilities, unknownCapability, walkCapabilities } from './capabilityChain.ts';
import type {
  CapabilityTruncated,
  ChainProblem,
  RawCapability,
  UnknownCapability,
} from './capabilityChain.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';
import { decodeZpciCapability } from './zpciCapabilities.ts';
import type { ZpciBaseCapability, ZpciCapability } from './zpciCapabilities.ts';

/** VFIO_DEVICE_GET_INFO (vfio.h, struct vfio_device_info). Linux 6.6 added a `pad` after it; argsz says what we give. */
export const deviceInfoStruct = struct('vfio_device_info', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['num_regions', 'u32'],
  ['num_irqs', 'u32'],
  ['cap_offset', 'u32'],
]);

export const deviceInfoFlags = {
  VFIO_DEVICE_FLAGS_RESET: 1 << 0,
  VFIO_DEVICE_FLAGS_PCI: 1 << 1,
  VFIO_DEVICE_FLAGS_PLATFORM: 1 << 2,
  VFIO_DEVICE_FLAGS_AMBA: 1 << 3,
  VFIO_DEVICE_FLAGS_CCW: 1 << 4,
  VFIO_DEVICE_FLAGS_AP: 1 << 5,
  VFIO_DEVICE_FLAGS_FSL_MC: 1 << 6,
  VFIO_DEVICE_FLAGS_CAPS: 1 << 7,
} as const;

export type DeviceInfoCapability = ZpciCapability | UnknownCapability;

export interface DeviceInfo {
  readonly flags: number;
  /** VFIO_DEVICE_RESET is available. */
  readonly supportsReset: boolean;
  readonly isPci: boolean;
  readonly regionCount: number;
  /** 5 on released kernels, 6 where VFIO_PCI_ERR_NOTIFY_IRQ_INDEX exists. */
  readonly irqCount: number;
  readonly capabilities: readonly DeviceInfoCapability[];
  readonly problems: readonly ChainProblem[];
}

/** Room for the four zPCI capabilities of every kernel so far, so that one call is enough. */
const usualLength = 512;

/**
 * `length` is that of the answer's buffer. Never shorter than the fixed part: with less, the kernel would leave
 * `cap_offset` as it was (vfio_pci_core.c, vfio_pci_ioctl_get_info).
 */
export const encodeDeviceInfoRequest = (order: ByteOrder, length: number = usualLength): Uint8Array => {
  const argsz = Math.max(length, deviceInfoStruct.size);
  return deviceInfoStruct.encode(order, { argsz }, argsz - deviceInfoStruct.size);
};

const decodeCapability = (order: ByteOrder, raw: RawCapability): DeviceInfoCapability | CapabilityTruncated =>
  decodeZpciCapability(order, raw) ?? unknownCapability(raw);

/** `bytes` is the whole buffer after the call. A damaged chain is no failure: see `problems`. */
export const decodeDeviceInfo = (order: ByteOrder, bytes: Uint8Array): Result<DeviceInfo> => {
  const decoded = deviceInfoStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { argsz, flags, num_regions, num_irqs, cap_offset } = decoded.value;
  const chain = walkCapabilities({
    order,
    bytes,
    fixedLength: deviceInfoStruct.size,
    announced: (flags & deviceInfoFlags.VFIO_DEVICE_FLAGS_CAPS) !== 0,
    argsz,
    firstOffset: cap_offset,
  });
  return success({
    flags,
    supportsReset: (flags & deviceInfoFlags.VFIO_DEVICE_FLAGS_RESET) !== 0,
    isPci: (flags & deviceInfoFlags.VFIO_DEVICE_FLAGS_PCI) !== 0,
    regionCount: num_regions,
    irqCount: num_irqs,
    ...decodeCapabilities(chain, (raw) => decodeCapability(order, raw)),
  });
};

export const zpciBaseOf = (info: DeviceInfo): ZpciBaseCapability | undefined =>
  info.capabilities.find((capability) => capability.kind === 'zpciBase');
