import { describe, expect, it } from 'vitest';
import {
  encodeDmaMap,
  encodeDmaUnmap,
  encodeDmaUnmapAll,
  encodeIommuInfoRequest,
} from '../../../src-main/core/vfio/container.ts';
import { encodeDeviceInfoRequest } from '../../../src-main/core/vfio/deviceInfo.ts';
import { encodeEehOperation } from '../../../src-main/core/vfio/eeh.ts';
import {
  encodeFeatureGet,
  encodeFeatureProbe,
  encodeFeatureSet,
  encodeZpciErrorGet,
} from '../../../src-main/core/vfio/feature.ts';
import {
  encodeDeviceName,
  encodeGroupStatusRequest,
  encodeSetContainer,
} from '../../../src-main/core/vfio/group.ts';
import { encodeHotReset, encodeHotResetInfoRequest } from '../../../src-main/core/vfio/hotReset.ts';
import {
  encodeAttachIommufd,
  encodeBindIommufd,
  encodeDestroy,
  encodeDetachIommufd,
  encodeIoasAlloc,
  encodeIoasMap,
  encodeIoasUnmap,
  encodeIovaRangesRequest,
} from '../../../src-main/core/vfio/iommufd.ts';
import { encodeIrqInfoRequest } from '../../../src-main/core/vfio/irqInfo.ts';
import { requestOn, vfioRequests } from '../../../src-main/core/vfio/numbers.ts';
import { encodeRegionInfoRequest } from '../../../src-main/core/vfio/regionInfo.ts';
import type { ByteOrder } from '../../../src-main/core/vfio/struct.ts';
import { hexOf } from './hex.ts';

const mapping = {
  processAddress: 0x7f01_0203_0000n,
  iova: 0x1_1000_0000n,
  size: 0x10_0000n,
  access: 'readWrite',
} as const;
const injection = { kind: 'injectError', type: 1, function: 2, address: 0x1122n, mask: 0xffn } as const;
const token = Uint8Array.of(1, 2, 3, 4);

type Row = readonly [name: string, encode: (order: ByteOrder) => Uint8Array, little: string, big: string];

const rows: readonly Row[] = [
  [
    'GET_INFO',
    (order) => encodeDeviceInfoRequest(order, 24),
    '18000000 00000000 00000000 00000000 00000000 00000000',
    '00000018 00000000 00000000 00000000 00000000 00000000',
  ],
  [
    'GET_REGION_INFO of the config space',
    (order) => encodeRegionInfoRequest(order, 7),
    '20000000 00000000 07000000 00000000 00000000 00000000 00000000 00000000',
    '00000020 00000000 00000007 00000000 00000000 00000000 00000000 00000000',
  ],
  [
    'GET_IRQ_INFO of index 5',
    (order) => encodeIrqInfoRequest(order, 5),
    '10000000 00000000 05000000 00000000',
    '00000010 00000000 00000005 00000000',
  ],
  [
    'DEVICE_FEATURE probe of ZPCI_ERROR',
    (order) => encodeFeatureProbe(order, 13),
    '08000000 0d000400',
    '00000008 0004000d',
  ],
  [
    'DEVICE_FEATURE probe of reading ZPCI_ERROR',
    (order) => encodeFeatureProbe(order, 13, 'get'),
    '08000000 0d000500',
    '00000008 0005000d',
  ],
  [
    'DEVICE_FEATURE probe of writing the VF token',
    (order) => encodeFeatureProbe(order, 0, 'set'),
    '08000000 00000600',
    '00000008 00060000',
  ],
  [
    'DEVICE_FEATURE get',
    (order) => encodeFeatureGet(order, 1, new Uint8Array(8)),
    '10000000 01000100 00000000 00000000',
    '00000010 00010001 00000000 00000000',
  ],
  [
    'DEVICE_FEATURE set',
    (order) => encodeFeatureSet(order, 0, token),
    '0c000000 00000200 01020304',
    '0000000c 00020000 01020304',
  ],
  [
    'DEVICE_FEATURE get of ZPCI_ERROR',
    (order) => encodeZpciErrorGet(order, 0x3ff_8123_4560n),
    '10000000 0d000100 60452381 ff030000',
    '00000010 0001000d 000003ff 81234560',
  ],
  [
    'GET_PCI_HOT_RESET_INFO for the count',
    (order) => encodeHotResetInfoRequest(order, 0),
    '0c000000 00000000 00000000',
    '0000000c 00000000 00000000',
  ],
  [
    'GET_PCI_HOT_RESET_INFO for two devices',
    (order) => encodeHotResetInfoRequest(order, 2),
    '1c000000 00000000 00000000 00000000 00000000 00000000 00000000',
    '0000001c 00000000 00000000 00000000 00000000 00000000 00000000',
  ],
  [
    'PCI_HOT_RESET with two groups',
    (order) => encodeHotReset(order, [17, 300]),
    '14000000 00000000 02000000 11000000 2c010000',
    '00000014 00000000 00000002 00000011 0000012c',
  ],
  [
    'PCI_HOT_RESET with iommufd',
    (order) => encodeHotReset(order, []),
    '0c000000 00000000 00000000',
    '0000000c 00000000 00000000',
  ],
  [
    'EEH_PE_OP unfreeze DMA',
    (order) => encodeEehOperation(order, { kind: 'unfreezeDma' }),
    '28000000 00000000 03000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000',
    '00000028 00000000 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000',
  ],
  [
    'EEH_PE_OP inject',
    (order) => encodeEehOperation(order, injection),
    '28000000 00000000 09000000 00000000 01000000 02000000 22110000 00000000 ff000000 00000000',
    '00000028 00000000 00000009 00000000 00000001 00000002 00000000 00001122 00000000 000000ff',
  ],
  ['GROUP_GET_STATUS', (order) => encodeGroupStatusRequest(order), '08000000 00000000', '00000008 00000000'],
  ['GROUP_SET_CONTAINER', (order) => encodeSetContainer(order, 19), '13000000', '00000013'],
  [
    'GROUP_GET_DEVICE_FD',
    () => encodeDeviceName('0000:01:00.0'),
    '30303030 3a30313a 30302e30 00',
    '30303030 3a30313a 30302e30 00',
  ],
  [
    'IOMMU_GET_INFO',
    (order) => encodeIommuInfoRequest(order, 28),
    '1c000000 00000000 00000000 00000000 00000000 00000000 00000000',
    '0000001c 00000000 00000000 00000000 00000000 00000000 00000000',
  ],
  [
    'IOMMU_MAP_DMA',
    (order) => encodeDmaMap(order, mapping),
    '20000000 03000000 00000302 017f0000 00000010 01000000 00001000 00000000',
    '00000020 00000003 00007f01 02030000 00000001 10000000 00000000 00100000',
  ],
  [
    'IOMMU_UNMAP_DMA',
    (order) => encodeDmaUnmap(order, mapping.iova, mapping.size),
    '18000000 00000000 00000010 01000000 00001000 00000000',
    '00000018 00000000 00000001 10000000 00000000 00100000',
  ],
  [
    'IOMMU_UNMAP_DMA of everything',
    (order) => encodeDmaUnmapAll(order),
    '18000000 02000000 00000000 00000000 00000000 00000000',
    '00000018 00000002 00000000 00000000 00000000 00000000',
  ],
  ['IOMMU_DESTROY', (order) => encodeDestroy(order, 3), '08000000 03000000', '00000008 00000003'],
  [
    'IOMMU_IOAS_ALLOC',
    (order) => encodeIoasAlloc(order),
    '0c000000 00000000 00000000',
    '0000000c 00000000 00000000',
  ],
  [
    'IOMMU_IOAS_IOVA_RANGES',
    (order) => encodeIovaRangesRequest(order, 2, 0x7f01_0203_0000n, 16),
    '20000000 02000000 10000000 00000000 00000302 017f0000 00000000 00000000',
    '00000020 00000002 00000010 00000000 00007f01 02030000 00000000 00000000',
  ],
  [
    'IOMMU_IOAS_MAP',
    (order) => encodeIoasMap(order, 2, mapping),
    '28000000 07000000 02000000 00000000 00000302 017f0000 00001000 00000000 00000010 01000000',
    '00000028 00000007 00000002 00000000 00007f01 02030000 00000000 00100000 00000001 10000000',
  ],
  [
    'IOMMU_IOAS_UNMAP',
    (order) => encodeIoasUnmap(order, 2, mapping.iova, mapping.size),
    '18000000 02000000 00000010 01000000 00001000 00000000',
    '00000018 00000002 00000001 10000000 00000000 00100000',
  ],
  [
    'DEVICE_BIND_IOMMUFD',
    (order) => encodeBindIommufd(order, 21),
    '10000000 00000000 15000000 00000000',
    '00000010 00000000 00000015 00000000',
  ],
  [
    'DEVICE_ATTACH_IOMMUFD_PT',
    (order) => encodeAttachIommufd(order, 2),
    '0c000000 00000000 02000000',
    '0000000c 00000000 00000002',
  ],
  [
    'DEVICE_DETACH_IOMMUFD_PT',
    (order) => encodeDetachIommufd(order),
    '08000000 00000000',
    '00000008 00000000',
  ],
];

describe('golden bytes of the requests', () => {
  it.each(rows)('%s', (_, encode, little, big) => {
    expect(hexOf(encode('little'))).toBe(little);
    expect(hexOf(encode('big'))).toBe(big);
  });
});

describe('access of a mapping', () => {
  it.each([
    ['read', 1, 5],
    ['write', 2, 3],
    ['readWrite', 3, 7],
  ] as const)('%s has the flags 0x%s for type 1 and 0x%s for iommufd', (access, type1, iommufd) => {
    expect(encodeDmaMap('little', { ...mapping, access })[4]).toBe(type1);
    expect(encodeIoasMap('little', 2, { ...mapping, access })[4]).toBe(iommufd);
  });
});

describe('values that a call cannot take', () => {
  it.each([
    ['a zPCI error buffer at address 0', () => encodeZpciErrorGet('big', 0n)],
    ['a feature beyond 16 bits', () => encodeFeatureProbe('little', 0x1_0000)],
    ['a negative feature', () => encodeFeatureProbe('little', -1)],
    ['a closed group', () => encodeHotReset('little', [-1])],
    ['a closed container', () => encodeSetContainer('little', -1)],
    ['a closed iommufd', () => encodeBindIommufd('little', -1)],
    ['an empty device name', () => encodeDeviceName('')],
    ['a device name with a zero in it', () => encodeDeviceName('0000:01:00.0\0x')],
    ['a negative IOVA', () => encodeDmaUnmap('little', -1n, 1n)],
  ])('%s is refused', (_, encode) => {
    expect(encode).toThrow(RangeError);
  });
});

describe('ioctl numbers', () => {
  it('are the same on x86 and s390x, and carry a direction on powerpc', () => {
    expect(requestOn('x86', vfioRequests.VFIO_DEVICE_SET_IRQS)).toBe(0x3b6e);
    expect(requestOn('s390x', vfioRequests.VFIO_DEVICE_SET_IRQS)).toBe(0x3b6e);
    expect(requestOn('powerpc', vfioRequests.VFIO_EEH_PE_OP)).toBe(0x2000_3b79);
  });

  it('give DEVICE_RESET, which has no argument, its number', () => {
    expect(vfioRequests.VFIO_DEVICE_RESET).toBe(0x3b6f);
  });
});
