import { describe, expect, it } from 'vitest';
import { describedKernelOf } from '../../../src-main/core/restore/describedKernel.ts';

describe('the kernel whose restore steps are shown', () => {
  it.each([
    ['6.1.0-42-amd64', '6.1', 'same'],
    ['6.1', '6.1', 'same'],
    ['6.12.5', '6.12', 'same'],
    ['6.6.30-lts', '6.1', 'nearest'],
    ['6.17.1', '6.12', 'nearest'],
    ['7.2.13', '7.2', 'same'],
    ['7.3.0-rc7', '7.3', 'same'],
    ['8.0.1', '7.3', 'nearest'],
    ['5.15.0', '6.1', 'nearest'],
  ])('for %s is that of %s (%s)', (release, version, match) => {
    expect(describedKernelOf(release)).toEqual({ version, match });
  });

  it.each(['', 'linux', 'v7.2', '7'])('is none for %j', (release) => {
    expect(describedKernelOf(release)).toBeNull();
  });
});
