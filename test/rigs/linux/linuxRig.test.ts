import { afterEach, describe, expect, it } from 'vitest';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import type { Result } from '../../../src-main/core/result.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { readAckTimeout } from '../../../src-main/rigs/linux/capabilities.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';
import { otherZpciAddress, zpciAddress, zpciMachine } from '../../kernel/zpciMachine.ts';
import { recordedRig, valueOf, type RecordedRig } from './recordedRig.ts';

const opened: RecordedRig[] = [];
const labRig = async (...more: [] | [Parameters<typeof recordedRig>[2]]): Promise<RecordedRig> => {
  const rig = await recordedRig(topologies.lab, undefined, ...more);
  opened.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.dispose();
});

const dut = addressOf('0000:01:00.0');
const nic = addressOf('0000:09:00.0');
const codeOf = (result: Result<unknown>): string => (result.ok ? 'none' : result.error.code);
const refusal = (result: Result<unknown>): string =>
  result.ok ? 'none' : [result.error.code, result.error.errno?.name ?? '-'].join(' ');

describe('the devices of a machine', () => {
  it('come with names, ports, drivers and what they can likely be armed with', async () => {
    const { rig, machine } = await labRig();
    machine.attribute('0000:01:00.0', 'aer_dev_nonfatal', 'TOTAL_ERR_NONFATAL 3\n');
    const devices = valueOf(await rig.devices());
    const one = (address: string) => devices.find((device) => device.address === address);
    expect(one('0000:01:00.0')).toEqual({
      address: '0000:01:00.0',
      name: 'Virtio RNG',
      kind: 'endpoint',
      className: 'Unclassified device',
      vendorId: 0x1af4,
      deviceId: 0x1044,
      parent: '0000:00:04.0',
      driver: 'vfio-pci-notify',
      iommuGroup: 20,
      protocols: ['notify', 'legacy'],
      aerCounters: { correctable: 0, nonFatal: 3, fatal: 0 },
    });
    expect(one('0000:04:00.0')).toMatchObject({
      driver: 'vfio-pci',
      protocols: ['legacy'],
      aerCounters: null,
    });
    expect(one('0000:09:00.0')).toMatchObject({ driver: 'virtio-pci', protocols: [] });
    expect(one('0000:00:04.0')).toMatchObject({ kind: 'bridge', protocols: [] });
  });

  it('of s390x come by UID and FID with all that names them, without ports and AER', async () => {
    const machine = zpciMachine();
    machine.attribute(zpciAddress, 'util_string', Uint8Array.of(0xd9, 0xc2, 0x40, 0xf1, 0x40, 0x40));
    machine.unlink(otherZpciAddress, 'uid');
    const recorded = await recordedRig(topologies.zpci, undefined, {}, machine);
    opened.push(recorded);
    const devices = valueOf(await recorded.rig.devices());
    expect(devices.map(({ address, parent, aerCounters }) => [address, parent, aerCounters])).toEqual([
      [zpciAddress, null, null],
      [otherZpciAddress, null, null],
      ['2000:00:00.0', null, null],
    ]);
    expect(devices[0]?.zpci).toEqual({
      uid: 0x1234,
      fid: 0x56,
      functionHandle: 0x8002_0000,
      pchid: 0,
      pfgid: 0xff,
      pft: 0,
      vfn: 0,
      utilityString: 'RB 1',
      uidIsUnique: true,
    });
    // Without a UID the FID still names it.
    expect(devices[1]?.zpci).toMatchObject({ uid: null, fid: 0x57, functionHandle: 0x8002_0001 });
    machine.attribute(zpciAddress, 'function_handle', '0x80030000\n');
    expect(valueOf(await recorded.rig.devices())[0]?.zpci?.functionHandle).toBe(0x8003_0000);
  });

  it('have the module parameter for their wait', async () => {
    const { machine } = await labRig();
    expect(await readAckTimeout(machine.tree, 'vfio-pci-notify')).toBe(60_000_000);
    machine.file('sys/module/vfio_pci_notify/parameters/ack_timeout_ms', '1500\n');
    expect(await readAckTimeout(machine.tree, 'vfio-pci-notify')).toBe(1_500_000);
    expect(await readAckTimeout(machine.tree, 'vfio-pci')).toBe(60_000_000);
  });
});

describe('a device that cannot be opened', () => {
  it.each<[string, PciAddress, (rig: RecordedRig) => void, string, RegExp]>([
    ['unknown', addressOf('ffff:ff:1f.7'), () => undefined, 'unknownAddress -', /has no device/],
    ['on a host driver', nic, () => undefined, 'kernelRefused ENODEV', /virtio-pci; bind it/],
    [
      'without IOMMU',
      dut,
      ({ machine }) => machine.unlink('0000:01:00.0', 'iommu_group'),
      'kernelRefused ENODEV',
      /no IOMMU group.*intel_iommu=on/,
    ],
    [
      'in a group that is not viable',
      addressOf('0000:07:00.0'),
      ({ machine }) =>
        machine.link('sys/bus/pci/devices/0000:07:00.1/driver', `${machine.tree.sys}/bus/pci/drivers/e1000e`),
      'permissionDenied EPERM',
      /not viable: 0000:07:00.1 is on e1000e/,
    ],
    [
      'without /dev/vfio',
      dut,
      ({ machine }) => machine.unlinkFolder('dev/vfio'),
      'notSupported ENOENT',
      /modprobe vfio-pci/,
    ],
    [
      'whose config space is all ones',
      dut,
      ({ machine }) => machine.attribute('0000:01:00.0', 'config', new Uint8Array(4096).fill(0xff)),
      'configUnreadable ENXIO',
      /all ones/,
    ],
  ])('%s', async (_, address, prepare, expected, words) => {
    const recorded = await labRig();
    prepare(recorded);
    const result = await recorded.rig.open(address);
    expect(refusal(result)).toBe(expected);
    expect(result.ok ? '' : result.error.message).toMatch(words);
    expect(result.ok ? '' : result.error.message).toMatch(/^[^\n]+\.$/);
    // It was not left "open".
    expect(codeOf(await recorded.rig.open(address))).toBe(expected.split(' ')[0]);
  });

  it('because it was pulled, and was seen before', async () => {
    const { rig, machine } = await labRig();
    valueOf(await rig.devices());
    machine.remove(dut);
    for (const call of [rig.open(dut), rig.faultTarget(dut), rig.injectors(dut), rig.bind(dut, null)]) {
      expect(codeOf(await call)).toBe('deviceLost');
    }
  });

  it('twice at the same time', async () => {
    let letGo: () => void = () => undefined;
    const recorded = await labRig({
      openVfioDevice: () =>
        new Promise((resolve) => {
          letGo = () => resolve({ ok: false, error: { code: 'busy', message: 'later' } });
          entered();
        }),
    });
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const first = recorded.rig.open(dut);
    await inside;
    expect(codeOf(await recorded.rig.open(dut))).toBe('busy');
    letGo();
    expect(await first).toMatchObject({ ok: false, error: { message: 'later' } });
  });
});

describe('what may be harmed', () => {
  it('has its masks, its use, and who shares its reset', async () => {
    const { rig, machine } = await labRig();
    const target = valueOf(await rig.faultTarget(addressOf('0000:07:00.0')));
    expect(target).toMatchObject({
      kind: 'endpoint',
      link: 'up',
      use: 'free',
      siblings: [{ address: '0000:07:00.1', driver: null, use: 'free', owner: 'nobody' }],
    });
    machine.link('sys/bus/pci/devices/0000:07:00.1/driver', `${machine.tree.sys}/bus/pci/drivers/e1000e`);
    const folder = 'sys/bus/pci/devices/0000:07:00.1/net/eth0';
    machine.file(`${folder}/operstate`, 'up\n');
    machine.link('sys/class/net/eth0', `${machine.root}/${folder}`);
    expect(valueOf(await rig.faultTarget(addressOf('0000:07:00.0'))).siblings).toEqual([
      { address: '0000:07:00.1', driver: 'e1000e', use: 'networkLink', usedAs: 'eth0', owner: 'host' },
    ]);
    expect(valueOf(await rig.faultTarget(dut)).aer).toEqual({
      uncorrectableMask: expect.any(Number),
      correctableMask: expect.any(Number),
    });
    expect(valueOf(await rig.faultTarget(addressOf('0000:04:00.0'))).aer).toBeNull();
  });
});

describe('the driver of a device', () => {
  it('is changed, and binding it back is the undo', async () => {
    const { rig, machine } = await labRig();
    valueOf(await rig.bind(nic, 'vfio-pci'));
    valueOf(await rig.bind(nic, 'vfio-pci-notify'));
    expect(valueOf(await rig.devices()).find(({ address }) => address === nic)).toMatchObject({
      driver: 'vfio-pci-notify',
      protocols: ['notify', 'legacy'],
    });
    valueOf(await rig.bind(nic, 'virtio-pci'));
    expect(machine.read(nic, 'driver_override')).toBe('(null)');
    expect(machine.written.at(-1)).toContain('/bus/pci/drivers_probe');
  });

  it('is not changed against the rules, and nothing is written then', async () => {
    const { rig, machine } = await labRig();
    machine.file('proc/4242/comm', 'qemu-system-x86\n');
    machine.link('proc/4242/fd/9', `${machine.tree.dev}/vfio/20`);
    for (const [address, driver, rule] of [
      [addressOf('0000:00:04.0'), 'vfio-pci', 'bridge'],
      [nic, 'virtio-pci', 'alreadyBound'],
      [dut, 'vfio-pci', 'driverInUse'],
    ] as const) {
      expect(await rig.bind(address, driver)).toMatchObject({ ok: false, error: { details: { rule } } });
    }
    expect(await rig.bind(nic, 'no-such-driver')).toMatchObject({
      ok: false,
      error: { errno: { name: 'ENOENT' } },
    });
    expect(machine.written).toEqual([]);
  });

  it('that the kernel blocks to change is told when it has let go', async () => {
    const { rig, machine } = await labRig({ patience: 5 });
    let letGo: () => void = () => undefined;
    machine.held.set(
      `${machine.tree.sys}/bus/pci/devices/${nic}/driver/unbind`,
      new Promise((resolve) => {
        letGo = resolve;
      }),
    );
    const told = new Promise<RigEvent>((resolve) => rig.onEvent(resolve));
    expect(await rig.bind(nic, 'vfio-pci')).toMatchObject({ ok: false, error: { code: 'callTimedOut' } });
    expect(await rig.bind(nic, null)).toMatchObject({ ok: false, error: { code: 'busy' } });
    letGo();
    expect(await told).toMatchObject({
      kind: 'kernelLog',
      address: nic,
      text: expect.stringContaining('done'),
    });
    expect(valueOf(await rig.devices()).find(({ address }) => address === nic)?.driver).toBe('vfio-pci');
  });

  it('is changed with a warning while a sibling is on the host', async () => {
    const { rig, machine } = await labRig();
    const [first, second] = [addressOf('0000:07:00.0'), '0000:07:00.1'];
    machine.link(`sys/bus/pci/devices/${second}/driver`, `${machine.tree.sys}/bus/pci/drivers/e1000e`);
    const heard: RigEvent[] = [];
    rig.onEvent((event) => heard.push(event));
    valueOf(await rig.bind(first, 'vfio-pci-notify'));
    expect(heard).toMatchObject([
      { kind: 'kernelLog', address: first, text: expect.stringContaining(second) },
    ]);
  });
});

describe('the machine', () => {
  it('is rescanned, and what came back is named', async () => {
    const { rig, machine } = await labRig();
    machine.remove(dut);
    machine.onRescan = () => machine.restore(dut, 'devices/pci0000:00/0000:00:04.0/0000:01:00.0');
    expect(valueOf(await rig.rescan())).toEqual([dut]);
    machine.onRescan = () => undefined;
    expect(valueOf(await rig.rescan())).toEqual([]);
  });

  it('is heard with whole microseconds', async () => {
    const { rig, tell } = await labRig();
    const heard: RigEvent[] = [];
    const stop = rig.onEvent((event) => heard.push(event));
    tell({ kind: 'uevent', at: 12.75, address: dut, uevent: 'beginRecovery' });
    stop();
    tell({ kind: 'deviceRemoved', at: 13, address: dut });
    expect(heard).toEqual([{ kind: 'uevent', at: 12, address: dut, uevent: 'beginRecovery' }]);
  });

  it('says once what it does not let the rig hear', async () => {
    const { rig } = await labRig({
      listen: async () => ({
        ueventTrouble: null,
        kernelLogTrouble: { code: 'permissionDenied', message: 'No kernel log.' },
        close: async () => undefined,
      }),
    });
    const first = await new Promise<RigEvent>((resolve) => rig.onEvent(resolve));
    expect(first).toMatchObject({ kind: 'kernelLog', address: null, text: 'No kernel log.' });
    const heard: RigEvent[] = [];
    rig.onEvent((event) => heard.push(event));
    await Promise.resolve();
    expect(heard).toEqual([]);
  });

  it('waits for a device that is being opened before it lets go', async () => {
    let letGo: () => void = () => undefined;
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const { rig, released } = await labRig({
      openVfioDevice: () =>
        new Promise((resolve) => {
          letGo = () => resolve({ ok: false, error: { code: 'busy', message: 'later' } });
          entered();
        }),
    });
    const opening = rig.open(dut);
    await inside;
    const closing = rig.close();
    await new Promise((resolve) => setImmediate(resolve));
    const before = released();
    letGo();
    await Promise.all([opening, closing]);
    expect([before, released()]).toEqual([false, true]);
  });

  it('is let go of once', async () => {
    const { rig, released } = await labRig();
    await Promise.all([rig.close(), rig.close()]);
    expect(released()).toBe(true);
    for (const call of [
      rig.devices(),
      rig.open(dut),
      rig.bind(dut, null),
      rig.rescan(),
      rig.injectors(dut),
    ]) {
      expect(codeOf(await call)).toBe('rigClosed');
    }
  });
});
