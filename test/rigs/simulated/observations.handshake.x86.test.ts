import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { loadSavedState, restoreState } from '../../../src-main/rigs/simulated/savedState.ts';
import { tryResetFunction } from '../../../src-main/rigs/simulated/kernel/functionReset.ts';
import { benchIova } from '../../../src-main/rigs/simulated/simulatedVfioDevice.ts';
import type { OpenDevice } from './bench.ts';
import {
  barsOf,
  Bench,
  deviceControl,
  errnoOf,
  expectAbout,
  expectWiped,
  msixIsOn,
  valueOf,
} from './bench.ts';

/** Observations 1 to 9 of "What the protocol really does", kernel-facts-x86.md, on a device of its own. */
const address = '0000:01:00.0';
const notify = ['notify-6.1', 'notify-7.2'] as const;
const wholeWait = seconds(60);

/** An error of this device up to event 2, nothing quiesced, acknowledged after 50 ms. */
const upToEventTwo = async (bench: Bench, severity: 'fatal' | 'nonFatal'): Promise<OpenDevice> => {
  const device = await bench.openArmed(address);
  await bench.raise(address, severity);
  await bench.signal(address, 1);
  await bench.sleep(milliseconds(50));
  valueOf(await device.session.acknowledge());
  await bench.signal(address, 2);
  return device;
};

const writeCommand = async ({ vfio }: OpenDevice): Promise<void> =>
  valueOf(await vfio.writeConfig(4, 2, 0x0106));

const dmaWorks = ({ fn, core }: OpenDevice): boolean => {
  fn.initialiseEngine();
  return fn.performDma(benchIova, () => core.dmaMapped).kind === 'done';
};

describe.each(notify)('observation 1: discovery (%s)', (profile) => {
  const set = (device: OpenDevice, flags: number, count: number) =>
    device.core.setIrqs({ flags, index: 5, start: 0, count });

  it('GET_INFO says 6 IRQs, GET_IRQ_INFO(5) is EINVAL', async () => {
    const { core, session } = await new Bench(profile).open(address);
    expect(core.numberOfIrqs).toBe(6);
    expect(errnoOf(core.irqCount(5))).toBe('EINVAL');
    expect(errnoOf(core.irqCount(6))).toBe('EINVAL');
    expect(session.capabilities).toMatchObject({ protocols: ['notify', 'legacy'], ackTimeout: wholeWait });
  });

  it('an ack with nothing pending succeeds, and does not count for a later error', async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address);
    valueOf(await device.session.acknowledge());
    await bench.raise(address, 'nonFatal');
    const first = await bench.signal(address);
    const timedOut = await bench.log('timed out waiting for userspace ack');
    expect(timedOut.at - first.at).toBeGreaterThan(wholeWait - milliseconds(1));
    valueOf(await device.session.acknowledge());
  });

  it.each([
    ['ack', 0x11, 0, 'none'],
    ['ack with a count', 0x11, 1, 'EINVAL'],
    ['mask', 0x09, 0, 'ENOTTY'],
    ['trigger', 0x21, 1, 'none'],
    ['two', 0x21, 2, 'EINVAL'],
    ['un-register', 0x21, 0, 'none'],
  ] as const)('%s (flags %i, count %i)', async (_, flags, count, errno) => {
    const device = await new Bench(profile).openArmed(address);
    expect(errnoOf(set(device, flags, count))).toBe(errno);
    expect(device.core.notifyEventfd === null).toBe(flags === 0x21 && count === 0);
  });

  it('loop-back and un-registering need an eventfd', async () => {
    const device = await new Bench(profile).open(address);
    expect(errnoOf(set(device, 0x21, 1))).toBe('EINVAL');
    expect(errnoOf(set(device, 0x21, 0))).toBe('EINVAL');
  });

  it('a conventional function has neither index', async () => {
    const bench = new Bench(profile, 'lab');
    const conventional = bench.kernel('0000:00:1e.0').address;
    valueOf(await bench.rig.bind(conventional, 'vfio-pci-notify'));
    const device = await bench.open('0000:00:1e.0');
    expect(device.session.capabilities.protocols).toEqual([]);
    expect(errnoOf(set(device, 0x11, 0))).toBe('EINVAL');
    expect(errnoOf(device.core.setIrqs({ flags: 0x21, index: 3, start: 0, count: 1 }))).toBe('EINVAL');
  });
});

describe('observation 2: NEED_RESET on a non-fatal error depends on the kernel', () => {
  it('7.2 really resets the bus', async () => {
    const bench = new Bench('notify-7.2');
    const device = await upToEventTwo(bench, 'nonFatal');
    const [, second] = bench.signals(address);
    const begun = await bench.uevent(address, 'beginRecovery');
    expectAbout((second?.at ?? 0) - begun.at, milliseconds(135));
    expectWiped(device);
  });

  it('6.1 calls slot_reset with no reset at all, about 1 ms after the ack', async () => {
    const bench = new Bench('notify-6.1');
    const device = await bench.openArmed(address);
    const [resets, bars] = [device.fn.resets, barsOf(device)];
    await bench.raise(address, 'nonFatal');
    await bench.signal(address, 1);
    await bench.sleep(milliseconds(50));
    const acknowledgedAt = bench.now;
    valueOf(await device.session.acknowledge());
    const second = await bench.signal(address, 2);
    expectAbout(second.at - acknowledgedAt, milliseconds(1));
    await bench.log('device recovery successful');
    expect(device.fn.resets).toBe(resets);
    expect(barsOf(device)).toEqual(bars);
    expect((await device.session.prove()).verdict).toBe('proven');
  });

  it.each(notify)('%s resets the bus for a fatal error, whatever the votes', async (profile) => {
    const bench = new Bench(profile);
    expectWiped(await upToEventTwo(bench, 'fatal'));
  });
});

describe.each(notify)('observation 3: event 2 means "reset", not "ready" (%s)', (profile) => {
  it('COMMAND, BARs and DevCtl are 0; MSI-X is off while the kernel holds it for on', async () => {
    const device = await upToEventTwo(new Bench(profile), 'fatal');
    expectWiped(device);
    expect(msixIsOn(device)).toBe(false);
    expect(device.kernel.state.live.msix.kind).toBe('on');
    expect(device.fn.raiseMsix(0)).toMatchObject({ kind: 'blocked' });
  });

  it('the VFIO view still shows the virtual BARs, the hardware view does not', async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address);
    const before = valueOf(await device.session.readConfig('vfio'));
    await bench.raise(address, 'fatal');
    await bench.signal(address);
    valueOf(await device.session.acknowledge());
    await bench.signal(address, 2);
    const bars = (bytes: Uint8Array): number[] => [...bytes.subarray(0x10, 0x28)];
    expect(bars(valueOf(await device.session.readConfig('vfio')))).toEqual(bars(before));
    expect(bars(before).some((byte) => byte !== 0)).toBe(true);
    expect(bars(valueOf(await device.session.readConfig('hardware')))).not.toEqual(bars(before));
    expect(barsOf(device)).toEqual([0, 0]);
    expect(valueOf(await device.vfio.readConfig(0, 4))).toBe(0x1044_1af4);
  });

  it('BAR reads return 0 without an error, and a mapping stays mapped and silently reads 0', async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address);
    const { identity } = device.fn.template.engine ?? {
      identity: { offset: 0, width: 4 as const, value: 0 },
    };
    const mapping = valueOf(await device.vfio.mapBar(4));
    expect(mapping.read(identity.offset, identity.width)).toBe(identity.value);
    expect(identity.value).not.toBe(0);
    await bench.raise(address, 'fatal');
    await bench.signal(address);
    valueOf(await device.session.acknowledge());
    await bench.signal(address, 2);
    expect(valueOf(await device.vfio.readBar(4, identity.offset, identity.width))).toBe(0);
    expect(mapping.read(identity.offset, identity.width)).toBe(0);
    await writeCommand(device);
    expect(mapping.read(identity.offset, identity.width)).toBe(identity.value);
    expect(errnoOf(await device.vfio.readBar(5, 0, 4))).toBe('EINVAL');
  });
});

describe.each(notify)('observation 4: the order of restoring matters (%s)', (profile) => {
  const restoring = 'vfio_bar_restore: reset recovery - restoring BARs';

  it('COMMAND first restores the BARs and DMA; MSI-X is silently dead until it is re-armed', async () => {
    const bench = new Bench(profile);
    const device = await upToEventTwo(bench, 'fatal');
    await bench.log('device recovery successful');
    expect(bench.logs(address)).not.toContain(restoring);
    await writeCommand(device);
    expect(bench.logs(address)).toContain(restoring);
    expect(dmaWorks(device)).toBe(true);
    expect(device.fn.raiseMsix(0)).toEqual({ kind: 'blocked', because: 'msixDisabled' });
    valueOf(await device.vfio.disableMsix());
    valueOf(await device.vfio.enableMsix());
    expect(device.fn.raiseMsix(0)).toMatchObject({ kind: 'delivered' });
  });

  it('DEVICE_RESET after the COMMAND write brings MSI-X back', async () => {
    const bench = new Bench(profile);
    const device = await upToEventTwo(bench, 'fatal');
    await bench.log('device recovery successful');
    await writeCommand(device);
    valueOf(await device.vfio.reset());
    expect(device.fn.raiseMsix(0)).toMatchObject({ kind: 'delivered' });
    expect(dmaWorks(device)).toBe(true);
  });

  it('DEVICE_RESET before it saves the zeroed state: two resets "ok", BARs still 0', async () => {
    const bench = new Bench(profile);
    const device = await upToEventTwo(bench, 'fatal');
    await bench.log('device recovery successful');
    expect(errnoOf(await device.vfio.reset())).toBe('none');
    expect(errnoOf(await device.vfio.reset())).toBe('none');
    expect(barsOf(device)).toEqual([0, 0]);
    expect(dmaWorks(device)).toBe(false);
  });

  it('the robust user order ends with a device that is proven, and reports its next error', async () => {
    const bench = new Bench(profile);
    const { session, ...device } = await upToEventTwo(bench, 'fatal');
    const report = await session.reinitialise();
    expect(report.steps.map(({ step, result }) => `${step} ${result}`)).toEqual([
      'COMMAND done',
      'DEVICE_RESET done',
      'COMMAND again done',
      'DevCtl done',
      'DMA mapping notNeeded',
      'MSI-X done',
      'engine done',
    ]);
    expect(await session.prove()).toMatchObject({ verdict: 'proven' });
    expect(deviceControl(device) & 0xf).toBe(0xf);
    expect(device.fn.command & 0x106).toBe(0x106);
    await bench.log('device recovery successful');
    await bench.raise(address, 'nonFatal');
    await bench.signal(address, 3);
  });
});

describe.each(notify)('observation 5: DevCtl stays 0, and the status keeps its bit (%s)', (profile) => {
  it('the next error is not reported until user space rewrites DevCtl', async () => {
    const bench = new Bench(profile);
    const device = await upToEventTwo(bench, 'fatal');
    await bench.log('device recovery successful');
    await writeCommand(device);
    valueOf(await device.vfio.reset());
    await writeCommand(device);
    expect(deviceControl(device)).toBe(0);
    const lost = await bench.raise(address, 'nonFatal');
    expect(lost.delivery).toMatchObject({ kind: 'lost', where: 'deviceControl' });
    await bench.sleep(seconds(1));
    expect(bench.signals(address)).toHaveLength(2);
    valueOf(await device.vfio.writeConfig(device.fn.expressCapability + 8, 2, 0xf));
    expect((await bench.raise(address, 'nonFatal')).delivery.kind).toBe('reported');
    await bench.signal(address, 3);
  });

  it('after a timed-out fatal error the next non-fatal one is logged under the old name', async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address);
    await bench.raise(address, 'fatal');
    await bench.log('device recovery successful');
    const status = device.fn.aerCapability + 4;
    expect(valueOf(await device.vfio.readConfig(status, 4))).toBe(1 << 18);
    await writeCommand(device);
    valueOf(await device.vfio.writeConfig(device.fn.expressCapability + 8, 2, 0xf));
    await bench.raise(address, 'nonFatal');
    const { text } = await bench.log('severity=Uncorrectable (Non-Fatal)');
    expect(text).toContain('[18] MalfTLP (First)');
    expect(text).not.toContain('CmpltTO (First)');
    await bench.uevent(address, 'successfulRecovery');
    await bench.sleep(seconds(100));
    expect(valueOf(await device.vfio.readConfig(status, 4))).toBe(1 << 18);
  });
});

describe.each(notify)('observation 6: fatal and timed out (%s)', (profile) => {
  it('after a genuine 60 s the bus is reset, recovery is "successful", and no second event comes', async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address);
    const { resets } = device.fn;
    await bench.raise(address, 'fatal');
    const first = await bench.signal(address);
    const timedOut = await bench.log('vfio error handler timed out waiting for userspace ack');
    expect(timedOut.at - first.at).toBe(wholeWait - 3);
    const recovered = await bench.log('AER: device recovery successful');
    expectAbout(recovered.at - timedOut.at, milliseconds(135));
    expect(device.fn.resets).toBe(resets + 1);
    expectWiped(device);
    await bench.sleep(seconds(120));
    expect(bench.signals(address).map(({ count }) => count)).toEqual([1]);
    expect(bench.uevents(address)).toEqual(['beginRecovery', 'successfulRecovery']);
  });
});

describe('observation 7: perm_failure with a driverless sibling', () => {
  const sibling = '0000:01:00.1';
  const withDriverlessSibling = async (profile: (typeof notify)[number]): Promise<Bench> => {
    const bench = new Bench(profile, 'multiFunction');
    valueOf(await bench.rig.bind(bench.kernel(sibling).address, null));
    return bench;
  };

  it('7.2: event 2 arrives 9 ms after the ack, without a reset; 60 s later recovery fails', async () => {
    const bench = await withDriverlessSibling('notify-7.2');
    const device = await bench.openArmed(address);
    const [resets, bars] = [device.fn.resets, barsOf(device)];
    await bench.raise(address, 'nonFatal');
    await bench.signal(address, 1);
    const acknowledgedAt = bench.now;
    valueOf(await device.session.acknowledge());
    const second = await bench.signal(address, 2);
    expectAbout(second.at - acknowledgedAt, milliseconds(9));
    expect(device.fn.resets).toBe(resets);
    expect(barsOf(device)).toEqual(bars);
    const failed = await bench.log('AER: device recovery failed');
    expect(failed.at - second.at).toBeGreaterThan(wholeWait - milliseconds(1));
    await bench.uevent(address, 'failedRecovery');
    expect(bench.uevents(address)).toEqual(['beginRecovery', 'failedRecovery']);
    expect(bench.logs(sibling)).toEqual(["can't recover (no error_detected callback)"]);
  });

  it('6.1.192 sends the uevent at once, and no second event', async () => {
    const bench = await withDriverlessSibling('notify-6.1');
    const device = await bench.openArmed(address);
    await bench.raise(address, 'nonFatal');
    await bench.signal(address, 1);
    const acknowledgedAt = bench.now;
    valueOf(await device.session.acknowledge());
    const failed = await bench.log('AER: device recovery failed');
    expect(failed.at - acknowledgedAt).toBeLessThan(milliseconds(20));
    await bench.sleep(seconds(120));
    expect(bench.signals(address)).toHaveLength(1);
    expect(bench.uevents(address)).toEqual(['beginRecovery', 'failedRecovery']);
    expect(bench.uevents(sibling)).toEqual(['failedRecovery']);
  });
});

describe.each(notify)('observation 8: one eventfd, several meanings (%s)', (profile) => {
  it('read late, the counter says 2 for error and reset', async () => {
    const bench = new Bench(profile);
    const { session, vfio } = await bench.openArmed(address);
    vfio.slowReader(seconds(1));
    await bench.raise(address, 'nonFatal');
    await bench.sleep(milliseconds(100));
    valueOf(await session.acknowledge());
    expect(await bench.signal(address)).toMatchObject({ count: 2 });
    expect(bench.signals(address)).toHaveLength(1);
  });

  it('2 for two errors that both timed out', async () => {
    const bench = new Bench(profile);
    const { vfio } = await bench.openArmed(address);
    vfio.slowReader(seconds(130));
    await bench.raise(address, 'nonFatal');
    await bench.sleep(seconds(61));
    await bench.raise(address, 'nonFatal');
    expect(await bench.signal(address)).toMatchObject({ count: 2 });
    expect(bench.logs(address).filter((text) => text.includes('timed out'))).toHaveLength(2);
  });

  it('2 for a reset and the next error', async () => {
    const bench = new Bench(profile);
    const { session, vfio } = await bench.openArmed(address);
    await bench.raise(address, 'nonFatal');
    await bench.signal(address, 1);
    vfio.slowReader(seconds(1));
    valueOf(await session.acknowledge());
    await bench.log('device recovery successful');
    valueOf(await vfio.writeConfig(4, 2, 0x0106));
    valueOf(await vfio.writeConfig(bench.kernel(address).fn.expressCapability + 8, 2, 0xf));
    await bench.raise(address, 'nonFatal');
    expect(await bench.signal(address, 2)).toMatchObject({ count: 2 });
  });

  it('an ack owed to error 1 is accepted as the ack for error 2', async () => {
    const bench = new Bench(profile);
    const { session } = await bench.openArmed(address);
    await bench.raise(address, 'nonFatal');
    await bench.log('timed out');
    await bench.raise(address, 'nonFatal');
    await bench.signal(address, 2);
    const acknowledgedAt = bench.now;
    valueOf(await session.acknowledge());
    const third = await bench.signal(address, 3);
    expect(third.at - acknowledgedAt).toBeLessThan(milliseconds(200));
  });
});

describe.each(notify)('observation 9: un-registering (%s)', (profile) => {
  it('without an ack waits the full time-out', async () => {
    const bench = new Bench(profile);
    const { session } = await bench.openArmed(address);
    await bench.raise(address, 'nonFatal');
    const first = await bench.signal(address);
    valueOf(await session.disarm());
    const timedOut = await bench.log('timed out waiting for userspace ack');
    expect(timedOut.at - first.at).toBe(wholeWait - 3);
  });

  it('and then the ack gives CAN_RECOVER: no reset for a non-fatal error, no second event', async () => {
    const bench = new Bench(profile);
    const { session, fn } = await bench.openArmed(address);
    const { resets } = fn;
    await bench.raise(address, 'nonFatal');
    await bench.signal(address);
    valueOf(await session.disarm());
    valueOf(await session.acknowledge());
    const recovered = await bench.log('device recovery successful');
    expect(recovered.at - bench.now).toBeLessThan(milliseconds(1));
    expect(fn.resets).toBe(resets);
    await bench.sleep(seconds(100));
    expect(bench.signals(address)).toHaveLength(1);
  });
});

describe('observation 16: the open-time snapshot, loaded in slot_reset', () => {
  const profile = 'notify-7.2-restore';

  /** As 4 has it: the device is reset behind everybody's back, and DEVICE_RESET saves the zeroes. */
  const poisoned = async (bench: Bench): Promise<OpenDevice> => {
    const device = await bench.openArmed(address);
    bench.rig.machine.hierarchy.resetBelow(bench.kernel('0000:00:04.0').node);
    await bench.rig.machine.call(tryResetFunction(bench.rig.machine, device.kernel));
    expect(barsOf(device)).toEqual([0, 0]);
    expect(deviceControl(device)).toBe(0);
    return device;
  };

  it('brings back BARs, MSI-X and DevCtl even after a poisoned save; bus-master stays off', async () => {
    const bench = new Bench(profile);
    const device = await poisoned(bench);
    valueOf(await device.vfio.writeConfig(4, 2, 0x0106));
    valueOf(await device.vfio.writeConfig(device.fn.expressCapability + 8, 2, 0xf));
    await bench.raise(address, 'fatal');
    await bench.signal(address, 1);
    valueOf(await device.session.acknowledge());
    await bench.signal(address, 2);
    expect(barsOf(device).every((bar) => bar !== 0)).toBe(true);
    expect(deviceControl(device) & 0xf).toBe(0xf);
    expect(msixIsOn(device)).toBe(true);
    expect(device.fn.command & 0x4).toBe(0);
    device.fn.initialiseEngine();
    expect(device.fn.performDma(benchIova, () => true)).toEqual({ kind: 'blocked', because: 'busMasterOff' });
    await writeCommand(device);
    expect(dmaWorks(device)).toBe(true);
    expect(device.fn.raiseMsix(0)).toMatchObject({ kind: 'delivered' });
  });

  it('pci_restore_state() alone is only as good as the last save', async () => {
    const bench = new Bench(profile);
    const device = await poisoned(bench);
    restoreState(device.kernel.state, device.fn);
    expect(barsOf(device)).toEqual([0, 0]);
    expect(deviceControl(device)).toBe(0);
    loadSavedState(device.kernel.state, device.core.openSnapshot);
    restoreState(device.kernel.state, device.fn);
    expect(barsOf(device).every((bar) => bar !== 0)).toBe(true);
  });
});
