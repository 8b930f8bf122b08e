/** What a vendor put there: vendor-specific capabilities, virtio's among them, and the subsystem id of bridges. */
import { byteAt, wordAt } from '../bytes.ts';
import {
  bits,
  conventionalHead,
  extendedHead,
  hexadecimal,
  oneOf,
  plain,
  register,
} from './specification.ts';
import type { Layout, RegisterSpecification } from './specification.ts';

/** Dwords without fields, from `first` to the end of the capability. */
export const rawDwords = (first: number, length: number): readonly RegisterSpecification[] =>
  Array.from({ length: Math.max(0, Math.ceil((length - first) / 4)) }, (_, index) =>
    register(first + 4 * index, 4, `raw${hexadecimal(2)(first + 4 * index, 0)}`, undefined, []),
  );

const virtioKinds = oneOf(
  'reserved',
  'CommonCfg',
  'Notify',
  'ISR',
  'DeviceCfg',
  'PciCfg',
  'reserved',
  'reserved',
  'SharedMemory',
  'VendorCfg',
);

/** struct virtio_pci_cap (virtio 1.2, 4.1.4; include/uapi/linux/virtio_pci.h). */
const virtio: readonly RegisterSpecification[] = [
  conventionalHead,
  plain(0x02, 1, 'length', 'Len', hexadecimal(2)),
  plain(0x03, 1, 'configurationType', 'VirtIO', virtioKinds),
  plain(0x04, 1, 'bar', 'BAR'),
  plain(0x05, 1, 'id'),
  plain(0x08, 4, 'offset', 'offset', hexadecimal(8)),
  plain(0x0c, 4, 'structureLength', 'size', hexadecimal(8)),
];
const virtioNotify = [...virtio, plain(0x10, 4, 'notifyMultiplier', 'multiplier', hexadecimal(8))];
const virtioWindow = [...virtio, plain(0x10, 4, 'windowData', undefined, hexadecimal(8))];

const vendorHead: readonly RegisterSpecification[] = [
  conventionalHead,
  plain(0x02, 1, 'length', 'Len', hexadecimal(2)),
  plain(0x03, 1, 'vendorByte', undefined, hexadecimal(2)),
];

const isVirtio = (config: Uint8Array): boolean => {
  const deviceId = wordAt(config, 2);
  return wordAt(config, 0) === 0x1af4 && deviceId >= 0x1000 && deviceId <= 0x107f;
};

export const vendorSpecific: Layout = ({ config, offset, length }) => {
  if (!isVirtio(config) || length < 16) return [...vendorHead, ...rawDwords(4, length)];
  const kind = byteAt(config, offset + 3);
  if (length < 20) return virtio;
  return kind === 2 ? virtioNotify : kind === 5 ? virtioWindow : virtio;
};

/** PCI_SSVID_* */
export const bridgeSubsystemId: readonly RegisterSpecification[] = [
  conventionalHead,
  plain(0x04, 2, 'subsystemVendorId', undefined, hexadecimal(4)),
  plain(0x06, 2, 'subsystemId', undefined, hexadecimal(4)),
];

/** VSEC (PCIe 7.9.5; PCI_VNDR_HEADER): the id means something to the vendor of the function only. */
export const extendedVendorSpecific: Layout = ({ length }) => [
  extendedHead,
  register(0x04, 4, 'vendorHeader', 'Vendor Specific Information', [
    bits(15, 0, 'id', 'ID', hexadecimal(4)),
    bits(19, 16, 'revision', 'Rev'),
    bits(31, 20, 'length', 'Len', hexadecimal(3)),
  ]),
  ...rawDwords(8, length),
];

/** DVSEC (PCIe 7.9.6; PCI_DVSEC_*): the id means something to the vendor named here, for example CXL. */
export const designatedVendorSpecific: Layout = ({ length }) => [
  extendedHead,
  register(0x04, 4, 'header1', undefined, [
    bits(15, 0, 'vendorId', 'Vendor', hexadecimal(4)),
    bits(19, 16, 'revision', 'Rev'),
    bits(31, 20, 'length', 'Len'),
  ]),
  register(0x08, 2, 'header2', undefined, [bits(15, 0, 'id', 'ID', hexadecimal(4))]),
  register(0x0a, 2, 'raw0a', undefined, []),
  ...rawDwords(0x0c, length),
];
