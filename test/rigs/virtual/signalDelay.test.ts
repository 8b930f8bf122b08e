import { describe, expect, it } from 'vitest';
import { parsePciAddress } from '../../../src-main/core/pci/address.ts';
import { seconds } from '../../../src-main/core/recovery/phase.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { SignalDelay } from '../../../src-main/rigs/virtual/signalDelay.ts';
import { SimulatedClock } from '../../../src-main/rigs/simulated/simulatedClock.ts';
import { valueOf } from '../simulated/bench.ts';

const [slow, other] = ['0000:01:00.0', '0000:02:00.0'].map((text) => valueOf(parsePciAddress(text)));
if (slow === undefined || other === undefined) throw new Error('There are two addresses.');

const signal = (address: typeof slow, at: number, number: number): RigEvent => ({
  kind: 'signal',
  address,
  at,
  protocol: 'notify',
  count: 1,
  number,
  answered: null,
});

describe('a slow reader', () => {
  it('finds the signals of one device as one, when it reads; others are told at once', async () => {
    const clock = new SimulatedClock({ kind: 'unbounded' }, 0);
    const told: RigEvent[] = [];
    const delay = new SignalDelay(clock, (event) => told.push(event));
    delay.slow(slow, seconds(2));
    const removed: RigEvent = { kind: 'deviceRemoved', address: slow, at: 0 };
    for (const event of [signal(slow, 0, 1), signal(other, 0, 1), removed]) delay.hear(event);
    clock.at(seconds(1), () => delay.hear(signal(slow, seconds(1), 2)));
    await new Promise<void>((resolve) => clock.at(seconds(3), resolve));
    expect(told).toEqual([signal(other, 0, 1), removed, { ...signal(slow, seconds(2), 2), count: 2 }]);
    delay.hear(signal(slow, seconds(3), 3));
    delay.end();
    await new Promise<void>((resolve) => clock.at(seconds(9), resolve));
    expect(told.length).toBe(3);
    clock.close();
  });
});
