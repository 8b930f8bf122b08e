import { describe, expect, it } from 'vitest';
import { bindPreflight, isVfioDriver, type BindTarget } from '../../../src-main/core/faults/bindPreflight.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';

const free: BindTarget = {
  address: '0000:01:00.0' as PciAddress,
  kind: 'endpoint',
  driver: 'virtio-pci',
  use: 'free',
  iommuGroup: 10,
  groupMembers: [],
  virtualFunctions: 0,
  openInBench: false,
  holders: [],
  drivers: ['virtio-pci', 'vfio-pci', 'vfio-pci-notify'],
};

const verdict = (change: Partial<BindTarget>, driver: string | null = 'vfio-pci'): string => {
  const { refusal } = bindPreflight({ ...free, ...change }, driver);
  if (refusal === null) return 'allowed';
  expect(refusal.message).toMatch(/^[^\n]{20,}[.)]$/);
  expect(refusal.message).toContain(
    driver !== null && refusal.errno?.name === 'ENOENT' ? driver : free.address,
  );
  const rule = refusal.details?.['rule'];
  return typeof rule === 'string' ? rule : `${refusal.code} ${refusal.errno?.name}`;
};

describe('the rules before a driver is changed', () => {
  it.each<[string, Partial<BindTarget>, string | null, string]>([
    ['a free device', {}, 'vfio-pci', 'allowed'],
    ['a free device to no driver', {}, null, 'allowed'],
    ['back to the host', { driver: 'vfio-pci' }, 'virtio-pci', 'allowed'],
    ['back to the host without an IOMMU', { driver: 'vfio-pci', iommuGroup: null }, 'virtio-pci', 'allowed'],
    ['a bridge', { kind: 'bridge' }, 'vfio-pci', 'bridge'],
    ['the root disk', { use: 'rootFilesystem', usedAs: '/ on sda1' }, 'vfio-pci', 'hostRoot'],
    ['a mounted disk', { use: 'mountedDisk' }, null, 'mountedDisk'],
    ['the only link', { use: 'networkLink' }, 'vfio-pci', 'onlyNetworkLink'],
    ['what it is on already', { driver: 'vfio-pci' }, 'vfio-pci', 'alreadyBound'],
    ['no driver, again', { driver: null }, null, 'alreadyBound'],
    ['an open device', { openInBench: true }, null, 'busy EBUSY'],
    ['a device that QEMU has', { holders: ['qemu-system-x86 (12)'] }, null, 'driverInUse'],
    ['a driver that is not loaded', {}, 'vfio-pci-other', 'kernelRefused ENOENT'],
    ['a path for a driver', {}, '../../../etc', 'kernelRefused ENOENT'],
    ['a machine without an IOMMU', { iommuGroup: null }, 'vfio-pci', 'noIommu'],
    ['virtual functions', { virtualFunctions: 2 }, 'vfio-pci-notify', 'virtualFunctions'],
  ])('%s', (_, change, driver, expected) => {
    expect(verdict(change, driver)).toBe(expected);
  });

  it('name what is lost', () => {
    const { refusal } = bindPreflight({ ...free, use: 'mountedDisk', usedAs: '/srv on sdb' }, 'vfio-pci');
    expect(refusal?.message).toContain('/srv on sdb');
  });

  it('warn of siblings on host drivers, and let them be handed over one by one', () => {
    const sibling = (address: string, driver: string | null, kind: 'endpoint' | 'bridge' = 'endpoint') => ({
      address: address as PciAddress,
      driver,
      kind,
    });
    const groupMembers = [
      sibling('0000:00:04.0', 'pcieport', 'bridge'),
      sibling('0000:01:00.1', 'e1000e'),
      sibling('0000:01:00.2', 'vfio-pci'),
      sibling('0000:01:00.3', null),
    ];
    const { refusal, warnings } = bindPreflight({ ...free, groupMembers }, 'vfio-pci');
    expect(refusal).toBeNull();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/0000:01:00.1 .* e1000e.*EPERM/);
    expect(bindPreflight({ ...free, driver: 'vfio-pci', groupMembers }, 'virtio-pci').warnings).toEqual([]);
  });

  it.each([
    ['vfio-pci', true],
    ['vfio-pci-notify', true],
    ['mlx5_vfio_pci', true],
    ['nvgrace-gpu-vfio-pci', true],
    ['virtio-pci', false],
    ['pcieport', false],
    ['vfio-platform', false],
  ])('know %s', (name, expected) => {
    expect(isVfioDriver(name)).toBe(expected);
  });
});
