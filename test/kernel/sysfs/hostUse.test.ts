import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdersOf, readHostUses } from '../../../src-main/kernel/sysfs/hostUse.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf, RecordedMachine } from '../recordedMachine.ts';

const nvme = addressOf('0000:08:00.0');
const nic = addressOf('0000:09:00.0');
const otherNic = addressOf('0000:05:00.0');
const port = addressOf('0000:00:08.0');
const nvmeFolder = 'sys/devices/pci0000:00/0000:00:08.0/0000:08:00.0/nvme/nvme0/nvme0n1';
const nicFolder = 'sys/devices/pci0000:00/0000:00:09.0/0000:09:00.0/virtio3/net/enp9s0';
const otherNicFolder =
  'sys/devices/pci0000:00/0000:00:05.0/0000:02:00.0/0000:03:01.0/0000:05:00.0/virtio4/net/enp5s0';

describe('what the host does with a function', () => {
  let machine: RecordedMachine;
  beforeEach(() => {
    machine = new RecordedMachine(topologies.lab);
    machine.file(`${nvmeFolder}/dev`, '259:0\n');
    machine.file(`${nvmeFolder}/nvme0n1p2/dev`, '259:2\n');
    machine.link('sys/class/block/nvme0n1', `${machine.root}/${nvmeFolder}`);
    machine.link('sys/class/block/nvme0n1p2', `${machine.root}/${nvmeFolder}/nvme0n1p2`);
  });
  afterEach(() => machine.dispose());

  const mounts = (...lines: readonly string[]): void =>
    machine.file('proc/self/mountinfo', `${lines.join('\n')}\n`);
  const mapper = (name: string, dm: string, below: string, number: string): void => {
    machine.file(`sys/devices/virtual/block/${dm}/dm/name`, `${name}\n`);
    machine.file(`sys/devices/virtual/block/${dm}/dev`, `${number}\n`);
    machine.link(`sys/class/block/${dm}`, `${machine.root}/sys/devices/virtual/block/${dm}`);
    machine.link(`${below}/holders/${dm}`, `${machine.root}/sys/devices/virtual/block/${dm}`);
  };
  const interfaceAt = (name: string, folder: string, state: string): void => {
    machine.file(`${folder}/operstate`, `${state}\n`);
    machine.link(`sys/class/net/${name}`, `${machine.root}/${folder}`);
  };
  const defaultRoute = (name: string): void =>
    machine.file(
      'proc/net/route',
      `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n${name}\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n` +
        `${name}\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n`,
    );
  const useOf = async (address: string): Promise<unknown> =>
    (await readHostUses(machine.tree)).get(addressOf(address)) ?? 'free';

  it('is nothing where nothing is mounted', async () => {
    mounts('22 27 0:21 / /proc rw - proc proc rw');
    expect(await readHostUses(machine.tree)).toEqual(new Map());
  });

  it.each([
    ['a partition', '27 1 259:2 / / rw,relatime - ext4 /dev/root rw', '/ on nvme0n1p2'],
    ['the disk', '27 1 259:0 / / rw - xfs /dev/nvme0n1 rw', '/ on nvme0n1'],
    [
      'btrfs, which shows a device number of its own',
      '27 1 0:29 /@ / rw shared:1 - btrfs /dev/nvme0n1p2 rw',
      '/ on nvme0n1p2',
    ],
  ])('is the root file system on %s', async (_, line, usedAs) => {
    mounts(line, '28 27 259:2 /home /home rw - ext4 /dev/root rw');
    expect(await useOf(nvme)).toEqual({ use: 'rootFilesystem', usedAs });
    // A fault of the port takes the disk with it.
    expect(await useOf(port)).toEqual({ use: 'rootFilesystem', usedAs });
    expect(await useOf('0000:04:00.0')).toBe('free');
  });

  it('is the root file system through device-mapper on device-mapper', async () => {
    mapper('crypt', 'dm-0', `${nvmeFolder}/nvme0n1p2`, '254:0');
    mapper('vg-root', 'dm-1', 'sys/devices/virtual/block/dm-0', '254:1');
    mounts('27 1 254:1 / / rw - ext4 /dev/mapper/vg-root rw');
    expect(await useOf(nvme)).toEqual({ use: 'rootFilesystem', usedAs: '/ on dm-1' });
    mounts('27 1 0:31 / /srv rw - btrfs /dev/mapper/vg-root rw');
    expect(await useOf(nvme)).toEqual({ use: 'mountedDisk', usedAs: '/srv on dm-1' });
  });

  it('is a mounted disk, also with a blank in its path, and swap', async () => {
    mounts('27 1 259:2 / /mnt/my\\040disk rw - ext4 /dev/nvme0n1p2 rw');
    expect(await useOf(nvme)).toEqual({ use: 'mountedDisk', usedAs: '/mnt/my disk on nvme0n1p2' });
    mounts('');
    machine.file('proc/swaps', 'Filename Type Size Used Priority\n/dev/nvme0n1p2 partition 999 0 -2\n');
    expect(await useOf(nvme)).toEqual({ use: 'mountedDisk', usedAs: 'swap on nvme0n1p2' });
  });

  it('is the way into the network, unless there are two', async () => {
    interfaceAt('enp9s0', nicFolder, 'up');
    interfaceAt('enp5s0', otherNicFolder, 'down');
    defaultRoute('enp9s0');
    expect(await useOf(nic)).toEqual({ use: 'networkLink', usedAs: 'enp9s0' });
    expect(await useOf(otherNic)).toBe('free');
  });

  it('is the way into the network through a bridge', async () => {
    interfaceAt('enp9s0', nicFolder, 'up');
    interfaceAt('enp5s0', otherNicFolder, 'up');
    machine.file(`${nicFolder}/upper_br0/name`, '');
    interfaceAt('br0', 'sys/devices/virtual/net/br0', 'up');
    defaultRoute('br0');
    expect(await useOf(nic)).toEqual({ use: 'networkLink', usedAs: 'enp9s0' });
    expect(await useOf(otherNic)).toBe('free');
  });

  it('is the only link without any route, and an IPv6 route counts', async () => {
    interfaceAt('enp9s0', nicFolder, 'up');
    expect(await useOf(nic)).toEqual({ use: 'networkLink', usedAs: 'enp9s0' });
    interfaceAt('enp5s0', otherNicFolder, 'up');
    expect(await useOf(nic)).toBe('free');
    const zeros = '0'.repeat(32);
    machine.file(
      'proc/net/ipv6_route',
      `${zeros} 00 ${zeros} 00 fe80${'0'.repeat(28)} 00000400 00000001 00000000 00000003 enp5s0\n` +
        `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200 lo\n`,
    );
    expect(await useOf(otherNic)).toEqual({ use: 'networkLink', usedAs: 'enp5s0' });
  });

  it('finds the programs that hold a file, but this one', async () => {
    const group = `${machine.tree.dev}/vfio/20`;
    machine.file('proc/4242/comm', 'qemu-system-x86\n');
    machine.link('proc/4242/fd/7', group);
    machine.link('proc/4242/fd/8', group);
    machine.link('proc/77/fd/7', group);
    machine.file('proc/99/comm', 'sleep\n');
    machine.link('proc/99/fd/0', '/dev/null');
    expect(await holdersOf(machine.tree, [group], 77)).toEqual(['qemu-system-x86 (4242)']);
  });
});
