import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { benchVersion } from '../../src-main/commands/places.ts';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { parsePciAddress } from '../../src-main/core/pci/address.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { concerns } from '../../src-main/core/restore/historyLines.ts';
import type { Result } from '../../src-main/core/result.ts';
import { openRemoteRig } from '../../src-main/rigs/remote/remoteRig.ts';
import type { RigEvent } from '../../src-main/rigs/rig.ts';
import { guestTopology } from '../../src-main/rigs/virtual/guestTopology.ts';
import type { VirtualRig } from '../../src-main/rigs/virtual/virtualRig.ts';
import { lastAuditOf } from '../../src-main/scenarios/audit.ts';
import { rigOf, startGuest, type ShelledGuest } from './guests.ts';
import { valueOf } from './valueOf.ts';

const addressOf = (text: string) => valueOf(parsePciAddress(text));
const first = addressOf('0000:01:00.0');
const second = addressOf('0000:01:00.1');
const alone = addressOf('0000:02:00.0');

/** Code, errno and sentence of a refusal. */
const refusalOf = (result: Result<unknown>) =>
  result.ok
    ? 'not refused'
    : { code: result.error.code, errno: result.error.errno?.name, message: result.error.message };

describe('a real kernel with the notify driver', () => {
  let guest: ShelledGuest;
  let rig: VirtualRig;
  const descriptors = async (): Promise<number> =>
    Number(await guest.shell.run('ls /proc/$(pidof node)/fd | wc -l'));

  beforeAll(async () => {
    guest = await startGuest({ topology: guestTopology('multiFunction') });
    rig = await rigOf(guest);
    // What is made once and kept, is made.
    valueOf(await valueOf(await rig.open(alone)).close());
  });
  afterAll(() => rig.close());

  const unchanged = async (run: () => Promise<void>): Promise<void> => {
    const before = await descriptors();
    await run();
    expect(await descriptors()).toBe(before);
  };

  it('without /dev/vfio: says which module is missing', () =>
    unchanged(async () => {
      await guest.shell.run('mv /dev/vfio /dev/away');
      const refused = refusalOf(await rig.open(alone));
      await guest.shell.run('mv /dev/away /dev/vfio');
      expect(refused).toMatchObject({
        errno: 'ENOENT',
        message: expect.stringContaining('modprobe vfio-pci'),
      });
    }));

  it('with a sibling on another driver: names it, and what to do', () =>
    unchanged(async () => {
      valueOf(await rig.bind(second, 'virtio-pci'));
      const refused = refusalOf(await rig.open(first));
      valueOf(await rig.bind(second, 'vfio-pci-notify'));
      expect(refused).toMatchObject({
        code: 'permissionDenied',
        errno: 'EPERM',
        message: expect.stringContaining(`${second} is on virtio-pci`),
      });
    }));

  it('with a group that another program holds: says that it is busy', () =>
    unchanged(async () => {
      const group = await guest.shell.run(`basename $(readlink /sys/bus/pci/devices/${alone}/iommu_group)`);
      await guest.shell.run(`sleep 1000 <>/dev/vfio/${group} & echo $! > /tmp/holder`);
      const refused = refusalOf(await rig.open(alone));
      await guest.shell.run(
        'kill $(cat /tmp/holder); while kill -0 $(cat /tmp/holder) 2>/dev/null; do :; done',
      );
      expect(refused).toMatchObject({ code: 'busy', errno: 'EBUSY' });
      const session = valueOf(await rig.open(alone));
      expect((await session.prove()).verdict).toBe('proven');
      valueOf(await session.close());
    }));

  it('with a config space of all ones: says that the device does not answer, and so does the audit', () =>
    unchanged(async () => {
      const recorder = new Recorder(rig.clock, null);
      const lines: JournalLine[] = [];
      recorder.watch((line) => lines.push(line));
      const coordinator = new Coordinator(rig, recorder);
      valueOf(await coordinator.arm(first, 'notify', defaultPolicy));
      const behind = (bus: string): Promise<string> =>
        // The port's Secondary Bus Number: with another one no request finds its device.
        guest.shell.run(
          `printf '\\x${bus}' | dd of=/sys/bus/pci/devices/0000:00:04.0/config bs=1 seek=25 conv=notrunc 2>/dev/null`,
        );
      await behind('00');
      valueOf(await coordinator.look(first));
      const proof = valueOf(await coordinator.prove(first));
      // Closing resets the device, and the kernel would wait a minute for it to answer (pci_dev_wait()).
      await behind('01');
      valueOf(await coordinator.close(first));
      coordinator.dispose();
      await behind('00');
      const refused = refusalOf(await rig.open(first));
      await behind('01');
      expect(proof.verdict).toBe('failed');
      const own = lines.filter((line) => concerns(line, first));
      expect(lastAuditOf(own, rig.info)?.hazards).toMatchObject([{ kind: 'allOnes', state: 'present' }]);
      expect(refused).toMatchObject({ code: 'configUnreadable', errno: expect.any(String) });
      const again = valueOf(await rig.open(first));
      expect((await again.prove()).checks.length).toBe(3);
      valueOf(await again.close());
    }));

  it('with a device that is pulled while it is open: asks for it, loses it, and says so', async () => {
    const events: RigEvent[] = [];
    const heard = (kind: RigEvent['kind']): Promise<void> =>
      new Promise((resolve) => {
        const stop = rig.onEvent((event) => {
          events.push(event);
          if (event.kind !== kind) return;
          stop();
          resolve();
        });
      });
    const before = await descriptors();
    const session = valueOf(await rig.open(alone));
    const asked = heard('releaseRequested');
    valueOf(await guest.guest.monitor.execute('device_del', { id: 'dut2' }));
    await asked;
    const removed = heard('deviceRemoved');
    valueOf(await session.close());
    await removed;
    expect(refusalOf(await rig.open(alone))).toMatchObject({ code: 'deviceLost' });
    expect(await descriptors()).toBe(before);
  });

  it('with an agent that may not: names the permission, and what gives it', async () => {
    // The devices of the guest's /dev are root's, as they are on a machine without the udev rule. Between pipes, as behind
    // ssh: the port itself is a character device.
    const asNobody = "process.setgid(65534); process.setuid(65534); await import('/agent/agent.mjs')";
    const channel = await guest.shell.become(
      `sh -c 'cat | node --input-type=module -e "$0" 2>/dev/null | cat' "${asNobody}"`,
    );
    const unprivileged = valueOf(
      await openRemoteRig({
        channel,
        kind: 'virtual',
        name: 'nobody',
        bench: benchVersion(),
        // Node starts in an emulator here.
        timing: { greeting: 120_000 },
      }),
    );
    try {
      const refused = refusalOf(await unprivileged.open(first));
      expect(refused).toMatchObject({
        code: 'permissionDenied',
        errno: 'EACCES',
        message: expect.stringContaining('udev'),
      });
    } finally {
      await unprivileged.close();
    }
  });
});

it('a kernel without an IOMMU: says so', async () => {
  const single = guestTopology('single');
  const guest = await startGuest({
    topology: { ...single, devices: [] },
    kernelWords: 'intel_iommu=off',
  });
  const rig = await rigOf(guest);
  try {
    const bound = await rig.bind(first, 'vfio-pci-notify');
    const opened = await rig.open(first);
    const [refused] = [bound, opened].filter(({ ok }) => !ok).map(refusalOf);
    expect(refused).toMatchObject({
      message: expect.stringMatching(/no IOMMU group.*EINVAL.*intel_iommu=on/),
    });
  } finally {
    await rig.close();
  }
});
