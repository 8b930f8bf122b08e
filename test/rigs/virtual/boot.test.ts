import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../../src-main/scenarios/load.ts';
import { scenarioDirectory } from '../../../src-main/commands/places.ts';
import { bootForScenario, checkWrittenFor } from '../../../src-main/commands/virtualRigs.ts';
import { guestTopology, guestTopologyNames } from '../../../src-main/rigs/virtual/guestTopology.ts';
import { kernelCommandLine } from '../../../src-main/rigs/virtual/kernelCommandLine.ts';
import { qemuLine } from '../../../src-main/rigs/virtual/qemuLine.ts';
import {
  defaultKernel,
  formatVirtualRigName,
  parseVirtualRigName,
} from '../../../src-main/rigs/virtual/virtualRigName.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';

describe('the name of a guest', () => {
  it.each([
    ['x86', { kernel: defaultKernel, topology: null }],
    ['x86:switch', { kernel: defaultKernel, topology: 'switch' }],
    ['x86@sid', { kernel: 'sid', topology: null }],
    ['s390x', { architecture: 's390x', kernel: 'newest', topology: null }],
    ['s390x@sid:zpci', { architecture: 's390x', kernel: 'sid', topology: 'zpci' }],
    ['x86@7.2.13+deb14-amd64:twoPorts', { kernel: '7.2.13+deb14-amd64', topology: 'twoPorts' }],
  ])('virtual:%s', (text, expected) => {
    const parsed = parseVirtualRigName(text.split(':'));
    expect(parsed).toMatchObject({ ok: true, value: expected });
    if (parsed.ok) expect(formatVirtualRigName(parsed.value)).toBe(`virtual:${text}`);
  });

  it.each([
    ['ppc64', 'unknownRig'],
    ['x86@../../etc', 'unknownRig'],
    ['x86@', 'unknownRig'],
    ['x86@a@b', 'unknownRig'],
    ['x86:single:more', 'unknownRig'],
    ['x86:ring', 'malformedInput'],
    ['x86:zpci', 'malformedInput'],
    ['s390x:switch', 'malformedInput'],
  ])('virtual:%s is refused (%s)', (text, code) => {
    expect(parseVirtualRigName(text.split(':'))).toMatchObject({ ok: false, error: { code } });
  });
});

describe('topologies', () => {
  it.each([
    ['single', topologies.single],
    ['multiFunction', topologies.multiFunction],
    ['switch', topologies.sharedSwitch],
  ] as const)('%s has its devices where the simulated one has them', (name, simulated) => {
    const endpoints = simulated.functions
      .filter(({ driver }) => driver.kind === 'vfio-pci-notify')
      .map(({ address }) => address);
    expect(guestTopology(name).devices.map(({ address }) => address)).toEqual(endpoints);
  });

  it.each(guestTopologyNames)('%s names each of its devices to QEMU once', (name) => {
    const { devices, words } = guestTopology(name);
    for (const { id } of devices) {
      expect(
        words.filter((word) => word.startsWith('virtio-rng-pci,') && word.includes(`,id=${id},`)),
      ).toHaveLength(1);
    }
  });
});

const single = guestTopology('single');
const notify = { topology: single, driver: 'vfio-pci-notify' } as const;

describe('the command line of the guest’s kernel', () => {
  it('says which devices are bound to which driver, with which parameters', () => {
    const line = kernelCommandLine({
      ...notify,
      moduleParameters: { ack_timeout_ms: '1500', restore_snapshot: 'Y' },
    });
    if (!line.ok) throw new Error(line.error.message);
    expect(line.value.split(' ')).toEqual(
      expect.arrayContaining([
        'intel_iommu=on',
        'recoverybench.devices=0000:01:00.0',
        'recoverybench.driver=vfio-pci-notify',
        'recoverybench.parameters=ack_timeout_ms=1500,restore_snapshot=Y',
      ]),
    );
  });

  it.each([
    ['a b', '1'],
    ['a', '1 init=/bin/sh'],
    ['a', '1,b=2'],
    ['a', '$(reboot)'],
    ['a', ''],
    ['__proto__=', '1'],
  ])('%j = %j is no parameter', (name, value) => {
    expect(kernelCommandLine({ ...notify, moduleParameters: { [name]: value } })).toMatchObject({
      ok: false,
      error: { code: 'malformedInput' },
    });
  });

  it('vfio-pci takes none', () => {
    const moduleParameters = { ack_timeout_ms: '1' };
    expect(kernelCommandLine({ topology: single, driver: 'vfio-pci', moduleParameters })).toMatchObject({
      ok: false,
    });
  });
});

it('an s390x guest has vfio-pci alone, and a Node that interprets', () => {
  const topology = guestTopology('zpci');
  expect(kernelCommandLine({ topology, driver: 'vfio-pci-notify', moduleParameters: {} })).toMatchObject({
    ok: false,
    error: { code: 'malformedInput' },
  });
  const line = kernelCommandLine({ topology, driver: 'vfio-pci', moduleParameters: {} });
  if (!line.ok) throw new Error(line.error.message);
  expect(line.value.split(' ')).toEqual(
    expect.arrayContaining([
      'recoverybench.devices=1234:00:00.0,1235:00:00.0',
      'recoverybench.node=--jitless',
    ]),
  );
});

it('QEMU leaves hot-plug to the kernel: with ACPI’s, every fatal reset fails', () => {
  const words = qemuLine({
    vmlinuz: 'k',
    initramfs: 'i',
    commandLine: 'c',
    topology: single,
    channelPath: '/x',
  });
  const at = words.indexOf('ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off');
  expect(words[at - 1]).toBe('-global');
});

const scenario = (name: string) => {
  const loaded = loadScenario(scenarioDirectory(), name);
  if (!loaded.ok) throw new Error(loaded.error.message);
  return loaded.value;
};
const x86 = { architecture: 'x86', kernel: defaultKernel, topology: null } as const;
const release = '6.1.0-56-amd64';

describe('a guest for a scenario', () => {
  it.each([
    ['notify-fatal-acknowledged', { topology: 'single', driver: 'vfio-pci-notify', moduleParameters: {} }],
    ['notify-withdrawn', { topology: 'single', moduleParameters: { ack_timeout_ms: '4000' } }],
    ['shared-switch-blocked', { topology: 'switch', moduleParameters: { ack_timeout_ms: '6000' } }],
    ['multi-function-serial', { topology: 'multiFunction', moduleParameters: { ack_timeout_ms: '3000' } }],
    ['restore-snapshot-in-slot-reset', { moduleParameters: { restore_snapshot: 'Y' } }],
    ['unplug-against-rescan', { topology: 'single', driver: 'vfio-pci' }],
    ['legacy-fatal', { topology: 'single', driver: 'vfio-pci', moduleParameters: {} }],
  ])('%s', (name, expected) => {
    expect(bootForScenario(scenario(name), x86, release, null)).toMatchObject({ ok: true, value: expected });
  });

  it('is left out of all where it is written for other kernels', () => {
    expect(checkWrittenFor(scenario('restore-poisoned-save'), release)).toMatchObject({ ok: true });
    expect(checkWrittenFor(scenario('restore-memory-off-msix-on'), release)).toMatchObject({
      ok: false,
      error: {
        code: 'notSupported',
        message: 'restore-memory-off-msix-on is written for Linux 6.12; the guest’s is 6.1.',
      },
    });
  });

  it('--ack-timeout goes before what the scenario says', () => {
    const boot = bootForScenario(scenario('notify-withdrawn'), x86, release, 1_500_000);
    expect(boot).toMatchObject({ ok: true, value: { moduleParameters: { ack_timeout_ms: '1500' } } });
  });

  it.each([
    ['mediated-recovery', null, 'protocolUnavailable'],
    ['eeh-freeze-and-recover', null, 'protocolUnavailable'],
    ['restore-tph-trap', null, 'notSupported'],
    ['unplug-during-wait', null, 'notSupported'],
    ['legacy-fatal', 'switch', 'malformedInput'],
  ] as const)('%s with the topology %s is refused before anything is booted', (name, topology, code) => {
    expect(bootForScenario(scenario(name), { ...x86, topology }, release, null)).toMatchObject({
      ok: false,
      error: { code },
    });
  });
});
