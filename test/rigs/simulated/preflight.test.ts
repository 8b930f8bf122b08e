import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src-main/core/faults/fault.ts';
import { seconds } from '../../../src-main/core/recovery/phase.ts';
import { defaultPolicy } from '../../../src-main/core/recovery/policy.ts';
import { Coordinator } from '../../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../../src-main/coordinator/recorder.ts';
import type { TopologyName } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { Bench, valueOf } from './bench.ts';

const fatal: Fault = { kind: 'aer', error: 'MALF_TLP', severity: null };

/** Every byte of every config space, and what the machine told so far. */
const stateOf = (bench: Bench): unknown => ({
  configs: [...bench.rig.machine.devices.values()].map(({ fn }) =>
    createHash('sha256').update(fn.snapshot()).digest('hex'),
  ),
  links: [...bench.rig.machine.devices.values()].map(({ fn, present }) => [fn.link, present, fn.resets]),
  told: bench.events.length,
});

const refusal = async (
  topology: TopologyName,
  address: string,
  fault: Fault,
  prepare: (bench: Bench, coordinator: Coordinator) => Promise<void> = async () => undefined,
): Promise<string> => {
  const bench = new Bench(topology === 'eehPe' ? 'eeh' : 'notify-7.2', topology);
  const coordinator = new Coordinator(bench.rig, new Recorder(bench.rig.clock, null));
  await prepare(bench, coordinator);
  const before = stateOf(bench);
  const refused = await coordinator.inject(bench.kernel(address).address, fault, 'simulated');
  expect(stateOf(bench)).toEqual(before);
  await bench.sleep(seconds(1));
  expect(stateOf(bench)).toEqual(before);
  coordinator.dispose();
  if (refused.ok) return 'allowed';
  const rule = refused.error.details?.['rule'];
  return typeof rule === 'string' ? rule : refused.error.code;
};

describe('a refused fault changes nothing', () => {
  it.each<[string, TopologyName, string, Fault]>([
    ['bridge', 'lab', '0000:00:04.0', fatal],
    ['bridge', 'lab', '0000:03:00.0', { kind: 'unplug' }],
    ['hostRoot', 'lab', '0000:08:00.0', fatal],
    ['noAer', 'lab', '0000:04:00.0', fatal],
    ['malformedInput', 'lab', '0000:01:00.0', { kind: 'aer', error: 'NO_SUCH', severity: null }],
    ['malformedInput', 'lab', '0000:01:00.0', { kind: 'aer', error: 'BAD_TLP', severity: 'fatal' }],
    ['masked', 'lab', '0000:01:00.0', { kind: 'aer', error: 'INTERNAL', severity: null }],
    ['injectionRefused', 'lab', '0000:01:00.0', { kind: 'eehFreeze' }],
    ['injectionRefused', 'lab', '0000:01:00.0', { kind: 'zpciDma', where: 'unmapped' }],
    ['injectionRefused', 'eehPe', '0001:01:00.0', fatal],
  ])('%s: %s %s', async (rule, topology, address, fault) => {
    expect(await refusal(topology, address, fault)).toBe(rule);
  });

  it('an injector that the rig does not have, or has for other faults', async () => {
    const bench = new Bench('notify-7.2', 'single');
    const { address } = bench.kernel('0000:01:00.0');
    const before = stateOf(bench);
    for (const injector of ['aerInject', 'qemuMonitor', 'badDma'] as const) {
      expect(await bench.rig.inject({ address, injector, fault: fatal })).toMatchObject({
        ok: false,
        error: { code: 'injectorUnavailable' },
      });
    }
    expect(await bench.rig.inject({ address, injector: 'loopback', fault: fatal })).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused' },
    });
    await bench.sleep(seconds(1));
    expect(stateOf(bench)).toEqual(before);
  });

  it('siblingNotOwned: a function beside it is on a host driver', async () => {
    const rule = await refusal('multiFunction', '0000:01:00.0', fatal, async (bench) => {
      valueOf(await bench.rig.bind(bench.kernel('0000:01:00.1').address, 'virtio-pci'));
    });
    expect(rule).toBe('siblingNotOwned');
  });

  it('waitOpen: the kernel waits for the ack of an earlier error', async () => {
    const address = '0000:01:00.0';
    const rule = await refusal('single', address, fatal, async (bench, coordinator) => {
      const device = bench.kernel(address).address;
      valueOf(await coordinator.arm(device, 'notify', defaultPolicy));
      valueOf(await coordinator.inject(device, fatal, 'simulated'));
      await bench.signal(address);
      await bench.sleep(seconds(1));
    });
    expect(rule).toBe('waitOpen');
  });

  it('deviceLost: it was pulled', async () => {
    const rule = await refusal('single', '0000:01:00.0', fatal, async (bench) => {
      await bench.inject('0000:01:00.0', { kind: 'unplug' });
      await bench.event('deviceRemoved', '0000:01:00.0');
    });
    expect(rule).toBe('deviceLost');
  });
});
