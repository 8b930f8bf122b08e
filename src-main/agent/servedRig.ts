import { success, type Result } from '../core/result.ts';
import { openLinuxRig } from '../rigs/linux/openLinuxRig.ts';
import type { Rig } from '../rigs/rig.ts';
import { profileNamed } from '../rigs/simulated/kernel/profile.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { checkPlatform, findTopology, openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import type { AgentWishes } from './options.ts';

const openSimulated = (wanted: NonNullable<AgentWishes['simulated']>): Result<Rig> => {
  const profile = profileNamed(wanted.profile);
  if (!profile.ok) return profile;
  const topology =
    wanted.topology === null ? success(topologies[profile.value.topology]) : findTopology(wanted.topology);
  if (!topology.ok) return topology;
  const fits = checkPlatform(profile.value, topology.value);
  if (!fits.ok) return fits;
  return success(
    openSimulatedRig({
      profile: profile.value,
      topology: topology.value,
      pace: { kind: 'paced', factor: wanted.speed },
      seed: wanted.seed,
      wallStart: Date.now(),
      ackTimeout: null,
    }),
  );
};

/** The rig that an agent serves. */
export const openServedRig = async (wishes: AgentWishes): Promise<Result<Rig>> =>
  wishes.simulated === null ? openLinuxRig() : openSimulated(wishes.simulated);
