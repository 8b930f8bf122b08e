import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';
import { struct, viewOf } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** VFIO_DEVICE_GET_PCI_HOT_RESET_INFO (vfio.h); followed by `count` struct vfio_pci_dependent_device. */
export const hotResetInfoStruct = struct('vfio_pci_hot_reset_info', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['count', 'u32'],
]);

/** `group_id` is a union with `devid` from Linux 6.6 on. */
export const dependentDeviceStruct = struct('vfio_pci_dependent_device', [
  ['group_id', 'u32'],
  ['segment', 'u16'],
  ['bus', 'u8'],
  ['devfn', 'u8'],
]);

/** VFIO_DEVICE_PCI_HOT_RESET (vfio.h); followed by `count` file descriptors of groups. */
export const hotResetStruct = struct('vfio_pci_hot_reset', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['count', 'u32'],
]);

export const hotResetFlags = {
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID: 1 << 0,
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED: 1 << 1,
} as const;

export const deviceIdValues = {
  VFIO_PCI_DEVID_OWNED: 0,
  VFIO_PCI_DEVID_NOT_OWNED: 0xffff_ffff,
} as const;

/** Who a device that a hot reset takes down belongs to; only the iommufd way of opening answers by ownership. */
export type DependentOwner =
  | { readonly kind: 'group'; readonly groupId: number }
  | { readonly kind: 'deviceId'; readonly deviceId: number }
  | { readonly kind: 'ownedThroughGroup' }
  | { readonly kind: 'notOwned' };

export interface DependentDevice {
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  readonly owner: DependentOwner;
}

export interface HotResetInfo {
  readonly flags: number;
  /**
   * How many devices the reset takes down. More than `devices` after ENOSPC: ask again with room for so many.
   */
  readonly count: number;
  readonly devices: readonly DependentDevice[];
  /** Only with iommufd: whether every affected device is ours, so that a reset will be allowed. */
  readonly allOwned?: boolean;
}

/** Asks with room for `capacity` devices; 0 is a question for their number, answered by ENOSPC and `count`. */
export const encodeHotResetInfoRequest = (order: ByteOrder, capacity: number): Uint8Array => {
  const extraLength = capacity * dependentDeviceStruct.size;
  return hotResetInfoStruct.encode(order, { argsz: hotResetInfoStruct.size + extraLength }, extraLength);
};

const ownerOf = (id: number, byDeviceId: boolean): DependentOwner => {
  if (!byDeviceId) return { kind: 'group', groupId: id };
  if (id === deviceIdValues.VFIO_PCI_DEVID_NOT_OWNED) return { kind: 'notOwned' };
  if (id === deviceIdValues.VFIO_PCI_DEVID_OWNED) return { kind: 'ownedThroughGroup' };
  return { kind: 'deviceId', deviceId: id };
};

/** Lists as many devices as the buffer can hold: after ENOSPC the kernel has written the count alone. */
export const decodeHotResetInfo = (order: ByteOrder, bytes: Uint8Array): Result<HotResetInfo> => {
  const decoded = hotResetInfoStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { flags, count } = decoded.value;
  const byDeviceId = (flags & hotResetFlags.VFIO_PCI_HOT_RESET_FLAG_DEV_ID) !== 0;
  const capacity = Math.floor((bytes.length - hotResetInfoStruct.size) / dependentDeviceStruct.size);
  const devices: DependentDevice[] = [];
  for (let position = 0; count <= capacity && position < count; position += 1) {
    const start = hotResetInfoStruct.size + position * dependentDeviceStruct.size;
    const entry = dependentDeviceStruct.decode(order, bytes.subarray(start));
    if (!entry.ok) return entry;
    const { group_id, segment, bus, devfn } = entry.value;
    devices.push({
      segment,
      bus,
      device: devfn >> 3,
      function: devfn & 7,
      owner: ownerOf(group_id, byDeviceId),
    });
  }
  const allOwned = (flags & hotResetFlags.VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED) !== 0;
  return success({ flags, count, devices, ...(byDeviceId ? { allOwned } : {}) });
};

/**
 * `groupFds`: one open group file for each affected group, the proof that all of them are ours. None when the device
 * was opened through iommufd.
 */
export const encodeHotReset = (order: ByteOrder, groupFds: readonly number[]): Uint8Array => {
  const extraLength = groupFds.length * 4;
  const argsz = hotResetStruct.size + extraLength;
  const bytes = hotResetStruct.encode(order, { argsz, count: groupFds.length }, extraLength);
  const view = viewOf(bytes);
  groupFds.forEach((groupFd, position) => {
    if (!Number.isInteger(groupFd) || groupFd < 0 || groupFd > 0x7fff_ffff) {
      throw new RangeError(`${groupFd} is not a file descriptor.`);
    }
    view.setInt32(hotResetStruct.size + position * 4, groupFd, order === 'little');
  });
  return bytes;
};

export const decodeHotReset = (order: ByteOrder, bytes: Uint8Array): Result<readonly number[]> => {
  const decoded = hotResetStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { count } = decoded.value;
  const neededLength = hotResetStruct.size + count * 4;
  if (bytes.length < neededLength) {
    return failure(
      'malformedStruct',
      `vfio_pci_hot_reset with ${count} groups needs ${neededLength} bytes, but there are ${bytes.length}.`,
      { details: { struct: hotResetStruct.name, neededLength, actualLength: bytes.length } },
    );
  }
  const view = viewOf(bytes);
  return success(
    Array.from({ length: count }, (_, position) =>
      view.getInt32(hotResetStruct.size + position * 4, order === 'little'),
    ),
  );
};
