import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { profileNames, type ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { profiles } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import type { Fault } from '../../../src-main/core/faults/fault.ts';
import { Bench, valueOf } from './bench.ts';

const faults: Readonly<Record<'aer' | 'zpci' | 'eeh', Fault>> = {
  aer: { kind: 'aer', error: 'MALF_TLP', severity: null },
  zpci: { kind: 'zpciDma', where: 'unmapped' },
  eeh: { kind: 'eehFreeze' },
};

/** One error of the first device that can be armed, acknowledged where somebody waits for it, and a reinitialisation. */
const story = async (profile: ProfileName, seed: number): Promise<readonly RigEvent[]> => {
  const bench = new Bench(profile, profiles[profile].topology, seed);
  const device = valueOf(await bench.rig.devices()).find(({ protocols }) => protocols.length > 0);
  const protocol = device?.protocols[0];
  if (device === undefined || protocol === undefined) throw new Error('Nothing can be armed.');
  const { session } = await bench.openArmed(device.address, protocol);
  await bench.inject(device.address, faults[profiles[profile].platform]);
  await bench.signal(device.address);
  await bench.sleep(milliseconds(30));
  if (protocol === 'notify') valueOf(await session.acknowledge());
  if (protocol === 'eeh') {
    for (const step of ['unfreezeIo', 'resetHot', 'resetDeactivate', 'configure', 'unfreezeDma'] as const) {
      valueOf(await session.eeh(step));
    }
  }
  await bench.sleep(seconds(1));
  await session.reinitialise();
  await bench.sleep(seconds(1));
  await bench.rig.close();
  return bench.events;
};

const withoutTime = (events: readonly RigEvent[]): readonly unknown[] =>
  events.map(({ at: _, ...event }) => event);

describe.each(profileNames)('%s', (profile) => {
  it('tells the same story to the microsecond for the same seed', async () => {
    const events = await story(profile, 42);
    expect(events.length).toBeGreaterThan(1);
    expect(await story(profile, 42)).toEqual(events);
  });

  it('tells it at other moments for another seed', async () => {
    const [one, other] = [await story(profile, 1), await story(profile, 2)];
    expect(withoutTime(other)).toEqual(withoutTime(one));
    expect(other.map(({ at }) => at)).not.toEqual(one.map(({ at }) => at));
  });
});
