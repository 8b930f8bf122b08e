import { describe, expect, it } from 'vitest';
import type { Fault, FaultTarget } from '../../../src-main/core/faults/fault.ts';
import { preflight } from '../../../src-main/core/faults/preflight.ts';
import type { WaitKnowledge } from '../../../src-main/core/faults/preflight.ts';
import { findAerError } from '../../../src-main/core/pci/aer.ts';
import { parsePciAddress } from '../../../src-main/core/pci/address.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';

const addressOf = (text: string): PciAddress => {
  const parsed = parsePciAddress(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
};
const maskOf = (name: string): number => findAerError(name)?.mask ?? 0;

const address = addressOf('0000:01:00.0');
const beside = addressOf('0000:01:00.1');

/** A device that may be harmed in every way. */
const harmless: FaultTarget = {
  address,
  kind: 'endpoint',
  link: 'up',
  use: 'free',
  siblings: [{ address: beside, driver: 'vfio-pci', use: 'free', owner: 'vfio' }],
  aer: { uncorrectableMask: 0, correctableMask: 0 },
};

const aer = (error: string, severity: Extract<Fault, { kind: 'aer' }>['severity'] = null): Fault => ({
  kind: 'aer',
  error,
  severity,
});
const fatal = aer('MALF_TLP');

const verdict = (fault: Fault, change: Partial<FaultTarget> = {}, wait: WaitKnowledge = 'noWait'): string => {
  const refusal = preflight({ address, injector: 'simulated', fault }, { ...harmless, ...change }, wait);
  if (refusal === null) return 'allowed';
  expect(refusal.message).toMatch(/^[^\n]{20,}\.$/);
  const rule = refusal.details?.['rule'];
  return typeof rule === 'string' ? `${refusal.code} ${rule}` : refusal.code;
};

const everyFault: readonly Fault[] = [
  fatal,
  aer('COMP_TIME', 'nonFatal'),
  aer('COMP_TIME', 'fatal'),
  aer('BAD_TLP'),
  aer('BAD_TLP', 'correctable'),
  { kind: 'zpciDma', where: 'unmapped' },
  { kind: 'eehFreeze' },
  { kind: 'loopback' },
  { kind: 'unplug' },
];

describe('preflight', () => {
  it.each(everyFault)('allows $kind on a device that nothing depends on', (fault) => {
    expect(verdict(fault)).toBe('allowed');
  });

  it.each(everyFault)('allows $kind where the siblings are driverless or absent', (fault) => {
    expect(verdict(fault, { siblings: [] })).toBe('allowed');
    expect(
      verdict(fault, { siblings: [{ address: beside, driver: null, use: 'free', owner: 'nobody' }] }),
    ).toBe('allowed');
  });

  it.each<[string, Partial<FaultTarget>, string]>([
    ['a device that is gone', { link: 'removed' }, 'deviceLost'],
    ['a bridge', { kind: 'bridge' }, 'preflightRefused bridge'],
    ["the host's root disk", { use: 'rootFilesystem' }, 'preflightRefused hostRoot'],
  ])('refuses every fault on %s', (_, change, expected) => {
    for (const fault of everyFault) {
      expect(verdict(fault, change)).toBe(expected);
      expect(verdict(fault, change, 'waitOpen')).toBe(expected);
    }
  });

  it('refuses every fault on a device whose wait is open, but not pulling it, which asks nobody', () => {
    for (const fault of everyFault) {
      expect(verdict(fault, {}, 'waitOpen')).toBe(
        fault.kind === 'unplug' ? 'allowed' : 'preflightRefused waitOpen',
      );
    }
  });

  it.each<[string, Partial<FaultTarget>, string]>([
    ['a frozen device', { link: 'frozen' }, 'preflightRefused frozen'],
    [
      "a device beside the host's root disk",
      { siblings: [{ address: beside, driver: 'nvme', use: 'rootFilesystem', owner: 'host' }] },
      'preflightRefused hostRoot',
    ],
    [
      'a device beside one that VFIO does not own',
      { siblings: [...harmless.siblings, { address: beside, driver: 'e1000e', use: 'free', owner: 'host' }] },
      'preflightRefused siblingNotOwned',
    ],
  ])('refuses every fault on %s, but not a loop-back, which touches nothing', (_, change, expected) => {
    for (const fault of everyFault) {
      expect(verdict(fault, change)).toBe(fault.kind === 'loopback' ? 'allowed' : expected);
    }
  });

  it.each<[string, Fault, Partial<FaultTarget>, string]>([
    ['a name that nobody knows', aer('MALFORMED'), {}, 'malformedInput'],
    ['an uncorrectable error as correctable', aer('MALF_TLP', 'correctable'), {}, 'malformedInput'],
    ['a correctable error as fatal', aer('BAD_TLP', 'fatal'), {}, 'malformedInput'],
    ['a correctable error as non-fatal', aer('BAD_TLP', 'nonFatal'), {}, 'malformedInput'],
    ['a device without AER', fatal, { aer: null }, 'preflightRefused noAer'],
    [
      'an uncorrectable error that is masked',
      fatal,
      { aer: { uncorrectableMask: maskOf('MALF_TLP'), correctableMask: 0 } },
      'preflightRefused masked',
    ],
    [
      'a correctable error that is masked',
      aer('BAD_TLP'),
      { aer: { uncorrectableMask: 0, correctableMask: maskOf('BAD_TLP') } },
      'preflightRefused masked',
    ],
    [
      'a highest bit that is masked',
      aer('TLP_PRF_BLOCKED'),
      { aer: { uncorrectableMask: 0xffff_ffff, correctableMask: 0 } },
      'preflightRefused masked',
    ],
    [
      'an error while only others are masked',
      fatal,
      { aer: { uncorrectableMask: ~maskOf('MALF_TLP') >>> 0, correctableMask: 0xffff_ffff } },
      'allowed',
    ],
    ['a freeze of a device without AER', { kind: 'eehFreeze' }, { aer: null }, 'allowed'],
  ])('judges %s', (_, fault, change, expected) => {
    expect(verdict(fault, change)).toBe(expected);
  });

  it('refuses a DMA above the aperture with the reason: no error would come of it', () => {
    expect(verdict({ kind: 'zpciDma', where: 'aboveAperture' })).toBe('injectionRefused');
    expect(verdict({ kind: 'zpciDma', where: 'belowAperture' })).toBe('allowed');
  });

  it('names the function it is about', () => {
    const siblings = [{ address: beside, driver: 'e1000e', use: 'free', owner: 'host' }] as const;
    const refusal = preflight(
      { address, injector: 'simulated', fault: fatal },
      { ...harmless, siblings },
      'noWait',
    );
    expect(refusal?.message).toContain(beside);
    expect(refusal?.message).toContain('e1000e');
  });
});
