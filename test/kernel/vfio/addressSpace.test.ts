import { describe, expect, it } from 'vitest';
import { iovaAllocator } from '../../../src-main/kernel/vfio/addressSpace.ts';

const taken = (reserve: ReturnType<typeof iovaAllocator>, size: bigint): bigint | string => {
  const result = reserve(size);
  return result.ok ? result.value : result.error.code;
};

describe('I/O addresses', () => {
  it('are aligned, apart, above the first megabyte, and outside what the kernel keeps', () => {
    const reserve = iovaAllocator([
      { start: 0n, end: 0x11_ffffn },
      { start: 0x20_0001n, end: 0x7f_ffff_ffffn },
    ]);
    expect([0x1_0000n, 0x8000n, 0x1_0000n, 0x1_0000n].map((size) => taken(reserve, size))).toEqual([
      0x10_0000n,
      0x11_0000n,
      0x21_0000n,
      0x22_0000n,
    ]);
  });

  it('begin far up where the kernel says so, as on s390x', () => {
    const start = 0x100_0000_0000n;
    const reserve = iovaAllocator([{ start, end: start + 0xffff_ffffn }]);
    expect(taken(reserve, 0x1_0000n)).toBe(start);
  });

  it('are refused when there are no more', () => {
    const reserve = iovaAllocator([{ start: 0n, end: 0x11_ffffn }]);
    expect(taken(reserve, 0x2_0000n)).toBe(0x10_0000n);
    expect(taken(reserve, 1n)).toBe('notSupported');
    expect(taken(iovaAllocator([]), 1n)).toBe('notSupported');
  });
});
