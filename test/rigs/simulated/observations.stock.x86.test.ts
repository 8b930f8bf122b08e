import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { barsOf, Bench, deviceControl, errnoOf, expectAbout, expectWiped, valueOf } from './bench.ts';

const address = '0000:01:00.0';
const port = '0000:00:04.0';
const stock = ['stock-6.1', 'stock-7.2'] as const;

/** "Stock vfio-pci" of kernel-facts-x86.md, one describe for each of its bullets. */
describe.each(stock)('stock vfio-pci (%s): what works', (profile) => {
  it('has five IRQ indexes, of which 3 can be registered and 5 cannot', async () => {
    const bench = new Bench(profile);
    const { core, session } = await bench.open(address);
    expect(core.numberOfIrqs).toBe(5);
    expect(valueOf(core.irqCount(3))).toBe(1);
    expect(errnoOf(core.irqCount(5))).toBe('EINVAL');
    expect(errnoOf(await session.acknowledge())).toBe('EINVAL');
    expect(session.capabilities.protocols).toEqual(['legacy']);
  });

  it('loop-back on index 3 signals and touches nothing', async () => {
    const bench = new Bench(profile);
    const { session, fn } = await bench.openArmed(address, 'legacy');
    const before = fn.snapshot();
    valueOf(await session.triggerLoopback());
    expect(await bench.signal(address)).toMatchObject({ protocol: 'legacy', count: 1 });
    expect(fn.snapshot()).toEqual(before);
    expect(bench.uevents(address)).toEqual([]);
  });

  it('config reads, VFIO_DEVICE_RESET, AER counters and kernel log work', async () => {
    const bench = new Bench(profile);
    const { session, fn } = await bench.open(address);
    const { resets } = fn;
    expect(valueOf(await session.readConfig('vfio')).length).toBe(4096);
    expect(valueOf(await session.reset('device')).kind).toBe('device');
    expect(fn.resets).toBe(resets + 1);
    await bench.raise(address, 'nonFatal');
    await bench.log('device recovery successful');
    const summary = valueOf(await bench.rig.devices()).find((device) => device.address === address);
    expect(summary?.aerCounters).toEqual({ correctable: 0, nonFatal: 1, fatal: 0 });
    expect(bench.logs(address)[0]).toBe(
      'PCIe Bus Error: severity=Uncorrectable (Non-Fatal), [14] CmpltTO (First)',
    );
  });
});

describe.each(stock)('stock vfio-pci (%s): a non-fatal error', (profile) => {
  it('fires index 3 and leaves the device untouched', async () => {
    const bench = new Bench(profile);
    const { session, fn, vfio } = await bench.openArmed(address, 'legacy');
    const { resets, command } = fn;
    await bench.raise(address, 'nonFatal');
    await bench.log('device recovery successful');
    await bench.uevent(address, 'successfulRecovery');
    expect(bench.signals(address)).toHaveLength(1);
    expect({ resets: fn.resets, command: fn.command }).toEqual({ resets, command });
    expect((await session.prove()).verdict).toBe('proven');
    expect(valueOf(await vfio.readConfig(fn.aerCapability + 4, 4))).toBe(0);
  });
});

describe.each(stock)('stock vfio-pci (%s): a fatal error', (profile) => {
  it('fires index 3, and about 135 ms later the device is reset while in use', async () => {
    const bench = new Bench(profile);
    const device = await bench.openArmed(address, 'legacy');
    expect((await device.session.prove()).verdict).toBe('proven');
    const { resets } = device.fn;
    await bench.raise(address, 'fatal');
    const signal = await bench.signal(address);
    const recovered = await bench.log('device recovery successful');
    expectAbout(recovered.at - signal.at, milliseconds(135));
    expect(device.fn.resets).toBe(resets + 1);
    expectWiped(device);
    expect((await device.session.prove()).verdict).toBe('failed');
    await bench.sleep(seconds(120));
    expect(bench.signals(address)).toHaveLength(1);
  });

  it('cannot be reset by user space while the kernel resets it', async () => {
    const bench = new Bench(profile);
    const { session } = await bench.openArmed(address, 'legacy');
    await bench.raise(address, 'fatal');
    await bench.signal(address);
    await bench.sleep(milliseconds(20));
    expect(errnoOf(await session.reset('device'))).toBe('EAGAIN');
  });

  it(`counts ${profile === 'stock-7.2' ? 'as fatal' : 'nowhere'}`, async () => {
    const bench = new Bench(profile);
    await bench.openArmed(address, 'legacy');
    await bench.raise(address, 'fatal');
    await bench.log('device recovery successful');
    expect(bench.kernel(address).aerCounters).toEqual({
      correctable: 0,
      nonFatal: 0,
      fatal: profile === 'stock-7.2' ? 1 : 0,
    });
  });

  it('while the device is closed leaves it dead: on reopen the BARs are 0', async () => {
    const bench = new Bench(profile);
    await bench.raise(address, 'fatal');
    await bench.log('device recovery successful');
    const device = await bench.open(address);
    expect(barsOf(device)).toEqual([0, 0]);
    expect(device.session.setUp.succeeded).toBe(false);
    expect(device.session.setUp.steps.at(-1)).toMatchObject({ step: 'engine', result: 'failed' });
    expect((await device.session.prove()).verdict).toBe('failed');
    expect((await device.session.reinitialise()).succeeded).toBe(false);
  });
});

describe('the SERR trap', () => {
  it.each([
    ['serr', 0x0006, 0xf],
    ['deviceControl', 0x0106, 0],
  ] as const)('an uncorrectable error vanishes at %s', async (where, command, control) => {
    const bench = new Bench('stock-7.2');
    const { vfio, fn } = await bench.openArmed(address, 'legacy');
    valueOf(await vfio.writeConfig(4, 2, command));
    valueOf(await vfio.writeConfig(fn.expressCapability + 8, 2, control));
    const receipt = await bench.raise(address, 'fatal');
    expect(receipt.delivery).toMatchObject({ kind: 'lost', where });
    await bench.sleep(seconds(1));
    expect(bench.events).toEqual([]);
  });
});

describe('a correctable error', () => {
  it('is counted and logged, and nobody is told', async () => {
    const bench = new Bench('stock-7.2');
    await bench.openArmed(address, 'legacy');
    await bench.inject(address, { kind: 'aer', error: 'BAD_TLP', severity: null });
    await bench.log('severity=Correctable, [6] BadTLP');
    await bench.sleep(seconds(1));
    expect(bench.signals(address)).toEqual([]);
    expect(bench.kernel(address).aerCounters).toEqual({ correctable: 1, nonFatal: 0, fatal: 0 });
    expect(deviceControl(bench.kernel(address)) & 0xf).toBe(0xf);
  });
});

describe('IOMMU groups', () => {
  const [first, second] = ['0000:01:00.0', '0000:01:00.1'];

  it('a sibling on a host driver makes opening EPERM; a driverless one is allowed', async () => {
    const bench = new Bench('stock-7.2', 'multiFunction');
    const { address: sibling } = bench.kernel(second);
    valueOf(await bench.rig.bind(sibling, 'virtio-pci'));
    expect(errnoOf(await bench.rig.open(bench.kernel(first).address))).toBe('EPERM');
    valueOf(await bench.rig.bind(sibling, null));
    expect((await bench.rig.open(bench.kernel(first).address)).ok).toBe(true);
  });

  it('a port takes no vfio-pci', async () => {
    const bench = new Bench('stock-7.2');
    const refusal = await bench.rig.bind(bench.kernel(port).address, 'vfio-pci');
    expect(errnoOf(refusal)).toBe('EINVAL');
    expect(bench.kernel(port).driver).toBeNull();
  });
});
