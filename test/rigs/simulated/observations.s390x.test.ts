import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { decodeCcdf } from '../../../src-main/core/zpci/ccdf.ts';
import { removeDevice, replug, unbindDriver } from '../../../src-main/rigs/simulated/kernel/hotplug.ts';
import {
  fidOf,
  functionHandleOf,
  zpciErrorEvent,
} from '../../../src-main/rigs/simulated/kernel/zpciEvents.ts';
import type { ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { barsOf, Bench, errnoOf, expectAbout, msixIsOn, valueOf } from './bench.ts';
import type { OpenDevice } from './bench.ts';

/** The observed list of kernel-facts-s390x.md, one describe for each bullet, and its table of kernels. */
const address = '1234:00:00.0';
const conventional = '1235:00:00.0';

const rig = (profile: ProfileName): Bench => new Bench(profile, 'zpci');
const badDma = (bench: Bench, where: 'unmapped' | 'belowAperture' = 'unmapped') =>
  bench.inject(address, { kind: 'zpciDma', where });

/** An error up to the moment at which the handler has let go of the device. */
const inError = async (bench: Bench): Promise<OpenDevice> => {
  const device = await bench.openArmed(address, 'mediated');
  await badDma(bench);
  await bench.signal(address);
  await bench.sleep(milliseconds(25));
  return device;
};

/** A whole event of firmware, with any code. */
const firmwareReports = (bench: Bench, eventCode: number, functionHandle?: number) => {
  const device = bench.kernel(address);
  return bench.rig.machine.call(
    zpciErrorEvent(bench.rig.machine, device, {
      eventCode,
      failingAddress: 0n,
      functionHandle: functionHandle ?? functionHandleOf(device),
    }),
  );
};

describe('observed: feature 13', () => {
  it('7.3: GET with nothing pending is ENOMSG, which the port answers as null', async () => {
    const { vfio, session } = await rig('zpci-7.3').openArmed(address, 'mediated');
    expect(valueOf(await vfio.takeZpciError())).toBeNull();
    expect(valueOf(await session.drainErrors())).toEqual([]);
  });

  it('7.2: armed for it, the session says what an older kernel means', async () => {
    const { session } = await rig('zpci-7.2').open(address);
    expect(await session.arm('mediated')).toMatchObject({
      ok: false,
      error: {
        code: 'protocolUnavailable',
        message: expect.stringMatching(/offers legacy.*ENOTTY.*by itself/),
      },
    });
  });

  it('7.2: ENOTTY', async () => {
    const { vfio, session } = await rig('zpci-7.2').openArmed(address, 'legacy');
    expect(errnoOf(await vfio.takeZpciError())).toBe('ENOTTY');
    expect(errnoOf(await session.drainErrors())).toBe('ENOTTY');
  });
});

describe('observed: loop-back', () => {
  it('signals while feature 13 still says ENOMSG', async () => {
    const bench = rig('zpci-7.3');
    const { session } = await bench.openArmed(address, 'mediated');
    valueOf(await session.triggerLoopback());
    expect(await bench.signal(address)).toMatchObject({ protocol: 'mediated', count: 1 });
    expect(valueOf(await session.drainErrors())).toEqual([]);
  });
});

describe('observed: where a bad DMA goes', () => {
  it.each([
    ['unmapped', 0x4, 'TPROTE'],
    ['belowAperture', 0x2, 'OORANGE'],
  ] as const)('%s: PEC 0x%i (%s), eventfd 1-4 ms later', async (where, pec, pecName) => {
    const bench = rig('zpci-7.3');
    const { session, kernel } = await bench.openArmed(address, 'mediated');
    const at = bench.now;
    await badDma(bench, where);
    const signal = await bench.signal(address);
    expect(signal.at - at).toBeGreaterThanOrEqual(milliseconds(1));
    expect(signal.at - at).toBeLessThanOrEqual(milliseconds(4) + 3);
    const [record] = valueOf(await session.drainErrors());
    expect(record).toMatchObject({
      source: 'ccdf',
      pec,
      pecName,
      fid: 0x56,
      functionHandle: functionHandleOf(kernel),
    });
    expect(record?.source === 'ccdf' ? record.raw.length : 0).toBe(64);
  });

  it('above end_dma nothing would come, so it is refused', async () => {
    const bench = rig('zpci-7.3');
    await bench.openArmed(address, 'mediated');
    const refusal = await bench.rig.inject({
      address: bench.kernel(address).address,
      injector: 'simulated',
      fault: { kind: 'zpciDma', where: 'aboveAperture' },
    });
    expect(refusal).toMatchObject({ ok: false, error: { code: 'injectionRefused' } });
    await bench.sleep(seconds(1));
    expect(bench.events).toEqual([]);
  });
});

describe('observed: a function in error', () => {
  it('BARs read all ones; config reads that reach hardware give ENODEV', async () => {
    const { vfio, session } = await inError(rig('zpci-7.3'));
    expect(valueOf(await vfio.readBar(4, 0, 4))).toBe(0xffff_ffff);
    expect(errnoOf(await vfio.readConfig(4, 2))).toBe('ENODEV');
    expect(errnoOf(await vfio.writeConfig(4, 2, 0x6))).toBe('ENODEV');
    for (const view of ['vfio', 'hardware'] as const) {
      expect(await session.readConfig(view)).toMatchObject({
        ok: false,
        error: { code: 'configUnreadable', errno: { name: 'ENODEV' } },
      });
    }
  });

  it('vendor and device id still read well: never a health check', async () => {
    const { vfio, session } = await inError(rig('zpci-7.3'));
    expect(valueOf(await vfio.readConfig(0, 2))).toBe(0x1af4);
    expect(valueOf(await vfio.readConfig(2, 2))).toBe(0x1044);
    expect((await session.prove()).verdict).toBe('failed');
  });

  it('quiescing tries everything and holds the recovery for nothing', async () => {
    const { session } = await inError(rig('zpci-7.3'));
    const report = await session.quiesce();
    expect(report.succeeded).toBe(true);
    expect(report.actions).toContainEqual(
      expect.objectContaining({ action: 'busMasterOff', result: 'failed' }),
    );
  });
});

describe('observed: VFIO_DEVICE_RESET', () => {
  it.each([1, 2, 3, 4, 5])(
    'right after the eventfd gives EAGAIN, 2-20 ms later success in 0.5-2 ms (seed %i)',
    async (seed) => {
      const bench = new Bench('zpci-7.3', 'zpci', seed);
      const { session } = await bench.openArmed(address, 'mediated');
      await badDma(bench);
      const signal = await bench.signal(address);
      let report = await session.reset('device');
      expect(errnoOf(report)).toBe('EAGAIN');
      while (errnoOf(report) === 'EAGAIN') {
        await bench.sleep(500);
        report = await session.reset('device');
      }
      const { took } = valueOf(report);
      const began = bench.now - took - signal.at;
      expect(began).toBeGreaterThanOrEqual(milliseconds(2) - 3);
      expect(began).toBeLessThanOrEqual(milliseconds(20.5));
      expect(took).toBeGreaterThanOrEqual(milliseconds(0.5));
      expect(took).toBeLessThanOrEqual(milliseconds(2));
    },
  );

  it('of a function in error tells of the save, of the FLR, and goes through the slot', async () => {
    const bench = rig('zpci-7.3');
    const { session, fn } = await inError(bench);
    const { resets } = fn;
    const before = bench.logs(address).length;
    valueOf(await session.reset('device'));
    expect(bench.logs(address).slice(before)).toEqual([
      'config space inaccessible; unable to save state',
      'unable to FLR',
    ]);
    expect(fn.resets).toBe(resets + 1);
    expect(fn.link).toBe('up');
  });

  it('of a healthy function uses FLR, about 101 ms; of a conventional one the slot', async () => {
    const bench = rig('zpci-7.3');
    const express = await bench.open(address);
    expectAbout(valueOf(await express.session.reset('device')).took, milliseconds(101));
    const without = await bench.open(conventional);
    expect(valueOf(await without.session.reset('device')).took).toBeLessThanOrEqual(milliseconds(2));
  });

  it('stops the device first, and gives it its COMMAND back afterwards, with INTx off for MSI-X', async () => {
    const bench = rig('zpci-7.3');
    const { session, fn } = await bench.open(conventional);
    const { command } = fn;
    const reset = session.reset('device');
    expect(fn.command).toBe(0x0400);
    valueOf(await reset);
    // __pci_restore_msix_state() ends with pci_intx_for_msi(dev, 0).
    expect(fn.command).toBe(command | 0x0400);
  });

  it('is the only kind: there is no hot reset of a lone function', async () => {
    const { session } = await rig('zpci-7.3').open(address);
    expect(session.capabilities.resetKinds).toEqual(['device']);
    expect(await session.reset('hot')).toMatchObject({ ok: false, error: { code: 'notSupported' } });
  });
});

describe('observed: after an error reset', () => {
  it('BusMaster is off, and MSI-X vector 0 still fires', async () => {
    const { session, fn } = await inError(rig('zpci-7.3'));
    valueOf(await session.reset('device'));
    expect(fn.command & 0x6).toBe(0x2);
    expect(fn.raiseMsix(0)).toMatchObject({ kind: 'delivered' });
  });

  it('MSI-X is on although it was switched off in the error: the write did not arrive, and QEMU resets no register', async () => {
    const { session, fn } = await inError(rig('zpci-7.3'));
    await session.quiesce();
    valueOf(await session.reset('device'));
    expect(msixIsOn({ fn })).toBe(true);
    await session.quiesce();
    expect(msixIsOn({ fn })).toBe(false);
  });

  it('BARs are what they always are in config space: 0, and yet reached', async () => {
    const { session, vfio, fn } = await inError(rig('zpci-7.3'));
    valueOf(await session.reset('device'));
    expect(barsOf({ fn }).every((bar) => bar === 0)).toBe(true);
    expect(valueOf(await vfio.readBar(4, 0, 4))).not.toBe(0xffff_ffff);
  });

  it('BusMaster is off also when a host driver had left it on: opening keeps it out of the snapshot', async () => {
    const bench = rig('zpci-7.3');
    bench.kernel(address).fn.writeConfig(4, 2, 0x0006);
    const { session, fn } = await inError(bench);
    valueOf(await session.reset('device'));
    expect(fn.command & 0x6).toBe(0x2);
  });

  it('the DMA mapping must be made again, else PEC 4 again', async () => {
    const bench = rig('zpci-7.3');
    const { session, vfio, fn } = await inError(bench);
    valueOf(await session.drainErrors());
    valueOf(await session.reset('device'));
    valueOf(await vfio.writeConfig(4, 2, 0x0006));
    expect(fn.initialiseEngine()).toEqual({ kind: 'done' });
    expect((await session.prove()).checks).toContainEqual(
      expect.objectContaining({ check: 'dma', result: 'failed' }),
    );
    await bench.signal(address, 2);
    expect(valueOf(await session.drainErrors())).toMatchObject([{ pec: 4, failingAddress: '0x100000' }]);
  });

  it('the session brings it back: reset, BusMaster, mapping, MSI-X, and proves it', async () => {
    const bench = rig('zpci-7.3');
    const { session } = await inError(bench);
    valueOf(await session.reset('device'));
    expect((await session.reinitialise()).steps.map(({ step, result }) => `${step} ${result}`)).toEqual([
      'COMMAND done',
      'DEVICE_RESET done',
      'COMMAND again done',
      'DevCtl notNeeded',
      'DMA mapping done',
      'MSI-X done',
      'engine done',
    ]);
    expect((await session.prove()).verdict).toBe('proven');
    expect(bench.signals(address)).toHaveLength(1);
  });
});

describe('observed: unread errors', () => {
  it('of six, four are readable, oldest first', async () => {
    const bench = rig('zpci-7.3');
    const { session } = await bench.openArmed(address, 'mediated');
    for (const code of [0x1, 0x2, 0x3, 0x4, 0x5, 0x6]) await firmwareReports(bench, code);
    const dropped = bench.logs(address).filter((text) => text.startsWith('Maximum number (4)'));
    expect(dropped).toHaveLength(2);
    const records = valueOf(await session.drainErrors());
    expect(records.map((record) => (record.source === 'ccdf' ? record.pec : -1))).toEqual([1, 2, 3, 4]);
    expect(valueOf(await session.drainErrors())).toEqual([]);
    await bench.signal(address, 6);
  });

  it('close with one unread tells of it, and gives a working device back', async () => {
    const bench = rig('zpci-7.3');
    const { session } = await inError(bench);
    valueOf(await session.close());
    expect(bench.logs(address)).toContain('Unhandled PCI error events count=1');
    const again = await bench.open(address);
    expect(valueOf(await again.vfio.takeZpciError())).toBeNull();
    expect((await again.session.prove()).verdict).toBe('proven');
  });

  it('with no eventfd registered the event is still queued: polling works', async () => {
    const bench = rig('zpci-7.3');
    const { session, vfio } = await bench.open(address);
    await badDma(bench);
    await bench.sleep(milliseconds(30));
    expect(bench.signals(address)).toEqual([]);
    const record = valueOf(await vfio.takeZpciError());
    expect(valueOf(decodeCcdf(record ?? new Uint8Array(0)))).toMatchObject({
      eventCode: 4,
      functionId: 0x56,
    });
    expect(valueOf(await session.drainErrors())).toEqual([]);
  });
});

describe('observed: uevents', () => {
  it('only BEGIN_RECOVERY, also after the device works again', async () => {
    const bench = rig('zpci-7.3');
    const { session } = await inError(bench);
    valueOf(await session.reset('device'));
    expect((await session.reinitialise()).succeeded).toBe(true);
    await bench.sleep(seconds(5));
    expect(bench.uevents(address)).toEqual(['beginRecovery']);
    expect(bench.logs(address)).toContain('Leaving recovery of pass-through device to user-space');
    expect(bench.logs(address)).not.toContain('The device is ready to resume operations');
  });
});

describe('observed: the kernel wants the device back', () => {
  it('unbinding signals REQ and completes once the device is closed', async () => {
    const bench = rig('zpci-7.3');
    const { session, kernel } = await bench.open(address);
    const unbind = bench.start(unbindDriver(kernel));
    await bench.event('releaseRequested', address);
    await bench.sleep(seconds(3));
    expect(unbind.returnedAt()).toBeNull();
    valueOf(await session.close());
    await bench.sleep(milliseconds(1));
    expect(unbind.returnedAt()).not.toBeNull();
  });

  it('slot power off as well; afterwards the driver has to be bound again', async () => {
    const bench = rig('zpci-7.3');
    const { session, kernel } = await bench.open(address);
    const { machine } = bench.rig;
    const powerOff = bench.start(removeDevice(machine, kernel));
    await bench.event('releaseRequested', address);
    expect(powerOff.returnedAt()).toBeNull();
    valueOf(await session.close());
    await bench.event('deviceRemoved', address);
    expect(await bench.rig.open(kernel.address)).toMatchObject({ ok: false, error: { code: 'deviceLost' } });
    expect(valueOf(await bench.rig.rescan())).toEqual([address]);
    expect((await bench.rig.open(kernel.address)).ok).toBe(false);
    valueOf(await bench.rig.bind(kernel.address, 'vfio-pci'));
    const again = await bench.open(address);
    expect((await again.session.prove()).verdict).toBe('proven');
    expect(errnoOf(replug(machine, bench.kernel(address)))).toBe('EEXIST');
  });
});

describe('mediated recovery as merged', () => {
  it('an event with another function handle is stale and ignored', async () => {
    const bench = rig('zpci-7.3');
    const { session, kernel, fn } = await bench.openArmed(address, 'mediated');
    await firmwareReports(bench, 0x4, functionHandleOf(kernel) + 1);
    await bench.sleep(seconds(1));
    expect(bench.events).toEqual([]);
    expect(fn.link).toBe('up');
    expect(valueOf(await session.drainErrors())).toEqual([]);
  });

  it('an error of the measurement block is logged and otherwise ignored', async () => {
    const bench = rig('zpci-7.3');
    const { fn } = await bench.openArmed(address, 'mediated');
    await firmwareReports(bench, 0x2a);
    expect(bench.logs(address)).toEqual([`Event 0x2a reports an error for PCI function 0x56`]);
    expect(bench.signals(address)).toEqual([]);
    expect(fn.link).toBe('up');
  });

  it('a permanent failure also stores the record and signals', async () => {
    const bench = rig('zpci-7.3');
    const { session, kernel } = await bench.openArmed(address, 'mediated');
    await firmwareReports(bench, 0x3b);
    await bench.signal(address);
    expect(valueOf(await session.drainErrors())).toMatchObject([{ pec: 0x3b, fid: fidOf(kernel) }]);
    await bench.uevent(address, 'failedRecovery');
    expect(bench.uevents(address)).toEqual(['failedRecovery']);
  });
});

describe('the table of kernels', () => {
  it('7.2: eventfd fires, and the kernel recovers by itself', async () => {
    const bench = rig('zpci-7.2');
    const { session, fn } = await bench.openArmed(address, 'legacy');
    const { resets } = fn;
    await badDma(bench);
    await bench.signal(address);
    await bench.uevent(address, 'successfulRecovery');
    expect(bench.uevents(address)).toEqual(['beginRecovery', 'successfulRecovery']);
    expect(bench.logs(address)).toContain('The device is ready to resume operations');
    expect(fn.resets).toBe(resets);
    expect((await session.prove()).verdict).toBe('proven');
  });

  it('7.2: a conventional function cannot register ERR (EINVAL); 7.3: it can', async () => {
    const before = await rig('zpci-7.2').open(conventional);
    expect(before.session.capabilities.protocols).toEqual([]);
    expect(errnoOf(await before.vfio.registerErrorEventfd('legacy'))).toBe('EINVAL');
    const bench = rig('zpci-7.3');
    const after = await bench.openArmed(conventional, 'mediated');
    expect(after.session.capabilities.protocols).toEqual(['mediated']);
    await bench.inject(conventional, { kind: 'zpciDma', where: 'unmapped' });
    await bench.signal(conventional);
    expect(valueOf(await after.session.drainErrors())).toMatchObject([{ fid: 0x57, pec: 4 }]);
  });

  it.each(['zpci-7.2', 'zpci-7.3'] as const)(
    '%s: an error while the device is closed is the business of the kernel',
    async (profile) => {
      const bench = rig(profile);
      await badDma(bench);
      await bench.uevent(address, 'successfulRecovery');
      const { session, vfio } = await bench.open(address);
      expect(session.setUp.succeeded).toBe(true);
      expect((await session.prove()).verdict).toBe('proven');
      if (profile === 'zpci-7.3') expect(valueOf(await vfio.takeZpciError())).toBeNull();
    },
  );
});
