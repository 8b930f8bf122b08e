import { describe, expect, it } from 'vitest';
import { describeChainProblem } from '../../../src-main/core/vfio/capabilityChain.ts';
import { decodeDeviceInfo, zpciBaseOf } from '../../../src-main/core/vfio/deviceInfo.ts';
import { bytesOf } from './hex.ts';
import { valueOf } from './valueOf.ts';

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
