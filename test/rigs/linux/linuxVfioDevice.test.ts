import { afterEach, describe, expect, it } from 'vitest';
import type { Result } from '../../../src-main/core/result.ts';
import { koffiProvider, koffiSyscalls } from '../../../src-main/kernel/koffiSyscalls.ts';
import { openBlockingCalls } from '../../../src-main/kernel/threads/blockingCalls.ts';
import { VfioOpener } from '../../../src-main/kernel/vfio/vfioOpener.ts';
import { openWaiter } from '../../../src-main/kernel/waiter/waiter.ts';
import { LinuxVfioDevice } from '../../../src-main/rigs/linux/linuxVfioDevice.ts';
import type { PreparedAnswer } from '../../../src-main/rigs/session/vfioDevice.ts';
import { openDescriptors } from '../../conformance/syscallsSuite.ts';
import { address, hostTree, ScriptedKernel, type TreeWishes } from '../../kernel/vfio/scriptedKernel.ts';

const listener = {
  signal: () => undefined,
  answered: () => undefined,
  releaseRequested: () => undefined,
  deaf: () => undefined,
};
const byGroup: TreeWishes = { driver: 'vfio-pci', group: true, iommufd: false };
const byIommufd: TreeWishes = { ...byGroup, iommufd: true };

const trees: (() => void)[] = [];
afterEach(() => trees.splice(0).forEach((remove) => remove()));

const stage = (scripted: ScriptedKernel, wishes: TreeWishes = byGroup) => {
  const { tree, remove } = hostTree(wishes);
  trees.push(remove);
  const kernel = scripted.kernel(tree);
  const opener = new VfioOpener(kernel);
  return { open: () => LinuxVfioDevice.open({ kernel, opener, address, listener }) };
};

const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

const answer: PreparedAnswer = {
  delay: 0,
  latest: 59_500_000,
  looks: [{ offset: 0x104, width: 4 }],
  calls: [{ call: 'writeConfig', offset: 4, width: 2, value: 0x102 }, { call: 'disableMsix' }],
  report: () => {
    throw new Error('nothing is signalled here');
  },
};

/** All that a session does, so that each call in it can fail. */
const useAll = async (device: LinuxVfioDevice): Promise<readonly Result<unknown>[]> => [
  await device.registerErrorEventfd('notify'),
  await device.enableMsix(),
  await device.handDown(answer, 0),
  await device.hotReset(),
  await device.remapDma(),
  await device.disableMsix(),
  await device.unregisterErrorEventfd('notify'),
];

/** Refused by the waiter, and by the bench that finds no IOMMU of a known type. */
const withoutErrno = ['watch', 'VFIO_CHECK_EXTENSION'];

describe.each([
  ['by group and container', byGroup],
  ['by iommufd', byIommufd],
])('a VFIO device opened %s', (_, wishes) => {
  it('is closed with all that was opened for it', async () => {
    const scripted = new ScriptedKernel(6);
    const device = valueOf(await stage(scripted, wishes).open());
    expect((await useAll(device)).map(({ ok }) => ok)).toEqual(Array(7).fill(true));
    expect(await device.close()).toMatchObject({ ok: true });
    expect([scripted.open.size, scripted.mapped.size, scripted.watched.size]).toEqual([0, 0, 0]);
    expect(await device.reset()).toMatchObject({
      error: { code: 'sessionClosed', errno: { name: 'EBADF' } },
    });
    expect(await device.close()).toMatchObject({ error: { code: 'sessionClosed' } });
  });

  it('leaves nothing open, mapped or watched, whichever call fails', async () => {
    const failed: string[] = [];
    for (let call = 0; ; call += 1) {
      const scripted = new ScriptedKernel(6);
      const { open } = stage(scripted, wishes);
      scripted.failAt(call, 'ENOMEM');
      const opened = await open();
      if (opened.ok) {
        await useAll(opened.value);
        await opened.value.close();
      } else if (!withoutErrno.includes(scripted.failed ?? '')) {
        expect([scripted.failed, opened.error.errno?.name]).toEqual([scripted.failed, 'ENOMEM']);
      }
      const left = [...scripted.open.values(), ...scripted.mapped, ...scripted.watched];
      expect([scripted.failed, left]).toEqual([scripted.failed, []]);
      if (scripted.failed === null) break;
      failed.push(scripted.failed);
    }
    expect(failed).toEqual(expect.arrayContaining(['eventfd', 'mmap', 'watch', 'VFIO_DEVICE_GET_INFO']));
    expect(failed.length).toBeGreaterThan(30);
  });

  it('is shared by its group, and the group goes with the last', async () => {
    const scripted = new ScriptedKernel(6);
    const { open } = stage(scripted, wishes);
    const [one, other] = [valueOf(await open()), valueOf(await open())];
    expect(one.buffer.iova).not.toBe(other.buffer.iova);
    valueOf(await one.close());
    expect([...scripted.open.values()]).toContain(wishes.iommufd ? 'iommu' : 'group');
    valueOf(await other.close());
    expect(scripted.open.size).toBe(0);
  });
});

describe('what a VFIO device can do', () => {
  it('is notify where index 5 takes an eventfd, which is given back', async () => {
    const scripted = new ScriptedKernel(6);
    const device = valueOf(await stage(scripted).open());
    expect(device.abilities).toMatchObject({
      protocols: ['notify', 'legacy'],
      resetKinds: ['device', 'hot'],
      msixVectors: 2,
    });
    const trial = scripted.made.filter((made) => made.startsWith('SET_IRQS') && made.endsWith(' 5'));
    expect(trial).toEqual(['SET_IRQS registerEventfds 5', 'SET_IRQS unregister 5']);
    await device.close();
  });

  it('is legacy on a released kernel, where index 5 is not even tried', async () => {
    const scripted = new ScriptedKernel(5);
    const device = valueOf(await stage(scripted).open());
    expect(device.abilities.protocols).toEqual(['legacy']);
    expect(scripted.made.filter((made) => made.endsWith(' 5'))).toEqual([]);
    await device.close();
  });
});

describe('a VFIO device that cannot be opened', () => {
  const refusalOf = async (
    wishes: TreeWishes,
    prepare: (kernel: ScriptedKernel) => void = () => undefined,
  ) => {
    const scripted = new ScriptedKernel(5);
    prepare(scripted);
    const opened = await stage(scripted, wishes).open();
    expect(scripted.open.size).toBe(0);
    return opened.ok
      ? 'opened'
      : { code: opened.error.code, errno: opened.error.errno?.name, message: opened.error.message };
  };

  it('says what to do', async () => {
    expect(await refusalOf({ ...byGroup, group: false })).toMatchObject({
      code: 'notSupported',
      message: expect.stringContaining('intel_iommu=on'),
    });
    expect(await refusalOf({ ...byGroup, driver: null })).toMatchObject({
      code: 'kernelRefused',
      message: expect.stringContaining('no driver; bind it to vfio-pci'),
    });
    expect(await refusalOf(byGroup, (kernel) => (kernel.viable = false))).toMatchObject({
      code: 'permissionDenied',
      errno: 'EPERM',
      message: expect.stringContaining('not viable'),
    });
    expect(await refusalOf(byGroup, (kernel) => kernel.failAt(0, 'EACCES'))).toMatchObject({
      code: 'permissionDenied',
      errno: 'EACCES',
      message: expect.stringContaining('udev rule'),
    });
    expect(await refusalOf(byGroup, (kernel) => kernel.failAt(0, 'EBUSY'))).toMatchObject({
      code: 'busy',
      errno: 'EBUSY',
      message: expect.stringContaining('Another program'),
    });
  });

  it('is refused by this machine’s own kernel with its errno, and leaves no descriptor', async () => {
    const before = openDescriptors();
    const calls = koffiSyscalls();
    const blocking = openBlockingCalls(koffiProvider());
    const waiter = valueOf(openWaiter(calls, koffiProvider()));
    const { tree, remove } = hostTree(byGroup);
    trees.push(remove);
    const kernel = { calls, blocking, waiter, tree: { ...tree, dev: `${tree.dev}/missing` } };
    const opener = new VfioOpener(kernel);
    expect(await LinuxVfioDevice.open({ kernel, opener, address, listener })).toMatchObject({
      error: {
        code: 'kernelRefused',
        errno: { name: 'ENOENT' },
        message: expect.stringContaining('/vfio/4'),
      },
    });
    // A file that is no VFIO group: the first question to it is refused.
    const plain = { ...kernel, tree };
    expect(
      await LinuxVfioDevice.open({ kernel: plain, opener: new VfioOpener(plain), address, listener }),
    ).toMatchObject({ error: { code: 'notSupported', errno: { name: 'ENOTTY' } } });
    await waiter.close();
    blocking.close();
    expect(openDescriptors()).toEqual(before);
  });
});
