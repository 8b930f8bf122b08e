import { byteAt, longAt, wordAt } from '../../core/pci/bytes.ts';
import { walkCapabilities } from '../../core/pci/capabilities.ts';
import { capabilityId } from '../../core/pci/capability-ids.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { AccessWidth } from '../session/vfioDevice.ts';

/** Where a virtio structure lies: struct virtio_pci_cap (virtio 1.2, 4.1.4; include/uapi/linux/virtio_pci.h). */
export interface VirtioStructure {
  readonly bar: number;
  readonly offset: number;
  readonly length: number;
}

export interface VirtioLayout {
  readonly common: VirtioStructure;
  readonly notify: VirtioStructure & { readonly multiplier: number };
}

const virtioCapability = { length: 2, type: 3, bar: 4, offset: 8, size: 12, multiplier: 16 } as const;
const commonType = 1;
const notifyType = 2;

/** Finds the structures of a modern virtio device in its config space. */
export const virtioLayoutOf = (config: Uint8Array): Result<VirtioLayout> => {
  let common: VirtioLayout['common'] | undefined;
  let notify: VirtioLayout['notify'] | undefined;
  for (const { id, extended, offset: at } of walkCapabilities(config).capabilities) {
    if (extended || id !== capabilityId.vendorSpecific) continue;
    const structure = {
      bar: byteAt(config, at + virtioCapability.bar),
      offset: longAt(config, at + virtioCapability.offset),
      length: longAt(config, at + virtioCapability.size),
    };
    const type = byteAt(config, at + virtioCapability.type);
    // The first of its type is the one that the device prefers (4.1.4.1).
    if (type === commonType) common ??= structure;
    if (type === notifyType)
      notify ??= { ...structure, multiplier: longAt(config, at + virtioCapability.multiplier) };
  }
  return common === undefined || notify === undefined
    ? failure('notSupported', `The device ${wordAt(config, 0).toString(16)} has no modern virtio structures.`)
    : success({ common, notify });
};

/** struct virtio_pci_common_cfg: offset and width of each field. 64-bit fields are written as two halves (4.1.3.1). */
export const commonField = {
  deviceFeatureSelect: [0x00, 4],
  deviceFeature: [0x04, 4],
  driverFeatureSelect: [0x08, 4],
  driverFeature: [0x0c, 4],
  configMsixVector: [0x10, 2],
  deviceStatus: [0x14, 1],
  queueSelect: [0x16, 2],
  queueSize: [0x18, 2],
  queueMsixVector: [0x1a, 2],
  queueEnable: [0x1c, 2],
  queueNotifyOffset: [0x1e, 2],
  queueDescriptorLow: [0x20, 4],
  queueDescriptorHigh: [0x24, 4],
  queueDriverLow: [0x28, 4],
  queueDriverHigh: [0x2c, 4],
  queueDeviceLow: [0x30, 4],
  queueDeviceHigh: [0x34, 4],
} as const satisfies Readonly<Record<string, readonly [offset: number, width: AccessWidth]>>;

/** Device status (2.1). */
export const virtioStatus = {
  acknowledge: 0x01,
  driver: 0x02,
  driverOk: 0x04,
  featuresOk: 0x08,
  needsReset: 0x40,
  failed: 0x80,
} as const;

/** In the upper half of the 64 feature bits (6). */
export const upperFeature = { version1: 1 << 0, accessPlatform: 1 << 1 } as const;

/** VIRTIO_MSI_NO_VECTOR: what a vector register reads back when the device refused the vector. */
export const noVector = 0xffff;
