import { explain } from '../../core/explain/explain.ts';
import { failure, success } from '../../core/result.ts';
import { profileNamed } from '../../rigs/simulated/kernel/profile.ts';
import { checkPlatform, findTopology } from '../../rigs/simulated/openSimulatedRig.ts';
import type { HandlersOf } from './handler.ts';

export const rigCommands: HandlersOf<'snapshot' | 'lines' | 'addRig' | 'removeRig' | 'explain'> = {
  snapshot: async (_input, { bench, caller }) => success(bench.snapshot(caller)),

  lines: async ({ rig, before, count }, { bench }) => {
    const held = bench.rig(rig);
    return held.ok ? held.value.earlierLines(before, count) : held;
  },

  addRig: async ({ profile: profileName, topology: topologyName, seed, ackTimeout }, { bench }) => {
    const profile = profileNamed(profileName);
    if (!profile.ok) return profile;
    const topology = findTopology(topologyName);
    if (!topology.ok) return topology;
    const fits = checkPlatform(profile.value, topology.value);
    if (!fits.ok) return fits;
    return bench.add({
      profile: profile.value,
      topology: topology.value,
      seed,
      wallStart: bench.options.now(),
      ackTimeout,
      scenario: null,
    });
  },

  removeRig: async ({ rig }, { bench }) => {
    const held = bench.rig(rig);
    if (!held.ok) return held;
    const waiting = held.value.kernelWaits();
    if (waiting.length > 0) {
      return failure(
        'waitOpen',
        `The kernel waits for an ack of ${waiting.join(', ')} and would take the end of the run for one; acknowledge or withdraw first.`,
      );
    }
    await bench.remove(held.value, held.value.play?.outcome() ?? 'closed');
    return success(undefined);
  },

  explain: async ({ text }) => explain(text),
};
