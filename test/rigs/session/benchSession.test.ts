import { describe, expect, it } from 'vitest';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { openBenchSession } from '../../../src-main/rigs/session/benchSession.ts';
import type { VfioDevice } from '../../../src-main/rigs/session/vfioDevice.ts';
import { Bench, errnoOf, valueOf } from '../simulated/bench.ts';
import { altered, eio, errorOf, openPort } from './port.ts';

const sessionOver = async (answers: Partial<VfioDevice>) => {
  const port = await openPort();
  const closed: string[] = [];
  const { device, calls } = altered(port.vfio, answers);
  const session = await openBenchSession({
    device,
    driver: port.driver,
    clock: port.bench.rig.clock,
    capabilities: port.session.capabilities,
    platform: 'aer',
    closed: () => closed.push('closed'),
  });
  return { session, calls, closed };
};

describe('a session', () => {
  it('is not opened when the config space cannot be read', async () => {
    for (const answers of [
      { readConfigSpace: async () => eio },
      { readHardwareConfigSpace: async () => eio },
    ]) {
      expect((await sessionOver(answers)).session).toEqual(eio);
    }
  });

  it('is opened even when the device cannot be set up, and says so', async () => {
    const session = valueOf((await sessionOver({ enableMsix: async () => eio })).session);
    expect(session.setUp).toMatchObject({ succeeded: false });
    expect(session.setUp.steps.at(-1)).toEqual({
      step: 'MSI-X',
      result: 'failed',
      error: eio.error,
      did: [{ kind: 'msix', change: 'disabled' }],
    });
  });

  it('sets up without a reset: opening made one', async () => {
    const { calls } = await sessionOver({});
    expect(calls).not.toContain('reset');
    expect(calls).toContain('enableMsix');
  });

  it('stays disarmed when the kernel refuses the eventfd, and armed when it refuses to let go', async () => {
    const refused = valueOf((await sessionOver({ registerErrorEventfd: async () => eio })).session);
    expect(await refused.arm('notify')).toEqual(eio);
    expect(errorOf(await refused.disarm())).toMatchObject({ code: 'notArmed' });

    const kept = valueOf((await sessionOver({ unregisterErrorEventfd: async () => eio })).session);
    valueOf(await kept.arm('notify'));
    expect(await kept.disarm()).toEqual(eio);
    expect(errorOf(await kept.arm('notify'))).toMatchObject({ code: 'alreadyArmed' });
  });

  it('makes no call for a protocol that is not offered', async () => {
    const { session, calls } = await sessionOver({});
    const before = calls.length;
    expect(errorOf(await valueOf(session).arm('mediated'))).toMatchObject({
      code: 'protocolUnavailable',
      message: expect.stringContaining('notify, legacy'),
    });
    expect(calls).toHaveLength(before);
  });

  it('tells its rig once that it was closed, and makes no call afterwards', async () => {
    const { session, calls, closed } = await sessionOver({});
    const open = valueOf(session);
    valueOf(await open.close());
    const before = calls.length;
    for (const call of [
      open.close(),
      open.acknowledge(),
      open.disarm(),
      open.reset('hot'),
      open.drainErrors(),
    ]) {
      expect(errorOf(await call)).toMatchObject({ code: 'sessionClosed' });
    }
    await open.quiesce();
    await open.reinitialise();
    await open.prove();
    expect(calls).toHaveLength(before);
    expect(closed).toEqual(['closed']);
  });
});

describe('resets through a session', () => {
  it('tell how long they took and whom they hit', async () => {
    const bench = new Bench('notify-7.2', 'multiFunction');
    const { session, fn } = await bench.open('0000:01:00.0');
    const device = valueOf(await session.reset('device'));
    expect(device).toMatchObject({ kind: 'device', affected: ['0000:01:00.0'] });
    expect(device.took).toBeGreaterThan(0);
    const hot = valueOf(await session.reset('hot'));
    expect(hot).toMatchObject({ kind: 'hot', affected: ['0000:01:00.0', '0000:01:00.1'] });
    expect(fn.resets).toBe(3);
    expect(bench.kernel('0000:01:00.1').fn.resets).toBe(1);
  });

  it.each(['virtio-pci', null])(
    'a hot reset that would hit a function on %s is EINVAL, and hits nobody',
    async (driver) => {
      const bench = new Bench('notify-7.2', 'multiFunction');
      const { session, fn } = await bench.open('0000:01:00.0');
      valueOf(await bench.rig.bind('0000:01:00.1' as PciAddress, driver));
      const { resets } = fn;
      expect(errnoOf(await session.reset('hot'))).toBe('EINVAL');
      expect(fn.resets).toBe(resets);
    },
  );

  it.each(['peHot', 'peFundamental'] as const)('%s belongs to the eeh protocol', async (kind) => {
    const { session } = await new Bench('eeh', 'eehPe').open('0001:01:00.0');
    expect(errorOf(await session.reset(kind))).toMatchObject({ code: 'notSupported' });
  });
});
