import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CcdfRecord } from '../../../src-main/core/zpci/ccdf.ts';
import { ccdfLength, decodeCcdf, encodeCcdf } from '../../../src-main/core/zpci/ccdf.ts';
import { describeEventCode } from '../../../src-main/core/zpci/eventCodes.ts';
import { describeFailingAddress } from '../../../src-main/core/zpci/failingAddress.ts';
import { isFunctionEnabled } from '../../../src-main/core/zpci/functionHandle.ts';
import { bytesOf, hexOf } from '../vfio/hex.ts';

/** Read on Linux 7.3-rc7 under QEMU after a DMA to an address inside the DMA range that was not mapped. */
const observedHex = '00000000 80020000 00000056 00000000 00000001 30000000 00000000 00000004';

const observed: CcdfRecord = {
  functionHandle: 0x8002_0000,
  functionId: 0x56,
  expectedTableType: 0,
  msiVectorNumber: 0,
  dmaAddressSpace: 0,
  eventQualifier: 0,
  readWrite: 0,
  failingAddress: 0x1_3000_0000n,
  eventCode: 4,
};

const record: fc.Arbitrary<CcdfRecord> = fc.record({
  functionHandle: fc.nat({ max: 0xffff_ffff }),
  functionId: fc.nat({ max: 0xffff_ffff }),
  expectedTableType: fc.nat({ max: 0xf }),
  msiVectorNumber: fc.nat({ max: 0xfff }),
  dmaAddressSpace: fc.nat({ max: 0xff }),
  eventQualifier: fc.constantFrom(0, 1),
  readWrite: fc.constantFrom(0, 1),
  failingAddress: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  eventCode: fc.nat({ max: 0xffff }),
});

describe('the observed error record', () => {
  it('is decoded field by field', () => {
    expect(decodeCcdf(bytesOf(observedHex))).toEqual({ ok: true, value: observed });
  });

  it('is written as it was read', () => {
    expect(hexOf(encodeCcdf(observed))).toBe(observedHex);
  });

  it('tells a story: an enabled function used an unmapped address inside its DMA range', () => {
    expect(isFunctionEnabled(observed.functionHandle)).toBe(true);
    expect(describeEventCode(observed.eventCode)).toMatchObject({
      kind: 'error',
      name: 'TPROTE',
      disposition: 'recoveryAttempt',
    });
    const startDma = 0x1_0000_0000n;
    const endDma = 0x01ff_ffff_ffff_ffffn;
    expect(describeFailingAddress(observed.failingAddress, startDma, endDma).place).toBe('inside');
  });
});

describe('an error record', () => {
  it('keeps every bit field apart', () => {
    const decoded = decodeCcdf(
      bytesOf('ffffffff 00000000 00000000 a123c7ff 00000000 00000000 ffffffff ffff0000'),
    );
    // The six reserved bits and the reserved words are set and must not leak into a field.
    expect(decoded).toEqual({
      ok: true,
      value: {
        functionHandle: 0,
        functionId: 0,
        expectedTableType: 0xa,
        msiVectorNumber: 0x123,
        dmaAddressSpace: 0xc7,
        eventQualifier: 1,
        readWrite: 1,
        failingAddress: 0n,
        eventCode: 0,
      },
    });
  });

  it.each([
    ['00000000', {}],
    ['f0000000', { expectedTableType: 15 }],
    ['0fff0000', { msiVectorNumber: 0xfff }],
    ['0000ff00', { dmaAddressSpace: 0xff }],
    ['000000fc', {}],
    ['00000002', { eventQualifier: 1 }],
    ['00000001', { readWrite: 1 }],
  ])('reads the word %s as %o', (word, fields) => {
    const decoded = decodeCcdf(bytesOf(observedHex.replace('00000056 00000000', `00000056 ${word}`)));
    expect(decoded).toEqual({ ok: true, value: { ...observed, ...fields } });
  });

  it('gives back every record that was written', () => {
    fc.assert(
      fc.property(record, (written) => {
        const bytes = encodeCcdf(written);
        expect(bytes).toHaveLength(ccdfLength);
        expect(decodeCcdf(bytes)).toEqual({ ok: true, value: written });
      }),
    );
  });

  it('may be followed by what a newer kernel appends, and lie anywhere in a buffer', () => {
    fc.assert(
      fc.property(record, fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 7 }), (written, tail, start) => {
        const buffer = new Uint8Array(start + ccdfLength + tail.length);
        buffer.set(encodeCcdf(written), start);
        buffer.set(tail, start + ccdfLength);
        expect(decodeCcdf(buffer.subarray(start))).toEqual({ ok: true, value: written });
      }),
    );
  });

  it('is malformed when it is shorter', () => {
    for (let length = 0; length < ccdfLength; length += 1) {
      expect(decodeCcdf(new Uint8Array(length))).toMatchObject({
        ok: false,
        error: { code: 'malformedStruct', details: { neededLength: 32, actualLength: length } },
      });
    }
  });

  it.each([
    ['functionHandle', 0x1_0000_0000],
    ['expectedTableType', 16],
    ['msiVectorNumber', 0x1000],
    ['dmaAddressSpace', -1],
    ['eventQualifier', 2],
    ['readWrite', 0.5],
    ['eventCode', 0x1_0000],
    ['failingAddress', 1n << 64n],
    ['failingAddress', -1n],
  ])('is not written with %s = %s', (field, value) => {
    expect(() => encodeCcdf({ ...observed, [field]: value })).toThrow(RangeError);
  });
});
