import { describe, expect, it } from 'vitest';
import { badAddress, type DmaAperture } from '../../../src-main/core/faults/badDma.ts';
import { failure, success } from '../../../src-main/core/result.ts';

const aperture: DmaAperture = { start: 0x1_0000_0000n, end: 0xff_ffff_ffffn };
const length = 0x3000;
const nobodyAsks = (): never => {
  throw new Error('The address space was asked.');
};

describe('an address that the platform refuses', () => {
  it('inside the aperture is one that the address space keeps unmapped', () => {
    expect(badAddress('unmapped', aperture, length, () => success(0x1_2345_0000n))).toEqual(
      success(0x1_2345_0000n),
    );
    const full = failure('notSupported', 'The IOMMU leaves no room.');
    expect(badAddress('unmapped', aperture, length, () => full)).toBe(full);
  });

  it('below the aperture is wholly below it, and not 0', () => {
    const found = badAddress('belowAperture', aperture, length, nobodyAsks);
    if (!found.ok) throw new Error(found.error.message);
    expect(found.value).toBeGreaterThan(0n);
    expect(found.value + BigInt(length)).toBeLessThanOrEqual(aperture.start);
  });

  it.each([0n, 0x4000n, 0x6fffn])('below an aperture from %s on does not exist', (start) => {
    expect(badAddress('belowAperture', { ...aperture, start }, length, nobodyAsks)).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused', message: expect.stringContaining(`0x${start.toString(16)}`) },
    });
  });

  it('above the aperture is refused with the reason', () => {
    expect(badAddress('aboveAperture', aperture, length, nobodyAsks)).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused', message: expect.stringMatching(/dropped silently/) },
    });
  });
});
