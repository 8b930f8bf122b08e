import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profileNames, profiles } from '../../src-main/rigs/simulated/kernel/profile.ts';
import type { ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import type { Pace } from '../../src-main/rigs/simulated/simulatedClock.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import { rigSuite } from './rigSuite.ts';

const simulated = (name: ProfileName, pace: Pace): SimulatedRig => {
  const profile = profiles[name];
  const topology = topologies[profile.topology];
  return new SimulatedRig({ profile, topology, pace, seed: 1, wallStart: 0 });
};

for (const name of profileNames) {
  rigSuite(`simulated:${name}`, async () => simulated(name, { kind: 'unbounded' }));
}
rigSuite('simulated:notify-7.2, paced', async () => simulated('notify-7.2', { kind: 'paced', factor: 50 }));
