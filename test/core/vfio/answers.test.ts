import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeChainProblem } from '../../../src-main/core/vfio/capabilityChain.ts';
import { decodeDmaUnmapped, decodeIommuInfo } from '../../../src-main/core/vfio/container.ts';
import { decodeDeviceInfo, zpciBaseOf } from '../../../src-main/core/vfio/deviceInfo.ts';
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

const valueOf = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

// argsz 512, flags RESET|PCI|CAPS, 9 regions, 5 irqs, first capability at 20 (Linux 6.1 puts them there, unaligned).
const zpciBig = [
  '00000200 00000083 00000009 00000005 00000014',
  // BASE v3, next 0x3c: the DMA range of QEMU's zPCI, pchid 0, vfn 0, fmb 64, pft 2, gid 0, fh, ccdf_err_length 32
  '0001 0003 0000003c 00000001 00000000 01ffffff ffffffff 0102 0003 0040 02 0a 80020000 00000020',
  // GROUP v2, next 0x6c
  '0002 0002 0000006c ffffffff ffffffff fe000000 00000000 00000000 00000001 0001 0800 0080 01 00 1000 000000000000',
  // UTIL v1, "VNIC" in EBCDIC and two blanks, next 0x80
  '0003 0001 00000080 00000006 e5d5c9c3 4040 0000',
  // PFIP v1, last
  '0004 0001 00000000 00000004 01020304',
].join('');

const zpciLittle = [
  '00020000 83000000 09000000 05000000 14000000',
  '0100 0300 3c000000 00000000 01000000 ffffffff ffffff01 0201 0300 4000 02 0a 00000280 20000000',
  '0200 0200 6c000000 ffffffff ffffffff 00000000 000000fe 01000000 00000000 0100 0008 8000 01 00 0010 000000000000',
  '0300 0100 80000000 06000000 e5d5c9c3 4040 0000',
  '0400 0100 00000000 04000000 01020304',
].join('');

const zpciInfo = {
  flags: 0x83,
  supportsReset: true,
  isPci: true,
  regionCount: 9,
  irqCount: 5,
  capabilities: [
    {
      kind: 'zpciBase',
      version: 3,
      startDma: 0x1_0000_0000n,
      endDma: 0x01ff_ffff_ffff_ffffn,
      physicalChannelId: 0x102,
      virtualFunctionNumber: 3,
      measurementBlockLength: 64,
      functionType: 2,
      groupId: 10,
      functionHandle: 0x8002_0000,
      errorRecordLength: 32,
    },
    {
      kind: 'zpciGroup',
      version: 2,
      dmaAddressSpaceMask: 0xffff_ffff_ffff_ffffn,
      msiAddress: 0xfe00_0000_0000_0000n,
      flags: 1n,
      programSpecifiedTlbRefresh: true,
      measurementUpdateInterval: 1,
      maximumMsiCount: 2048,
      maximumStoreBlockLength: 128,
      pciVersion: 1,
      maximumInterpretedStoreBlockLength: 4096,
    },
    { kind: 'zpciUtility', version: 1, bytes: bytesOf('e5d5c9c34040'), text: 'VNIC' },
    { kind: 'zpciFunctionPath', version: 1, segments: bytesOf('01020304') },
  ],
  problems: [],
};

describe('GET_INFO', () => {
  it('is decoded with its zPCI capabilities, in both orders', () => {
    expect(decodeDeviceInfo('big', bytesOf(zpciBig))).toEqual({ ok: true, value: zpciInfo });
    expect(decodeDeviceInfo('little', bytesOf(zpciLittle))).toEqual({ ok: true, value: zpciInfo });
  });

  it('of an x86 device has no capabilities', () => {
    const info = valueOf(
      decodeDeviceInfo('little', bytesOf('18000000 03000000 09000000 06000000 00000000 00000000')),
    );
    expect(info).toMatchObject({ regionCount: 9, irqCount: 6, capabilities: [], problems: [] });
    expect(zpciBaseOf(info)).toBeUndefined();
  });

  it.each([
    ['1', '', undefined, undefined],
    ['2', '80020000', 0x8002_0000, undefined],
    ['3', '80020000 00000020', 0x8002_0000, 32],
    // A kernel after 7.3 may append; what we know stays where it is.
    ['4', '80020000 00000028 deadbeef', 0x8002_0000, 40],
  ])('knows BASE version %s', (version, tail, functionHandle, errorRecordLength) => {
    const bytes = bytesOf(
      `00000100 00000083 00000009 00000005 00000014
       0001 000${version} 00000000 00000001 00000000 01ffffff ffffffff 0102 0003 0040 02 0a ${tail}`,
    );
    const info = valueOf(decodeDeviceInfo('big', bytes));
    expect(info.problems).toEqual([]);
    const base = zpciBaseOf(info);
    expect([base?.functionHandle, base?.errorRecordLength]).toEqual([functionHandle, errorRecordLength]);
  });

  it.each([
    ['1', '', undefined],
    ['2', '1000 000000000000', 4096],
  ])('knows GROUP version %s', (version, tail, interpreted) => {
    const bytes = bytesOf(
      `00000100 00000083 00000009 00000005 00000014
       0002 000${version} 00000000 ffffffff ffffffff fe000000 00000000 00000000 00000000 0001 0800 0080 01 00 ${tail}`,
    );
    const [group] = valueOf(decodeDeviceInfo('big', bytes)).capabilities;
    expect(group).toMatchObject({ kind: 'zpciGroup', programSpecifiedTlbRefresh: false });
    expect(group).toHaveProperty('pciVersion', 1);
    expect(
      (group as { maximumInterpretedStoreBlockLength?: number }).maximumInterpretedStoreBlockLength,
    ).toBe(interpreted);
  });

  it('keeps a capability that it does not know', () => {
    const bytes = bytesOf(
      '00000100 00000083 00000009 00000005 00000014 0005 0001 00000000 00000007 00000000',
    );
    expect(valueOf(decodeDeviceInfo('big', bytes)).capabilities).toEqual([
      { kind: 'unknown', id: 5, version: 1, bytes: bytes.subarray(20) },
    ]);
  });

  const fixedPart = (offset: string, argsz = '00000100'): string =>
    `${argsz} 00000083 00000009 00000005 ${offset}`;

  it.each([
    [
      'a buffer that is too small',
      fixedPart('00000000', '000000b0'),
      { kind: 'bufferTooSmall', neededLength: 176, actualLength: 20 },
      'Ask again with that length',
    ],
    [
      'an offset inside the fixed part',
      fixedPart('00000010'),
      { kind: 'offsetInFixedPart', offset: 16 },
      'inside the fixed part',
    ],
    [
      'an offset outside the buffer',
      fixedPart('ffffffff'),
      { kind: 'offsetOutsideBuffer', offset: 0xffff_ffff, actualLength: 20 },
      'the answer ends at 20',
    ],
    [
      'a header that is cut short',
      `${fixedPart('00000014')} 0001 0003 0000`,
      { kind: 'offsetOutsideBuffer', offset: 20, actualLength: 26 },
      'the answer ends at 26',
    ],
    [
      'a loop',
      `${fixedPart('00000014')} 0009 0001 0000001c 0009 0001 00000014`,
      { kind: 'loop', offset: 20 },
      'comes back to offset 20',
    ],
    [
      'a capability that points to itself',
      `${fixedPart('00000014')} 0009 0001 00000014`,
      { kind: 'loop', offset: 20 },
      'comes back to offset 20',
    ],
    [
      'a BASE capability that is cut short',
      `${fixedPart('00000014')} 0001 0003 00000000 00000001 00000000`,
      { kind: 'capabilityTruncated', id: 1, version: 3, offset: 20, neededLength: 40, actualLength: 16 },
      'needs 40 bytes and has 16',
    ],
    [
      'a BASE capability of version 3 with the length of version 1',
      `${fixedPart('00000014')} 0001 0003 00000000 00000001 00000000 01ffffff ffffffff 0102 0003 0040 02 0a`,
      { kind: 'capabilityTruncated', id: 1, version: 3, offset: 20, neededLength: 40, actualLength: 32 },
      'needs 40 bytes and has 32',
    ],
    [
      'a GROUP capability that is cut short',
      `${fixedPart('00000014')} 0002 0002 00000000 00000001`,
      { kind: 'capabilityTruncated', id: 2, version: 2, offset: 20, neededLength: 42, actualLength: 12 },
      'needs 42 bytes and has 12',
    ],
    [
      'a utility string longer than the answer',
      `${fixedPart('00000014')} 0003 0001 00000000 fffffff0 e5d5c9c3`,
      {
        kind: 'capabilityTruncated',
        id: 3,
        version: 1,
        offset: 20,
        neededLength: 0xfffffff0 + 12,
        actualLength: 16,
      },
      'and has 16',
    ],
    [
      'a function path without a length',
      `${fixedPart('00000014')} 0004 0001 00000000`,
      { kind: 'capabilityTruncated', id: 4, version: 1, offset: 20, neededLength: 12, actualLength: 8 },
      'needs 12 bytes and has 8',
    ],
  ])('reports %s and keeps the rest', (_, hex, problem, sentence) => {
    const info = valueOf(decodeDeviceInfo('big', bytesOf(hex)));
    expect(info.regionCount).toBe(9);
    expect(info.problems).toEqual([problem]);
    expect(info.problems.map(describeChainProblem).join()).toContain(sentence);
  });

  it('ends a capability where the next one begins, also when they are not in order', () => {
    const info = valueOf(
      decodeDeviceInfo(
        'big',
        bytesOf(`${fixedPart('0000001c')} 0009 0001 00000000 0008 0001 00000014 0a0b0c0d`),
      ),
    );
    expect(info.capabilities).toEqual([
      { kind: 'unknown', id: 8, version: 1, bytes: bytesOf('0008 0001 00000014 0a0b0c0d') },
      { kind: 'unknown', id: 9, version: 1, bytes: bytesOf('0009 0001 00000000') },
    ]);
  });
});

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
