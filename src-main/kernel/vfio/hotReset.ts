import { formatPciAddress, type PciAddress } from '../../core/pci/address.ts';
import { errnoNumbers } from '../../core/errno.ts';
import { success, type Result } from '../../core/result.ts';
import {
  decodeHotResetInfo,
  encodeHotReset,
  encodeHotResetInfoRequest,
  type DependentDevice,
} from '../../core/vfio/hotReset.ts';
import { vfioRequests } from '../../core/vfio/numbers.ts';
import { hostOrder, type Kernel } from '../kernel.ts';
import { refused } from '../refusal.ts';
import type { VfioDeviceFile } from './deviceFile.ts';
import type { VfioGroups } from './groups.ts';

export interface AffectedDevice {
  readonly address: PciAddress;
  readonly owner: DependentDevice['owner'];
}

/** Enough for a bus full of functions, so that one call does. */
const usualCapacity = 256;

/** The functions that a hot reset takes down, this one among them; `notSupported` where there is no such reset. */
export const affectedByHotReset = (
  { calls }: Pick<Kernel, 'calls'>,
  file: VfioDeviceFile,
): Result<readonly AffectedDevice[]> => {
  let capacity = usualCapacity;
  for (;;) {
    const bytes = encodeHotResetInfoRequest(hostOrder, capacity);
    const answer = calls.ioctl(file.fd, vfioRequests.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, bytes);
    if (!answer.ok && answer.errno !== errnoNumbers.ENOSPC) {
      const code = answer.errno === errnoNumbers.ENODEV ? 'notSupported' : undefined;
      return refused(answer.errno, `${file.address} has no hot reset; use "device".`, code);
    }
    const info = decodeHotResetInfo(hostOrder, bytes);
    if (!info.ok) return info;
    if (answer.ok) return addressed(info.value.devices);
    if (info.value.count <= capacity) {
      return refused(answer.errno, `The kernel did not list what a hot reset of ${file.address} affects.`);
    }
    capacity = info.value.count;
  }
};

const addressed = (devices: readonly DependentDevice[]): Result<readonly AffectedDevice[]> => {
  const affected: AffectedDevice[] = [];
  for (const { owner, segment, bus, device, function: fn } of devices) {
    const address = formatPciAddress({ domain: segment, bus, device, function: fn });
    if (!address.ok) return address;
    affected.push({ address: address.value, owner });
  }
  return success(affected);
};

/**
 * VFIO_DEVICE_PCI_HOT_RESET with every affected group owned, in a thread of its own. A group that nobody holds is
 * opened for as long as the reset lasts: that it can be opened proves that no other program uses its devices.
 */
export const hotReset = async (
  kernel: Pick<Kernel, 'calls' | 'blocking'>,
  groups: VfioGroups,
  file: VfioDeviceFile,
  way: 'group' | 'iommufd',
): Promise<Result<readonly PciAddress[]>> => {
  const affected = affectedByHotReset(kernel, file);
  if (!affected.ok) return affected;
  const borrowed: number[] = [];
  const groupFds: number[] = [];
  try {
    for (const group of way === 'group' ? groupsOf(affected.value) : []) {
      const held = groups.fileOf(group);
      if (held !== undefined) {
        groupFds.push(held);
        continue;
      }
      const opened = groups.openFile(group);
      if (!opened.ok) return opened;
      borrowed.push(opened.value);
      groupFds.push(opened.value);
    }
    const answer = await kernel.blocking.make({
      call: 'ioctl',
      fd: file.fd,
      request: vfioRequests.VFIO_DEVICE_PCI_HOT_RESET,
      argument: encodeHotReset(hostOrder, groupFds),
    });
    if (!answer.ok) return answer;
    const addresses = affected.value.map(({ address }) => address);
    const { result } = answer.value;
    return result.ok
      ? success(addresses)
      : refused(result.errno, hotResetSentence(file.address, addresses, result.errno));
  } finally {
    for (const fd of borrowed) kernel.calls.close(fd);
  }
};

const groupsOf = (affected: readonly AffectedDevice[]): ReadonlySet<number> =>
  new Set(affected.flatMap(({ owner }) => (owner.kind === 'group' ? [owner.groupId] : [])));

const hotResetSentence = (address: PciAddress, affected: readonly PciAddress[], errno: number): string =>
  errno === errnoNumbers.EAGAIN
    ? `${address} cannot be reset now: the kernel holds the lock of ${affected.join(' or ')}; ack or withdraw first.`
    : `The hot reset of ${address} was refused; it would take down ${affected.join(', ')}, and all of them have to be bound to VFIO.`;
