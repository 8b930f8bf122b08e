import { afterEach, describe, expect, it } from 'vitest';
import {
  readHardwareConfig,
  readLiveConfig,
  writeHardwareConfig,
} from '../../../src-main/kernel/sysfs/configSpace.ts';
import {
  iommuGroupMembers,
  listPciFunctions,
  pciDrivers,
  readPciFunction,
} from '../../../src-main/kernel/sysfs/pciFunction.ts';
import type { PciFunction } from '../../../src-main/kernel/sysfs/pciFunction.ts';
import { pciNamesIn, readPciNames } from '../../../src-main/kernel/sysfs/pciNames.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import type { Topology } from '../../../src-main/rigs/simulated/hardware/topology.ts';
import { addressOf, RecordedMachine } from '../recordedMachine.ts';

const machines: RecordedMachine[] = [];
const machineOf = (topology: Topology): RecordedMachine => {
  const machine = new RecordedMachine(topology);
  machines.push(machine);
  return machine;
};
afterEach(() => {
  for (const machine of machines.splice(0)) machine.dispose();
});

const functionsOf = async (machine: RecordedMachine): Promise<readonly PciFunction[]> => {
  const all = await listPciFunctions(machine.tree);
  if (!all.ok) throw new Error(all.error.message);
  return all.value;
};
const only = async (machine: RecordedMachine, address: string): Promise<PciFunction> => {
  const found = await readPciFunction(machine.tree, addressOf(address));
  if (found === null) throw new Error(`There is no ${address}.`);
  return found;
};

describe('functions in sysfs', () => {
  it('stand where the topology has them, with drivers and groups', async () => {
    const found = await functionsOf(machineOf(topologies.lab));
    expect(found.map(({ address }) => address)).toEqual(
      topologies.lab.functions.map(({ address }) => address).sort(),
    );
    for (const { address, parent, iommuGroup } of topologies.lab.functions) {
      const one = found.find((other) => other.address === address);
      expect({ address, parent: one?.ports[0] ?? null, iommuGroup: one?.iommuGroup }).toEqual({
        address,
        parent,
        iommuGroup,
      });
    }
    const ofAddress = (address: string): PciFunction | undefined =>
      found.find((one) => one.address === address);
    expect(ofAddress('0000:04:00.0')?.ports).toEqual(['0000:03:00.0', '0000:02:00.0', '0000:00:05.0']);
    expect(ofAddress('0000:01:00.0')).toMatchObject({
      kind: 'endpoint',
      driver: 'vfio-pci-notify',
      express: true,
    });
    expect(ofAddress('0000:00:04.0')).toMatchObject({ kind: 'bridge', driver: 'pcieport' });
    expect(ofAddress('0000:00:1e.0')).toMatchObject({ driver: null, express: false, aerCounters: null });
  });

  it('of a domain behind another function have no port above', async () => {
    const machine = machineOf(topologies.single);
    const folder = 'sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0';
    for (const [name, value] of [
      ['vendor', '0x8086'],
      ['device', '0x09ab'],
      ['class', '0x060400'],
    ] as const) {
      machine.file(`${folder}/${name}`, value);
    }
    machine.restore('10000:e0:06.0', folder.slice('sys/'.length));
    expect((await only(machine, '10000:e0:06.0')).ports).toEqual([]);
    // The order of text would be another one.
    expect((await functionsOf(machine)).at(-1)?.address).toBe('10000:e0:06.0');
  });

  it('count their errors: the total, which alone moves for a fatal error on 7.2', async () => {
    const machine = machineOf(topologies.single);
    machine.attribute('0000:01:00.0', 'aer_dev_fatal', 'DLP 0\nMalfTLP 0\nTOTAL_ERR_FATAL 2\n');
    machine.attribute('0000:01:00.0', 'aer_dev_correctable', 'RxErr 1\nBadTLP 3\n');
    machine.attribute('0000:00:04.0', 'aer_rootport_total_err_nonfatal', '7\n');
    expect((await only(machine, '0000:01:00.0')).aerCounters).toEqual({
      correctable: 4,
      nonFatal: 0,
      fatal: 2,
    });
    expect((await only(machine, '0000:01:00.0')).rootPortCounters).toBeNull();
    expect((await only(machine, '0000:00:04.0')).rootPortCounters).toEqual({
      correctable: 0,
      nonFatal: 7,
      fatal: 0,
    });
  });

  it('tell their reset methods, virtual functions and physical function', async () => {
    const machine = machineOf(topologies.single);
    expect(await only(machine, '0000:01:00.0')).toMatchObject({
      resetMethods: [],
      sriov: null,
      physicalFunction: null,
    });
    machine.attribute('0000:01:00.0', 'reset_method', 'flr bus\n');
    machine.attribute('0000:01:00.0', 'sriov_totalvfs', '8\n');
    for (const name of ['virtfn0', 'virtfn1']) {
      machine.link(`sys/bus/pci/devices/0000:01:00.0/${name}`, `${machine.root}/anywhere`);
    }
    machine.link(
      'sys/bus/pci/devices/0000:01:00.0/physfn',
      `${machine.tree.sys}/bus/pci/devices/0000:00:04.0`,
    );
    expect(await only(machine, '0000:01:00.0')).toMatchObject({
      resetMethods: ['flr', 'bus'],
      sriov: { total: 8, enabled: 2 },
      physicalFunction: '0000:00:04.0',
    });
  });

  it('have their s390x attributes, the utility string from EBCDIC', async () => {
    const machine = machineOf(topologies.single);
    for (const [name, value] of [
      ['function_id', '0x00000056'],
      ['uid', '0x1234'],
      ['function_handle', '0x80020000'],
      ['pchid', '0x0100'],
      ['pfgid', '0x02'],
      ['pft', '0x0b'],
      ['vfn', '0x0001'],
      ['uid_is_unique', '1'],
    ] as const) {
      machine.attribute('0000:01:00.0', name, `${value}\n`);
    }
    machine.attribute('0000:01:00.0', 'util_string', Uint8Array.of(0xd9, 0xc2, 0x40, 0xf1, 0x40, 0x40, 0, 0));
    const found = await only(machine, '0000:01:00.0');
    expect(found.ports).toEqual([]);
    expect(found.zpci).toEqual({
      uid: 0x1234,
      fid: 0x56,
      functionHandle: 0x8002_0000,
      pchid: 0x100,
      pfgid: 2,
      pft: 0xb,
      vfn: 1,
      utilityString: 'RB 1',
      uidIsUnique: true,
    });
  });

  it('on an older s390x kernel ask the firmware whether UIDs are unique', async () => {
    const machine = machineOf(topologies.single);
    machine.attribute('0000:01:00.0', 'function_id', '0x00000056\n');
    expect((await only(machine, '0000:01:00.0')).zpci).toMatchObject({ uid: null, uidIsUnique: false });
    machine.file('sys/firmware/clp/uid_checking', '1\n');
    expect((await only(machine, '0000:01:00.0')).zpci).toMatchObject({ uidIsUnique: true });
  });

  it('vanish without harm to the list', async () => {
    const machine = machineOf(topologies.single);
    machine.remove('0000:01:00.0');
    expect((await functionsOf(machine)).map(({ address }) => address)).toEqual(['0000:00:04.0']);
    expect(await readPciFunction(machine.tree, addressOf('0000:01:00.0'))).toBeNull();
  });

  it('are no functions where a machine has no PCI', async () => {
    const machine = machineOf(topologies.single);
    const all = await listPciFunctions({ ...machine.tree, sys: `${machine.root}/elsewhere` });
    expect(all).toMatchObject({ ok: false, error: { code: 'notSupported' } });
  });

  it('share IOMMU groups, and find the drivers that there are', async () => {
    const machine = machineOf(topologies.multiFunction);
    expect(await iommuGroupMembers(machine.tree, 10)).toEqual(['0000:01:00.0', '0000:01:00.1']);
    expect(await pciDrivers(machine.tree)).toContain('vfio-pci-notify');
  });
});

describe('the config space in sysfs', () => {
  const address = addressOf('0000:01:00.0');

  it('is read whole, and written where it was asked for', async () => {
    const machine = machineOf(topologies.single);
    const before = await readHardwareConfig(machine.tree, address);
    if (!before.ok) throw new Error(before.error.message);
    expect(before.value.length).toBe(4096);
    expect(await writeHardwareConfig(machine.tree, address, 0x40, 0x1122_3344)).toEqual({ ok: true });
    const after = await readHardwareConfig(machine.tree, address);
    if (!after.ok) throw new Error(after.error.message);
    const expected = Uint8Array.from(before.value);
    expected.set([0x44, 0x33, 0x22, 0x11], 0x40);
    expect(after.value).toEqual(expected);
  });

  it('that is cut short is refused: the user lacks a capability', async () => {
    const machine = machineOf(topologies.single);
    machine.attribute(address, 'config', new Uint8Array(64).fill(1));
    expect(await readHardwareConfig(machine.tree, address)).toMatchObject({
      ok: false,
      error: {
        code: 'permissionDenied',
        errno: { name: 'EPERM' },
        message: expect.stringContaining('64 of'),
      },
    });
  });

  it('of all ones is read, and is not taken for a living function', async () => {
    const machine = machineOf(topologies.single);
    machine.attribute(address, 'config', new Uint8Array(4096).fill(0xff));
    expect((await readHardwareConfig(machine.tree, address)).ok).toBe(true);
    expect(await readLiveConfig(machine.tree, address)).toMatchObject({
      ok: false,
      error: { code: 'configUnreadable', errno: { name: 'ENXIO' } },
    });
  });

  it('of a function that is gone says so', async () => {
    const machine = machineOf(topologies.single);
    machine.remove(address);
    expect(await readHardwareConfig(machine.tree, address)).toMatchObject({
      ok: false,
      error: { code: 'configUnreadable', errno: { name: 'ENOENT' } },
    });
  });
});

describe('names', () => {
  const text = [
    '# comment',
    '0e11  Compaq Computer Corporation',
    '\t1044  Not this one',
    '1af4  Red Hat, Inc.',
    '\t1041  Virtio 1.0 network device',
    '\t\t1af4 1100  A board',
    '# in between',
    '\t1044  Virtio 1.0 RNG',
    'C 02  Network controller',
    '\t00  Ethernet controller',
    '\t\t01  A programming interface',
    'C 0c  Serial bus controller',
    '\t03  USB controller',
    '',
  ].join('\n');
  const names = pciNamesIn(text);

  it.each([
    ['both known', 0x1af4, 0x1044, 0x00ff00, 'Red Hat, Inc. Virtio 1.0 RNG'],
    ['device unknown', 0x1af4, 0x1234, 0x020000, 'Red Hat, Inc. Ethernet controller'],
    ['vendor unknown', 0x1234, 0x1044, 0x0c0330, 'USB controller'],
    [
      'a device of the next vendor',
      0x0e11,
      0x1041,
      0x020000,
      'Compaq Computer Corporation Ethernet controller',
    ],
  ])('%s', (_, vendorId, deviceId, classCode, name) => {
    expect(names.nameOf({ vendorId, deviceId, classCode })).toBe(name);
  });

  it('of classes come from the list, then from the bench', () => {
    expect(names.className(0x020000)).toBe('Ethernet controller');
    expect(names.className(0x0c9900)).toBe('Serial bus controller');
    expect(names.className(0x010802)).toBe('Non-Volatile memory controller');
    expect(names.className(0x0109ff)).toBe('Mass storage controller');
    expect(names.className(0x770000)).toBe('Unknown class');
  });

  it('are those of a guest, or class names, on a machine without a list', async () => {
    const machine = machineOf(topologies.single);
    const bare = await readPciNames(machine.tree);
    const nameless = { vendorId: 0x8086, deviceId: 0x1044, classCode: 0x020000 };
    expect(bare.nameOf(nameless)).toBe('Ethernet controller');
    expect(bare.nameOf({ ...nameless, vendorId: 0x1af4 })).toBe('Virtio RNG');
    machine.file('pci.ids', text);
    const listed = await readPciNames(machine.tree);
    expect(listed.nameOf({ vendorId: 0x1af4, deviceId: 0x1041, classCode: 0 })).toBe(
      'Red Hat, Inc. Virtio 1.0 network device',
    );
  });
});
