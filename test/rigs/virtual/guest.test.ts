import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src-main/commands/places.ts';
import { imageOf } from '../../../src-main/commands/virtualRigs.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { Guest } from '../../../src-main/rigs/virtual/guest.ts';
import { guestTopology, type GuestTopologyName } from '../../../src-main/rigs/virtual/guestTopology.ts';
import { openVirtualRig, type VirtualRig } from '../../../src-main/rigs/virtual/virtualRig.ts';

/** Boots a real kernel: needs QEMU and the image. */
const image = await imageOf({ architecture: 'x86', kernel: 'bookworm' }, process.env);
const missing = image.ok ? null : image.error.message;
if (missing !== null) {
  if (process.env['CI'] === 'true') throw new Error(missing);
  process.stderr.write(`No guest is tested: ${missing}\n`);
}

/** In milliseconds; an emulator on a machine that others use too takes its time. */
const bootTime = 180_000;

const opened: VirtualRig[] = [];
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.close();
});

const wishes = (topology: GuestTopologyName) => {
  if (!image.ok) throw new Error(image.error.message);
  return {
    image: image.value,
    name: `virtual:x86:${topology}`,
    bench: 'test',
    topology: guestTopology(topology),
    driver: 'vfio-pci-notify' as const,
    moduleParameters: { ack_timeout_ms: '1500' },
  };
};

const boot = async (topology: GuestTopologyName): Promise<VirtualRig> => {
  const rig = await openVirtualRig({ ...wishes(topology), bootPatience: bootTime });
  if (!rig.ok) throw new Error(JSON.stringify(rig.error));
  opened.push(rig.value);
  return rig.value;
};

const foldersOf = (pid: number): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`recovery-bench-guest-${pid}-`));

const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

describe.skipIf(missing !== null)('a guest', () => {
  it.each(['twoPorts', 'switch', 'multiFunction'] as const)(
    'with the topology %s has each device where its name says, on the notify driver',
    async (topology) => {
      const rig = await boot(topology);
      const devices = await rig.devices();
      if (!devices.ok) throw new Error(devices.error.message);
      const bound = devices.value.filter(({ driver }) => driver === 'vfio-pci-notify');
      expect(bound.map(({ address }) => address)).toEqual(
        guestTopology(topology).devices.map(({ address }) => address),
      );
      expect(rig.info).toMatchObject({
        kind: 'virtual',
        name: `virtual:x86:${topology}`,
        architecture: 'x86_64',
      });
    },
    bootTime,
  );

  it(
    'takes an error by the monitor that its kernel bears witness of; killed, it is a lost link, and nothing is left',
    async () => {
      const rig = await boot('single');
      const [device] = guestTopology('single').devices;
      if (device === undefined) throw new Error('The topology has a device.');
      const offers = await rig.injectors(device.address);
      expect(offers).toMatchObject({ ok: true, value: [{ injector: 'qemuMonitor', refusal: null }, {}, {}] });
      const session = await rig.open(device.address);
      if (!session.ok) throw new Error(session.error.message);
      const events: RigEvent[] = [];
      rig.onEvent((event) => events.push(event));
      const receipt = await rig.inject({
        address: device.address,
        injector: 'qemuMonitor',
        fault: { kind: 'aer', error: 'COMP_TIME', severity: null },
      });
      expect(receipt).toMatchObject({ ok: true, value: { delivery: { kind: 'reported' } } });
      expect(session.value.capabilities.ackTimeout).toBe(1_500_000);

      const { pid } = rig.guest;
      if (pid === undefined) throw new Error('The guest has a process.');
      const lost = new Promise<RigEvent>((resolve) => {
        rig.onEvent((event) => {
          if (event.kind === 'linkLost') resolve(event);
        });
      });
      process.kill(pid, 'SIGKILL');
      expect(await lost).toMatchObject({ kind: 'linkLost' });
      expect(await rig.guest.ended).toMatchObject({ reason: 'QEMU was ended by SIGKILL' });
      expect(await rig.devices()).toMatchObject({ ok: false, error: { code: 'linkLost' } });
      await rig.close();
      expect(foldersOf(process.pid)).toEqual([]);
    },
    bootTime,
  );

  it(
    'whose agent does not come in time is ended, and its console is in the details',
    async () => {
      const rig = await openVirtualRig({ ...wishes('single'), bootPatience: 1 });
      expect(rig).toMatchObject({
        ok: false,
        error: {
          code: 'rigNotStarted',
          message: 'The guest did not come up: its agent is not there after 0.001 s.',
          details: { console: expect.any(Array) as string[] },
        },
      });
      expect(foldersOf(process.pid)).toEqual([]);
    },
    bootTime,
  );

  it(
    'says what its kernel does not take',
    async () => {
      const rig = await openVirtualRig({
        ...wishes('single'),
        moduleParameters: { ack_timeout_ms: 'soon' },
        bootPatience: bootTime,
      });
      expect(rig).toMatchObject({ ok: false, error: { code: 'rigNotStarted' } });
      if (!rig.ok)
        expect(JSON.stringify(rig.error.details)).toContain('cannot be loaded with: ack_timeout_ms=soon');
    },
    bootTime,
  );

  it(
    'dies with a bench that is killed',
    async () => {
      const bench = spawn(
        process.execPath,
        [join(packageRoot(), 'src-main/cli.ts'), 'rig', 'start', 'x86', '--json'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      await new Promise<void>((resolve) => {
        bench.stdout.on('data', (bytes: Buffer) => {
          if (bytes.toString().includes('booting')) resolve();
        });
      });
      const qemu = childOf(bench.pid ?? 0);
      const gone = new Promise((resolve) => bench.on('exit', resolve));
      bench.kill('SIGKILL');
      await gone;
      await expect.poll(() => isRunning(qemu), { timeout: 10_000 }).toBe(false);
    },
    bootTime,
  );
});

/** The process that another has started; the guest's is there when its boot is announced. */
const childOf = (pid: number): number => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const [child] = children.map(Number);
  if (child === undefined || !isRunning(child)) throw new Error('The bench has no child.');
  return child;
};

it('without QEMU is refused with the package that brings it', () => {
  const { PATH } = process.env;
  process.env['PATH'] = '/nowhere';
  try {
    expect(Guest.start(() => [])).toMatchObject({
      ok: false,
      error: {
        code: 'rigNotStarted',
        message: 'qemu-system-x86_64 is missing; install the Debian package "qemu-system-x86".',
      },
    });
  } finally {
    process.env['PATH'] = PATH;
  }
});
