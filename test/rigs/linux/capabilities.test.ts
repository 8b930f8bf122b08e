import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readRestorePolicy } from '../../../src-main/rigs/linux/capabilities.ts';
import type { HostTree } from '../../../src-main/kernel/sysfs/hostTree.ts';

const folder = mkdtempSync(join(tmpdir(), 'capabilities-'));
afterAll(() => rmSync(folder, { recursive: true }));

let machines = 0;
/** A machine whose module vfio-pci-notify has this value for `restore_snapshot`; null: it is not loaded. */
const machineWith = (parameter: string | null): HostTree => {
  machines += 1;
  const sys = join(folder, `sys${machines}`);
  const parameters = join(sys, 'module/vfio_pci_notify/parameters');
  mkdirSync(parameters, { recursive: true });
  if (parameter !== null) writeFileSync(join(parameters, 'restore_snapshot'), `${parameter}\n`);
  return { sys, dev: join(folder, 'dev'), proc: join(folder, 'proc') } as unknown as HostTree;
};
const pci = { zpci: null } as const;

describe('what a driver restores after the kernel has reset the device', () => {
  it.each([
    ['Y', 'openSnapshot'],
    ['N', 'nothing'],
    ['?', 'unknown'],
    [null, 'unknown'],
  ] as const)('with restore_snapshot=%s of vfio-pci-notify is %s', async (parameter, restores) => {
    const found = { ...pci, driver: 'vfio-pci-notify' };
    expect(await readRestorePolicy(machineWith(parameter), found, ['notify', 'legacy'])).toBe(restores);
  });

  it('is nothing with a stock vfio-pci, and unknown with one that was patched to offer index 5', async () => {
    const found = { ...pci, driver: 'vfio-pci' };
    expect(await readRestorePolicy(machineWith(null), found, ['legacy'])).toBe('nothing');
    expect(await readRestorePolicy(machineWith('Y'), found, ['notify', 'legacy'])).toBe('unknown');
  });

  it('is unknown with any other driver, and on s390x', async () => {
    const tree = machineWith('Y');
    expect(await readRestorePolicy(tree, { ...pci, driver: 'mlx5_vfio_pci' }, ['legacy'])).toBe('unknown');
    const zpci = { uid: 1, fid: 1 } as unknown as NonNullable<
      Parameters<typeof readRestorePolicy>[1]['zpci']
    >;
    expect(await readRestorePolicy(tree, { driver: 'vfio-pci', zpci }, ['mediated'])).toBe('unknown');
  });
});
