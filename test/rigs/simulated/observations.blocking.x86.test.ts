import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { removeDevice, unbindDriver } from '../../../src-main/rigs/simulated/kernel/hotplug.ts';
import { sysfsReset } from '../../../src-main/rigs/simulated/kernel/functionReset.ts';
import { SimulatedVfioDevice } from '../../../src-main/rigs/simulated/simulatedVfioDevice.ts';
import { barsOf, Bench, errnoOf, expectAbout, expectWiped, msixIsOn, valueOf } from './bench.ts';

/** Observations 10 to 15 of "What the protocol really does", kernel-facts-x86.md: close, locks, and the neighbours. */
const address = '0000:01:00.0';
const notify = ['notify-6.1', 'notify-7.2'] as const;
const wholeWait = seconds(60);

describe('observation 10: close during the wait', () => {
  it('7.2: the kernel says NEED_RESET, the reset hits a closed device, and reopen finds BARs = 0', async () => {
    const bench = new Bench('notify-7.2');
    const { session, fn } = await bench.openArmed(address);
    const { resets } = fn;
    await bench.raise(address, 'nonFatal');
    await bench.signal(address);
    const closedAt = bench.now;
    valueOf(await session.close());
    const recovered = await bench.log('device recovery successful');
    expectAbout(recovered.at - closedAt, milliseconds(135));
    expect(fn.resets).toBe(resets + 1);
    expect(bench.signals(address)).toHaveLength(1);
    const reopened = await bench.open(address);
    expect(barsOf(reopened)).toEqual([0, 0]);
    expect(reopened.session.setUp.succeeded).toBe(false);
  });

  it('6.1: a non-fatal error resets nothing, and the device survives', async () => {
    const bench = new Bench('notify-6.1');
    const { session } = await bench.openArmed(address);
    await bench.raise(address, 'nonFatal');
    await bench.signal(address);
    valueOf(await session.close());
    await bench.log('device recovery successful');
    const reopened = await bench.open(address);
    expect(reopened.session.setUp.succeeded).toBe(true);
    expect((await reopened.session.prove()).verdict).toBe('proven');
  });

  it.each(notify)('a fatal error leaves the closed device dead (%s)', async (profile) => {
    const bench = new Bench(profile);
    const { session } = await bench.openArmed(address);
    await bench.raise(address, 'fatal');
    await bench.signal(address);
    valueOf(await session.close());
    await bench.log('device recovery successful');
    expect(barsOf(await bench.open(address))).toEqual([0, 0]);
  });

  it.each(notify)('with a live BAR mapping close() releases and acks nothing (%s)', async (profile) => {
    const bench = new Bench(profile);
    const { session, vfio, core } = await bench.openArmed(address);
    const mapping = valueOf(await vfio.mapBar(4));
    await bench.raise(address, 'nonFatal');
    const first = await bench.signal(address);
    valueOf(await session.close());
    expect(core.isOpen).toBe(true);
    const timedOut = await bench.log('timed out waiting for userspace ack');
    expect(timedOut.at - first.at).toBe(wholeWait - 3);
    await mapping.unmap();
    expect(core.isOpen).toBe(false);
  });

  it('unmapping in the middle of the wait releases at last, and acks', async () => {
    const bench = new Bench('notify-7.2');
    const { session, vfio, core } = await bench.openArmed(address);
    const mapping = valueOf(await vfio.mapBar(4));
    await bench.raise(address, 'nonFatal');
    await bench.signal(address);
    valueOf(await session.close());
    await bench.sleep(seconds(5));
    await mapping.unmap();
    expect(core.isOpen).toBe(false);
    const recovered = await bench.log('device recovery successful');
    expect(recovered.at).toBeLessThan(seconds(6));
  });

  it('a close in peace resets the device to what it was when it was opened', async () => {
    const bench = new Bench('notify-7.2');
    const { session, vfio, fn } = await bench.open(address);
    const opened = barsOf({ fn });
    const latencyTimer = fn.readConfig(0x0c, 1);
    valueOf(await vfio.writeConfig(0x0c, 1, 0x55));
    const { resets } = fn;
    valueOf(await session.close());
    expect(fn.resets).toBe(resets + 1);
    expect(barsOf({ fn })).toEqual(opened);
    expect(fn.readConfig(0x0c, 1)).toBe(latencyTimer);
    expect(msixIsOn({ fn })).toBe(false);
    expect(fn.command & 0x4).toBe(0);
  });
});

describe.each(notify)('observation 11: the wait runs under device_lock (%s)', (profile) => {
  const waiting = async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address);
    await bench.raise(address, 'fatal');
    const signal = await bench.signal(address);
    return { bench, device, signal };
  };

  it('DEVICE_RESET and HOT_RESET give EAGAIN', async () => {
    const { device } = await waiting();
    const { resets } = device.fn;
    expect(errnoOf(await device.session.reset('device'))).toBe('EAGAIN');
    expect(errnoOf(await device.session.reset('hot'))).toBe('EAGAIN');
    expect(device.fn.resets).toBe(resets);
  });

  it('a write to sysfs reset blocks for the whole wait', async () => {
    const { bench, device, signal } = await waiting();
    const write = bench.start(sysfsReset(bench.rig.machine, device.kernel));
    const timedOut = await bench.log('timed out');
    expect(timedOut.at - signal.at).toBe(wholeWait - 3);
    expect(write.returnedAt()).toBeNull();
    await bench.sleep(seconds(1));
    expect(write.returnedAt()).toBeGreaterThan(timedOut.at);
  });

  it('unbind blocks, and REQ fires only after the wait', async () => {
    const { bench, device } = await waiting();
    const unbind = bench.start(unbindDriver(device.kernel));
    await bench.sleep(seconds(30));
    expect(bench.events.some(({ kind }) => kind === 'releaseRequested')).toBe(false);
    valueOf(await device.session.acknowledge());
    const acknowledgedAt = bench.now;
    const request = await bench.event('releaseRequested', address);
    expect(request.at).toBeGreaterThan(acknowledgedAt);
    await bench.sleep(seconds(5));
    expect(unbind.returnedAt()).toBeNull();
    valueOf(await device.session.close());
    await bench.sleep(milliseconds(1));
    expect(unbind.returnedAt()).not.toBeNull();
    expect(device.kernel.driver).toBeNull();
  });

  it('what works: config, bus-master off, MSI-X off and on, a second descriptor, UNCOR_STATUS', async () => {
    const { bench, device } = await waiting();
    const { vfio, fn, core } = device;
    expect(valueOf(await vfio.readConfig(fn.aerCapability + 4, 4))).toBe(1 << 18);
    const command = valueOf(await vfio.readConfig(4, 2));
    valueOf(await vfio.writeConfig(4, 2, command & ~4));
    expect(fn.command & 4).toBe(0);
    valueOf(await vfio.disableMsix());
    expect(msixIsOn(device)).toBe(false);
    valueOf(await vfio.enableMsix());
    expect(msixIsOn(device)).toBe(true);
    const { machine } = bench.rig;
    valueOf(await machine.call(core.open()));
    const second = new SimulatedVfioDevice({ machine, device: device.kernel, core, endpoint: null });
    expect(valueOf(await second.readConfig(4, 2))).toBe(command & ~4);
    valueOf(await second.close());
    expect(core.isOpen).toBe(true);
    expect(valueOf(await device.session.inspect())).toMatchObject({
      severity: 'fatal',
      errors: [{ name: 'MALF_TLP', bit: 18, first: true }],
    });
    expect(await device.session.quiesce()).toMatchObject({ succeeded: true });
    expect(bench.signals(address)).toHaveLength(1);
  });
});

describe.each(notify)('observation 12: serial notification (%s)', (profile) => {
  const [zero, one] = ['0000:01:00.0', '0000:01:00.1'];

  it('function 1 hears nothing until function 0 has acked', async () => {
    const bench = new Bench(profile, 'multiFunction');
    const first = await bench.openArmed(zero);
    const second = await bench.openArmed(one);
    await bench.raise(one, 'nonFatal');
    await bench.signal(zero);
    await bench.sleep(seconds(20));
    expect(bench.signals(one)).toEqual([]);
    const acknowledgedAt = bench.now;
    valueOf(await first.session.acknowledge());
    expect((await bench.signal(one)).at - acknowledgedAt).toBeLessThan(milliseconds(1));
    expect(first.session.capabilities.sharers).toEqual([one]);
    valueOf(await second.session.acknowledge());
    await bench.signal(zero, 2);
    await bench.signal(one, 2);
  });

  it('one NEED_RESET resets all, also a function that timed out, which still gets event 2', async () => {
    const bench = new Bench(profile, 'multiFunction');
    const first = await bench.openArmed(zero);
    const second = await bench.openArmed(one);
    await bench.raise(zero, 'fatal');
    await bench.signal(zero);
    valueOf(await first.session.acknowledge());
    await bench.signal(one);
    await bench.log('timed out');
    await bench.signal(zero, 2);
    await bench.signal(one, 2);
    expectWiped(first);
    expectWiped(second);
    expect(bench.uevents(one)).toContain('beginRecovery');
  });

  it('a function with only index 3 is wiped and gets no second event', async () => {
    const bench = new Bench(profile, 'multiFunction');
    const first = await bench.openArmed(zero);
    const second = await bench.openArmed(one, 'legacy');
    await bench.raise(zero, 'fatal');
    await bench.signal(zero);
    valueOf(await first.session.acknowledge());
    await bench.signal(zero, 2);
    await bench.log('device recovery successful');
    await bench.sleep(seconds(100));
    expectWiped(second);
    expect(bench.signals(one)).toMatchObject([{ protocol: 'legacy', count: 1 }]);
  });

  it('a recovery of one device leaves a device below another port alone', async () => {
    const bench = new Bench(profile, 'multiFunction');
    const first = await bench.openArmed(zero);
    const beside = await bench.openArmed('0000:02:00.0');
    await bench.raise(zero, 'fatal');
    await bench.signal(zero);
    valueOf(await first.session.acknowledge());
    await bench.log('device recovery successful');
    expect((await beside.session.prove()).verdict).toBe('proven');
    expect(bench.signals('0000:02:00.0')).toEqual([]);
  });
});

describe.each(notify)('observation 13: blocking of others (%s)', (profile) => {
  it("below one switch a second device's error is reported late by the first one's wait", async () => {
    const bench = new Bench(profile, 'sharedSwitch');
    const [one, other] = ['0000:03:00.0', '0000:04:00.0'];
    const first = await bench.openArmed(one);
    await bench.openArmed(other);
    await bench.raise(one, 'nonFatal');
    await bench.signal(one);
    const raisedAt = bench.now;
    await bench.raise(other, 'nonFatal');
    await bench.sleep(seconds(4.2));
    expect(bench.signals(other)).toEqual([]);
    valueOf(await first.session.acknowledge());
    const late = (await bench.signal(other)).at - raisedAt;
    expect(late).toBeGreaterThan(seconds(4.2));
    expect(late).toBeLessThan(seconds(4.5));
  });

  it('removing an unrelated device waits for the wait, and recovery on another port queues behind it', async () => {
    const bench = new Bench(profile, 'lab');
    const [one, other, unrelated] = ['0000:01:00.0', '0000:05:00.0', '0000:09:00.0'];
    const first = await bench.openArmed(one);
    await bench.openArmed(other);
    await bench.raise(one, 'nonFatal');
    await bench.signal(one);
    const removal = bench.start(removeDevice(bench.rig.machine, bench.kernel(unrelated)));
    await bench.sleep(milliseconds(400));
    const raisedAt = bench.now;
    await bench.raise(other, 'nonFatal');
    await bench.sleep(seconds(5.5));
    expect(bench.signals(other)).toEqual([]);
    expect(removal.returnedAt()).toBeNull();
    const acknowledgedAt = bench.now;
    valueOf(await first.session.acknowledge());
    const reported = await bench.signal(other);
    expect(reported.at - raisedAt).toBeGreaterThan(seconds(5.5));
    expect(reported.at - acknowledgedAt).toBeLessThan(milliseconds(200));
    expect(removal.returnedAt()).toBeGreaterThanOrEqual(acknowledgedAt);
    expect(removal.returnedAt()).toBeLessThanOrEqual(reported.at);
    expect(bench.kernel(unrelated).present).toBe(false);
  });

  it('without a writer in the queue a recovery on another port goes on beside the wait', async () => {
    const bench = new Bench(profile, 'lab');
    const other = '0000:05:00.0';
    await bench.openArmed('0000:01:00.0');
    await bench.openArmed(other);
    await bench.raise('0000:01:00.0', 'nonFatal');
    const first = await bench.signal('0000:01:00.0');
    await bench.raise(other, 'nonFatal');
    expect((await bench.signal(other)).at - first.at).toBeLessThan(milliseconds(2));
  });
});

describe.each(notify)('observation 14: index 5 silences index 3 (%s)', (profile) => {
  it('when both are registered only 5 is signalled', async () => {
    const bench = new Bench(profile);
    const { machine } = bench.rig;
    const { session, kernel, core } = await bench.openArmed(address);
    valueOf(await machine.call(core.open()));
    const second = new SimulatedVfioDevice({ machine, device: kernel, core, endpoint: null });
    valueOf(await second.registerErrorEventfd('legacy'));
    await bench.raise(address, 'fatal');
    await bench.signal(address);
    valueOf(await session.acknowledge());
    await bench.log('device recovery successful');
    expect(bench.signals(address).map(({ protocol }) => protocol)).toEqual(['notify', 'notify']);
    valueOf(await second.triggerErrorEventfd('legacy'));
    expect(await bench.signal(address, 3)).toMatchObject({ protocol: 'legacy' });
  });
});

describe.each(notify)('observation 15: the order of event 2 and the uevents (%s)', (profile) => {
  it('BEGIN comes after the wait, event 2 before SUCCESSFUL', async () => {
    const bench = new Bench(profile);
    const { session } = await bench.openArmed(address);
    await bench.raise(address, 'fatal');
    await bench.signal(address);
    await bench.sleep(seconds(30));
    expect(bench.uevents(address)).toEqual([]);
    valueOf(await session.acknowledge());
    const second = await bench.signal(address, 2);
    expect(bench.uevents(address)).toEqual(['beginRecovery']);
    const successful = await bench.uevent(address, 'successfulRecovery');
    expect(successful.at).toBeGreaterThan(second.at);
    // A uevent comes by netlink, later than the log says it.
    expect(successful.at).toBeGreaterThan((await bench.log('device recovery successful')).at);
    expect(bench.uevents(address)).toEqual(['beginRecovery', 'successfulRecovery']);
  });
});
