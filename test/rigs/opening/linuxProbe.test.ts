import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { thisMachine } from '../../../src-main/kernel/sysfs/hostTree.ts';
import { probeLinuxRig } from '../../../src-main/rigs/opening/linuxProbe.ts';

const root = mkdtempSync(join(tmpdir(), 'recovery-bench-probe-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
/** A machine whose /dev/vfio has these files, with these modes; null: none at all. */
const machine = (files: Readonly<Record<string, number>> | null) => {
  const dev = join(root, String((count += 1)));
  mkdirSync(dev);
  if (files !== null) mkdirSync(join(dev, 'vfio'));
  for (const [name, mode] of Object.entries(files ?? {})) {
    writeFileSync(join(dev, 'vfio', name), '', { mode });
  }
  return probeLinuxRig({ ...thisMachine, dev });
};

describe('the probe of this machine', () => {
  it('says what is missing without /dev/vfio', async () => {
    expect(await machine(null)).toMatchObject({
      ok: false,
      error: {
        code: 'notSupported',
        errno: { name: 'ENOENT' },
        message: expect.stringMatching(/modprobe vfio-pci/) as string,
      },
    });
  });

  it('is content with a container, or with iommufd alone, before any group is there', async () => {
    expect((await machine({ vfio: 0o666 })).ok).toBe(true);
    expect((await machine({ devices: 0o666 })).ok).toBe(true);
    expect((await machine({ vfio: 0o666, 7: 0o660 })).ok).toBe(true);
  });

  // Root may open everything.
  it.skipIf(process.getuid?.() === 0)('says who may not open what, and what to do', async () => {
    expect(await machine({ vfio: 0 })).toMatchObject({ ok: false, error: { errno: { name: 'EACCES' } } });
    expect(await machine({ vfio: 0o666, 7: 0, 8: 0 })).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/no group .*udev rule/) as string },
    });
    expect((await machine({ vfio: 0o666, 7: 0, 8: 0o600 })).ok).toBe(true);
  });
});
