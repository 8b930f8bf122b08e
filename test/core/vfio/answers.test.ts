import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDmaUnmapped, decodeIommuInfo } from '../../../src-main/core/vfio/container.ts';
import { decodeDeviceInfo } from '../../../src-main/core/vfio/deviceInfo.ts';
import { decodeEehOperation } from '../../../src-main/core/vfio/eeh.ts';
import { decodeEventfdCounter } from '../../../src-main/core/vfio/eventfd.ts';
import { decodeFeature } from '../../../src-main/core/vfio/feature.ts';
import { decodeGroupStatus } from '../../../src-main/core/vfio/group.ts';
import { decodeHotReset, decodeHotResetInfo } from '../../../src-main/core/vfio/hotReset.ts';
import {
  decodeAttachIommufd,
  decodeBindIommufd,
  decodeIoasAlloc,
  decodeIoasUnmapped,
  decodeIovaRangesAnswer,
} from '../../../src-main/core/vfio/iommufd.ts';
import { decodeIrqInfo } from '../../../src-main/core/vfio/irqInfo.ts';
import { decodeRegionInfo } from '../../../src-main/core/vfio/regionInfo.ts';
import type { ByteOrder } from '../../../src-main/core/vfio/struct.ts';
import type { Result } from '../../../src-main/core/result.ts';
import { bytesOf } from './hex.ts';
import { valueOf } from './valueOf.ts';

describe('GET_REGION_INFO', () => {
  const little = [
    // argsz 96, flags READ|WRITE|MMAP|CAPS, index 4, cap 32, size 16 KiB, offset 4 << 40
    '60000000 0f000000 04000000 20000000 00400000 00000000 00000000 00040000',
    // sparse mmap, next 80: two areas
    '0100 0100 50000000 02000000 00000000 00000000 00000000 00100000 00000000 00300000 00000000 00100000 00000000',
    // MSI-X mappable, next 88
    '0300 0100 58000000',
    // type, last
    '0200 0100 00000000 86800080 02000000',
  ].join('');
  const big = [
    '00000060 0000000f 00000004 00000020 00000000 00004000 00000400 00000000',
    '0001 0001 00000050 00000002 00000000 00000000 00000000 00000000 00001000 00000000 00003000 00000000 00001000',
    '0003 0001 00000058',
    '0002 0001 00000000 80008086 00000002',
  ].join('');
  const region = {
    index: 4,
    size: 0x4000n,
    offset: 4n << 40n,
    flags: 15,
    readable: true,
    writable: true,
    mappable: true,
    capabilities: [
      {
        kind: 'sparseMmap',
        areas: [
          { offset: 0n, size: 0x1000n },
          { offset: 0x3000n, size: 0x1000n },
        ],
      },
      { kind: 'msixMappable' },
      { kind: 'type', type: 0x8000_8086, subtype: 2 },
    ],
    problems: [],
  };

  it('is decoded with its capabilities, in both orders', () => {
    expect(decodeRegionInfo('little', bytesOf(little))).toEqual({ ok: true, value: region });
    expect(decodeRegionInfo('big', bytesOf(big))).toEqual({ ok: true, value: region });
  });

  it('of an unimplemented BAR has size 0', () => {
    const hex = '20000000 00000000 02000000 00000000 00000000 00000000 00000000 00020000';
    expect(valueOf(decodeRegionInfo('little', bytesOf(hex)))).toMatchObject({
      size: 0n,
      readable: false,
      mappable: false,
      capabilities: [],
    });
  });

  it.each([
    ['more areas than there are bytes', '0100 0100 00000000 ffffffff 00000000', 16 + 0xffff_ffff * 16],
    ['no count of areas', '0100 0100 00000000', 16],
    ['half a type', '0200 0100 00000000 86800080', 16],
  ])('reports %s', (_, capability, neededLength) => {
    const hex = `60000000 0f000000 04000000 20000000 00400000 00000000 00000000 00040000 ${capability}`;
    expect(valueOf(decodeRegionInfo('little', bytesOf(hex)))).toMatchObject({
      index: 4,
      capabilities: [],
      problems: [{ kind: 'capabilityTruncated', neededLength }],
    });
  });
});

it('GET_IRQ_INFO is decoded in both orders', () => {
  const expected = {
    index: 3,
    count: 1,
    flags: 9,
    signalsEventfd: true,
    maskable: false,
    automasked: false,
    fixedSize: true,
  };
  expect(decodeIrqInfo('little', bytesOf('10000000 09000000 03000000 01000000'))).toEqual({
    ok: true,
    value: expected,
  });
  expect(decodeIrqInfo('big', bytesOf('00000010 00000009 00000003 00000001'))).toEqual({
    ok: true,
    value: expected,
  });
  expect(valueOf(decodeIrqInfo('big', bytesOf('00000010 00000006 00000000 00000001')))).toMatchObject({
    maskable: true,
    automasked: true,
    fixedSize: false,
  });
});

describe('GET_PCI_HOT_RESET_INFO', () => {
  const devices = [
    { segment: 0x1234, bus: 1, device: 0, function: 0 },
    { segment: 0, bus: 2, device: 31, function: 7 },
  ];

  it('names the groups of the devices, in both orders', () => {
    const expected = {
      flags: 0,
      count: 2,
      devices: [
        { ...devices[0], owner: { kind: 'group', groupId: 17 } },
        { ...devices[1], owner: { kind: 'group', groupId: 0 } },
      ],
    };
    const little = '1c000000 00000000 02000000 11000000 3412 01 00 00000000 0000 02 ff';
    const big = '0000001c 00000000 00000002 00000011 1234 01 00 00000000 0000 02 ff';
    expect(decodeHotResetInfo('little', bytesOf(little))).toEqual({ ok: true, value: expected });
    expect(decodeHotResetInfo('big', bytesOf(big))).toEqual({ ok: true, value: expected });
  });

  it('tells ownership when the device was opened through iommufd', () => {
    const hex = `24000000 01000000 03000000
      05000000 0000 01 00 00000000 0000 01 01 ffffffff 0000 01 02`;
    const info = valueOf(decodeHotResetInfo('little', bytesOf(hex)));
    expect(info.allOwned).toBe(false);
    expect(info.devices.map((device) => device.owner)).toEqual([
      { kind: 'deviceId', deviceId: 5 },
      { kind: 'ownedThroughGroup' },
      { kind: 'notOwned' },
    ]);
    expect(valueOf(decodeHotResetInfo('little', bytesOf('0c000000 03000000 00000000'))).allOwned).toBe(true);
  });

  it('has the count alone after ENOSPC, however large it is', () => {
    for (const [count, hex] of [
      [2, '02000000'],
      [0xffff_ffff, 'ffffffff'],
    ] as const) {
      const info = valueOf(decodeHotResetInfo('little', bytesOf(`0c000000 00000000 ${hex}`)));
      expect(info).toEqual({ flags: 0, count, devices: [] });
    }
  });

  it('reads a hot reset request back', () => {
    const hex = '14000000 00000000 02000000 11000000 2c010000';
    expect(decodeHotReset('little', bytesOf(hex))).toEqual({ ok: true, value: [17, 300] });
    expect(decodeHotReset('big', bytesOf('0000000c 00000000 ffffffff'))).toMatchObject({
      ok: false,
      error: { code: 'malformedStruct' },
    });
  });
});

describe('IOMMU_GET_INFO', () => {
  const expected = {
    flags: 3,
    pageSizes: 0xffff_ffff_ffff_f000n,
    capabilities: [
      {
        kind: 'iovaRanges',
        ranges: [
          { start: 0n, end: 0xfedf_ffffn },
          { start: 0xfef0_0000n, end: 0x7f_ffff_ffffn },
        ],
      },
      { kind: 'dmaAvailable', mappings: 65535 },
      { kind: 'migration', pageSizes: 0x1000n, maximumDirtyBitmapSize: 0x1000_0000n },
    ],
    problems: [],
  };
  const little = [
    '70000000 03000000 00f0ffff ffffffff 18000000 00000000',
    '0100 0100 48000000 02000000 00000000 00000000 00000000 ffffdffe 00000000 0000f0fe 00000000 ffffffff 7f000000',
    '0300 0100 54000000 ffff0000',
    '0200 0100 00000000 00000000 00000000 00100000 00000000 00000010 00000000',
  ].join('');
  const big = [
    '00000070 00000003 ffffffff fffff000 00000018 00000000',
    '0001 0001 00000048 00000002 00000000 00000000 00000000 00000000 fedfffff 00000000 fef00000 0000007f ffffffff',
    '0003 0001 00000054 0000ffff',
    '0002 0001 00000000 00000000 00000000 00000000 00001000 00000000 10000000',
  ].join('');

  it('is decoded with its capabilities, in both orders', () => {
    expect(decodeIommuInfo('little', bytesOf(little))).toEqual({ ok: true, value: expected });
    expect(decodeIommuInfo('big', bytesOf(big))).toEqual({ ok: true, value: expected });
  });

  it('reports a count of ranges that is not there', () => {
    const hex = '70000000 02000000 00f0ffff ffffffff 18000000 00000000 0100 0100 00000000 ffffffff 00000000';
    const info = valueOf(decodeIommuInfo('little', bytesOf(hex)));
    expect(info.problems).toMatchObject([{ kind: 'capabilityTruncated', id: 1 }]);
    expect(info).not.toHaveProperty('pageSizes');
  });

  it.each([
    ['migration', '0200 0100 00000000 00000000'],
    ['available mappings', '0300 0100 00000000'],
    ['ranges without a count', '0100 0100 00000000'],
  ])('reports cut-short %s', (_, capability) => {
    const hex = `70000000 02000000 00f0ffff ffffffff 18000000 00000000 ${capability}`;
    expect(valueOf(decodeIommuInfo('little', bytesOf(hex)))).toMatchObject({
      capabilities: [],
      problems: [{ kind: 'capabilityTruncated' }],
    });
  });
});

describe('single values', () => {
  type Row = readonly [
    string,
    (order: ByteOrder, bytes: Uint8Array) => Result<unknown>,
    string,
    string,
    unknown,
  ];
  const rows: readonly Row[] = [
    [
      'GROUP_GET_STATUS',
      decodeGroupStatus,
      '08000000 03000000',
      '00000008 00000003',
      { flags: 3, viable: true, containerSet: true },
    ],
    [
      'GROUP_GET_STATUS of a group that is not viable',
      decodeGroupStatus,
      '08000000 02000000',
      '00000008 00000002',
      { flags: 2, viable: false, containerSet: true },
    ],
    [
      'IOMMU_UNMAP_DMA',
      decodeDmaUnmapped,
      '18000000 00000000 00000010 01000000 00001000 00000000',
      '00000018 00000000 00000001 10000000 00000000 00100000',
      0x10_0000n,
    ],
    ['IOMMU_IOAS_ALLOC', decodeIoasAlloc, '0c000000 00000000 02000000', '0000000c 00000000 00000002', 2],
    [
      'IOMMU_IOAS_IOVA_RANGES',
      decodeIovaRangesAnswer,
      '20000000 02000000 03000000 00000000 00000302 017f0000 00100000 00000000',
      '00000020 00000002 00000003 00000000 00007f01 02030000 00000000 00001000',
      { count: 3, alignment: 4096n },
    ],
    [
      'IOMMU_IOAS_UNMAP',
      decodeIoasUnmapped,
      '18000000 02000000 00000010 01000000 00001000 00000000',
      '00000018 00000002 00000001 10000000 00000000 00100000',
      0x10_0000n,
    ],
    [
      'DEVICE_BIND_IOMMUFD',
      decodeBindIommufd,
      '10000000 00000000 15000000 01000000',
      '00000010 00000000 00000015 00000001',
      1,
    ],
    [
      'DEVICE_ATTACH_IOMMUFD_PT',
      decodeAttachIommufd,
      '0c000000 00000000 04000000',
      '0000000c 00000000 00000004',
      4,
    ],
    ['an eventfd', decodeEventfdCounter, '02000000 00000000', '00000000 00000002', 2n],
  ];

  it.each(rows)('%s', (_, decode, little, big, expected) => {
    expect(decode('little', bytesOf(little))).toEqual({ ok: true, value: expected });
    expect(decode('big', bytesOf(big))).toEqual({ ok: true, value: expected });
    expect(decode('big', bytesOf(big).subarray(1))).toMatchObject({
      ok: false,
      error: { code: 'malformedStruct' },
    });
  });
});

it('no decoder throws or hangs, whatever the bytes', () => {
  const decoders: readonly ((order: ByteOrder, bytes: Uint8Array) => Result<unknown>)[] = [
    decodeDeviceInfo,
    decodeRegionInfo,
    decodeIrqInfo,
    decodeHotResetInfo,
    decodeHotReset,
    decodeIommuInfo,
    decodeEehOperation,
    decodeFeature,
  ];
  // Small numbers in the fields, so that offsets and counts often point to something.
  const word = fc.oneof(fc.nat({ max: 64 }), fc.nat({ max: 0xffff_ffff }));
  const words = fc.array(word, { maxLength: 24 });
  fc.assert(
    fc.property(
      fc.constantFrom(...decoders),
      fc.constantFrom<ByteOrder>('little', 'big'),
      words,
      fc.nat({ max: 3 }),
      (decode, order, list, cut) => {
        const bytes = new Uint8Array(list.length * 4);
        const view = new DataView(bytes.buffer);
        list.forEach((value, at) => {
          view.setUint32(at * 4, value, order === 'little');
        });
        const result = decode(order, bytes.subarray(0, Math.max(0, bytes.length - cut)));
        if (!result.ok) expect(result.error.code).toBe('malformedStruct');
      },
    ),
    { numRuns: 3000 },
  );
});
