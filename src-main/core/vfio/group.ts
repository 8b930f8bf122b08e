import { success } from '../result.ts';
import type { Result } from '../result.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** VFIO_GROUP_GET_STATUS (vfio.h, struct vfio_group_status). */
export const groupStatusStruct = struct('vfio_group_status', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
]);

export const groupStatusFlags = {
  VFIO_GROUP_FLAGS_VIABLE: 1 << 0,
  VFIO_GROUP_FLAGS_CONTAINER_SET: 1 << 1,
} as const;

/** The argument of VFIO_GROUP_SET_CONTAINER: a pointer to the container's file descriptor. It has no name in vfio.h. */
const fileDescriptorStruct = struct('__s32', [['fd', 's32']]);

export interface GroupStatus {
  readonly flags: number;
  /** Every device of the group is bound to VFIO or to no driver at all; else SET_CONTAINER says EPERM. */
  readonly viable: boolean;
  readonly containerSet: boolean;
}

export const encodeGroupStatusRequest = (order: ByteOrder): Uint8Array =>
  groupStatusStruct.encode(order, { argsz: groupStatusStruct.size });

export const decodeGroupStatus = (order: ByteOrder, bytes: Uint8Array): Result<GroupStatus> => {
  const decoded = groupStatusStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { flags } = decoded.value;
  return success({
    flags,
    viable: (flags & groupStatusFlags.VFIO_GROUP_FLAGS_VIABLE) !== 0,
    containerSet: (flags & groupStatusFlags.VFIO_GROUP_FLAGS_CONTAINER_SET) !== 0,
  });
};

/** VFIO_GROUP_SET_CONTAINER. VFIO_GROUP_UNSET_CONTAINER has no argument. */
export const encodeSetContainer = (order: ByteOrder, containerFd: number): Uint8Array => {
  if (containerFd < 0) throw new RangeError(`${containerFd} is not a file descriptor.`);
  return fileDescriptorStruct.encode(order, { fd: containerFd });
};

/** VFIO_GROUP_GET_DEVICE_FD takes the device's address as a C string, `0000:01:00.0`; it returns the descriptor. */
export const encodeDeviceName = (address: string): Uint8Array => {
  if (!/^[\x21-\x7e]+$/.test(address)) throw new RangeError(`"${address}" is not a device name.`);
  return Uint8Array.from([...address, '\0'], (character) => character.charCodeAt(0));
};
