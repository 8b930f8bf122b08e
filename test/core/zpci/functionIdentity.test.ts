import { describe, expect, it } from 'vitest';
import { decodeEbcdic } from '../../../src-main/core/zpci/ebcdic.ts';
import { describeFailingAddress } from '../../../src-main/core/zpci/failingAddress.ts';
import {
  formatFunctionHandle,
  isFunctionEnabled,
  isStaleEvent,
} from '../../../src-main/core/zpci/functionHandle.ts';
import { bytesOf } from '../vfio/hex.ts';

describe('a failing address', () => {
  const startDma = 0x1_0000_0000n;
  const endDma = 0x01ff_ffff_ffff_ffffn;

  it.each([
    [0n, 'below'],
    [startDma - 1n, 'below'],
    [startDma, 'inside'],
    [0x1_3000_0000n, 'inside'],
    [endDma, 'inside'],
    [endDma + 1n, 'above'],
    [0xffff_ffff_ffff_ffffn, 'above'],
  ])('%s is %s the DMA range', (address, place) => {
    const described = describeFailingAddress(address, startDma, endDma);
    expect(described.place).toBe(place);
    expect(described.sentence).toContain(
      `0x${address.toString(16)} is ${place} the DMA range 0x100000000 to 0x1ffffffffffffff`,
    );
  });
});

describe('a function handle', () => {
  it.each([
    [0x8002_0000, true, '0x80020000'],
    [0x0002_0000, false, '0x00020000'],
    [0xffff_ffff, true, '0xffffffff'],
    [0, false, '0x00000000'],
  ])('%i: enabled %s, shown as %s', (handle, enabled, text) => {
    expect(isFunctionEnabled(handle)).toBe(enabled);
    expect(formatFunctionHandle(handle)).toBe(text);
  });

  it('makes an event stale when it differs, in the enabled bit too', () => {
    expect(isStaleEvent(0x8002_0000, 0x8002_0000)).toBe(false);
    expect(isStaleEvent(0x8002_0000, 0x8003_0000)).toBe(true);
    expect(isStaleEvent(0x8002_0000, 0x0002_0000)).toBe(true);
    // The same 32 bits, once as JavaScript's bit operations give them.
    expect(isStaleEvent(0x8002_0000 | 0, 0x8002_0000)).toBe(false);
  });
});

describe('a utility string', () => {
  it.each([
    ['', ''],
    ['40404040', ''],
    ['e5d5c9c3 f0f1 40 81a9 60 6d 4040 0000', 'VNIC01 az-_'],
    ['c1c9d1d9e2e9f9', 'AIJRSZ9'],
    ['c1ff00c2', 'A\ufffd\ufffdB'],
  ])('%s reads "%s"', (hex, text) => {
    expect(decodeEbcdic(bytesOf(hex))).toBe(text);
  });
});
