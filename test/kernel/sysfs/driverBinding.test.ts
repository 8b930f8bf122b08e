import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { done, type Result } from '../../../src-main/core/result.ts';
import { koffiProvider, koffiSyscalls } from '../../../src-main/kernel/koffiSyscalls.ts';
import { bindingOf, changeDriver, restoreBinding } from '../../../src-main/kernel/sysfs/driverBinding.ts';
import { KernelWork, sysfsWriter } from '../../../src-main/kernel/sysfs/sysfsWrites.ts';
import { openBlockingCalls } from '../../../src-main/kernel/threads/blockingCalls.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf, RecordedMachine } from '../recordedMachine.ts';

const nic = addressOf('0000:09:00.0');

describe('drivers', () => {
  let machine: RecordedMachine;
  beforeEach(() => {
    machine = new RecordedMachine(topologies.lab);
  });
  afterEach(() => machine.dispose());

  it.each(['vfio-pci', 'vfio-pci-notify'])('are changed to %s and back', async (driver) => {
    const changed = await changeDriver(machine, nic, driver);
    expect(changed).toEqual({ ok: true, value: { driver: 'virtio-pci', override: '' } });
    expect(await bindingOf(machine.tree, nic)).toEqual({ driver, override: driver });
    expect(machine.written.map((line) => line.split(' ')[0])).toEqual([
      `/bus/pci/devices/${nic}/driver_override`,
      `/bus/pci/devices/${nic}/driver/unbind`,
      `/bus/pci/drivers/${driver}/bind`,
    ]);
    if (!changed.ok) return;
    expect((await restoreBinding(machine, nic, changed.value)).ok).toBe(true);
    expect(await bindingOf(machine.tree, nic)).toEqual({ driver: 'virtio-pci', override: '' });
    expect(machine.written.at(-1)).toBe(`/bus/pci/drivers_probe "${nic}"`);
  });

  it('are taken away and given back, the override with them', async () => {
    machine.attribute(nic, 'driver_override', 'virtio-pci\n');
    const changed = await changeDriver(machine, nic, null);
    expect(await bindingOf(machine.tree, nic)).toEqual({ driver: null, override: '' });
    if (!changed.ok) throw new Error(changed.error.message);
    await restoreBinding(machine, nic, changed.value);
    expect(await bindingOf(machine.tree, nic)).toEqual({ driver: 'virtio-pci', override: 'virtio-pci' });
  });

  it('that refuse leave everything as it was', async () => {
    machine.refusing.set('vfio-pci', 'EINVAL');
    const changed = await changeDriver(machine, nic, 'vfio-pci');
    expect(changed).toMatchObject({ ok: false, error: { errno: { name: 'EINVAL' } } });
    expect(await bindingOf(machine.tree, nic)).toEqual({ driver: 'virtio-pci', override: '' });
  });

  it('of the host are not forced on a function that they do not know', async () => {
    const changed = await changeDriver(machine, nic, 'nvme');
    expect(changed).toMatchObject({ ok: false, error: { errno: { name: 'ENODEV' } } });
    expect(await bindingOf(machine.tree, nic)).toEqual({ driver: 'virtio-pci', override: '' });
  });

  it('bind a function that has none', async () => {
    const free = addressOf('0000:00:1e.0');
    expect((await changeDriver(machine, free, 'vfio-pci')).ok).toBe(true);
    expect(await bindingOf(machine.tree, free)).toEqual({ driver: 'vfio-pci', override: 'vfio-pci' });
  });
});

describe('work that blocks in the kernel', () => {
  const work = (
    late: (result: Result<void>) => void = () => undefined,
    patience = 5,
  ): Parameters<KernelWork['outlast']>[0] => ({
    subject: '0000:01:00.0',
    what: 'the unbind of 0000:01:00.0',
    patience,
    late,
  });
  const held = (): { readonly run: () => Promise<Result<void>>; readonly release: () => void } => {
    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    return { run: () => until.then(() => done), release: () => release() };
  };

  it('is not waited for longer than patience, goes on, and is told when it ends', async () => {
    const kernel = new KernelWork();
    const { run, release } = held();
    const ended = new Promise<Result<void>>((resolve) => {
      void kernel.outlast(work(resolve), run).then((early) => {
        expect(early).toMatchObject({
          ok: false,
          error: { code: 'callTimedOut', errno: { name: 'ETIMEDOUT' } },
        });
        release();
      });
    });
    expect(await ended).toEqual(done);
  });

  it('is done once at a time for each device', async () => {
    const kernel = new KernelWork();
    const { run, release } = held();
    const first = kernel.outlast(work(undefined, 60_000), run);
    const second = await kernel.outlast(work(), async () => done);
    expect(second).toMatchObject({ ok: false, error: { code: 'busy' } });
    expect(await kernel.outlast({ ...work(), subject: '0000:02:00.0' }, async () => done)).toEqual(done);
    release();
    expect(await first).toEqual(done);
    expect(await kernel.outlast(work(), async () => done)).toEqual(done);
  });

  it('that ends in time is not told twice', async () => {
    const late: Result<void>[] = [];
    expect(
      await new KernelWork().outlast(
        work((result) => late.push(result)),
        async () => done,
      ),
    ).toEqual(done);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(late).toEqual([]);
  });
});

describe('a write into sysfs', () => {
  const calls = koffiSyscalls();
  const blocking = openBlockingCalls(koffiProvider());
  const folder = mkdtempSync(join(tmpdir(), 'rbench-write-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('arrives, and is refused with its errno', async () => {
    const write = sysfsWriter(calls, blocking);
    const file = join(folder, 'unbind');
    writeFileSync(file, '');
    expect(await write(file, '0000:01:00.0', 'the unbind')).toEqual(done);
    expect(readFileSync(file, 'utf8')).toBe('0000:01:00.0');
    expect(await write(join(folder, 'absent'), '1', 'the rescan')).toMatchObject({
      ok: false,
      error: { errno: { name: 'ENOENT' }, message: expect.stringContaining('the rescan') },
    });
    // /dev/full takes nothing: the errno of the write itself.
    expect(await write('/dev/full', '1', 'the write')).toMatchObject({
      ok: false,
      error: { code: 'kernelRefused', errno: { name: 'ENOSPC' } },
    });
    blocking.close();
  });
});
