import { accessSync, constants, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openMachineEvents,
  type MachineEvent,
  type MachineEvents,
} from '../../../src-main/kernel/events/machineEvents.ts';
import { koffiProvider, koffiSyscalls } from '../../../src-main/kernel/koffiSyscalls.ts';
import { thisMachine, type HostTree } from '../../../src-main/kernel/sysfs/hostTree.ts';
import { openWaiter, type Waiter } from '../../../src-main/kernel/waiter/waiter.ts';
import { openDescriptors } from '../../conformance/syscallsSuite.ts';

const calls = koffiSyscalls();

/** What this needs of the machine; null when it is all there. */
const missing = ((): string | null => {
  try {
    accessSync('/dev/kmsg', constants.R_OK | constants.W_OK);
    const [device] = readdirSync('/sys/bus/pci/devices');
    if (device === undefined) return 'a PCI function';
    accessSync(`/sys/bus/pci/devices/${device}/uevent`, constants.W_OK);
    return null;
  } catch {
    return 'root, with /dev/kmsg and PCI in /sys';
  }
})();

describe.skipIf(missing !== null && process.env['CI'] !== 'true')(
  `what this machine tells${missing === null ? '' : ` (needs ${missing})`}`,
  () => {
    let waiter: Waiter;
    let events: MachineEvents;
    const heard: MachineEvent[] = [];
    let wake: () => void = () => undefined;

    const listen = (tree: HostTree): Promise<MachineEvents> =>
      openMachineEvents({
        tree,
        calls,
        waiter,
        listener: (event) => {
          heard.push(event);
          wake();
        },
      });
    const arrivalOf = async <Kind extends MachineEvent['kind']>(
      kind: Kind,
      fits: (event: Extract<MachineEvent, { kind: Kind }>) => boolean,
    ): Promise<Extract<MachineEvent, { kind: Kind }>> => {
      for (;;) {
        const found = heard.find(
          (event): event is Extract<MachineEvent, { kind: Kind }> =>
            event.kind === kind && fits(event as Extract<MachineEvent, { kind: Kind }>),
        );
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };

    beforeEach(async () => {
      heard.length = 0;
      const opened = openWaiter(calls, koffiProvider());
      if (!opened.ok) throw new Error(opened.error.message);
      waiter = opened.value;
      events = await listen(thisMachine);
    });
    afterEach(async () => {
      await events.close();
      await waiter.close();
    });

    it('a uevent of a function, at the time of its clock', async () => {
      expect(events.ueventTrouble).toBeNull();
      const device = readdirSync('/sys/bus/pci/devices').at(-1) ?? '';
      const before = calls.monotonic();
      writeFileSync(`/sys/bus/pci/devices/${device}/uevent`, 'add');
      const { at } = await arrivalOf('deviceAdded', ({ address }) => address === device);
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(calls.monotonic());
    });

    it('a new line of the kernel log that speaks of a function, and no other', async () => {
      expect(events.kernelLogTrouble).toBeNull();
      expect(heard).toEqual([]);
      const mark = `rbench ${process.pid} ${Math.random()}`;
      // A line is told when it has ended.
      writeFileSync('/dev/kmsg', `<7>${mark} of nobody\n`);
      writeFileSync('/dev/kmsg', `<7>${mark} of 0000:ff:1f.7\n`);
      const line = await arrivalOf('kernelLog', ({ text }) => text.includes(mark));
      expect(line).toMatchObject({ address: '0000:ff:1f.7', text: `${mark} of 0000:ff:1f.7` });
    });

    it('says what cannot be heard, hears the rest, and leaves nothing open', async () => {
      await events.close();
      const before = openDescriptors();
      events = await listen({ ...thisMachine, dev: '/nowhere' });
      expect(events.ueventTrouble).toBeNull();
      expect(events.kernelLogTrouble).toMatchObject({
        errno: { name: 'ENOENT' },
        message: expect.stringContaining('/nowhere/kmsg'),
      });
      await events.close();
      expect(openDescriptors()).toEqual(before);
      events = await listen(thisMachine);
    });
  },
);
