import type { Microseconds } from '../../core/recovery/phase.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { topologies, type TopologyName } from './hardware/topologies.ts';
import { defaultProfile, profiles, type KernelProfile } from './kernel/profile.ts';
import type { Pace } from './simulatedClock.ts';
import { SimulatedRig } from './simulatedRig.ts';

export const topologyNamed = (name: string): Result<TopologyName> =>
  Object.hasOwn(topologies, name)
    ? success(name as TopologyName)
    : failure(
        'malformedInput',
        `There is no topology "${name}"; there are ${Object.keys(topologies).join(', ')}.`,
      );

/** A kernel cannot run on the devices of another platform. */
export const checkPlatform = (profile: KernelProfile, topology: TopologyName): Result<void> =>
  topologies[topology].platform === profile.platform
    ? done
    : failure(
        'malformedInput',
        `The devices of the topology "${topology}" are of another platform than simulated:${profile.name}.`,
      );

/** null: what the profile says, or the default. */
export interface SimulatedRigWishes {
  readonly profile: KernelProfile | null;
  readonly topology: TopologyName | null;
  readonly pace: Pace;
  readonly seed: number;
  /** Milliseconds since 1970 at virtual time 0. */
  readonly wallStart: number;
  readonly ackTimeout: Microseconds | null;
}

export const openSimulatedRig = (wishes: SimulatedRigWishes): SimulatedRig => {
  const profile = wishes.profile ?? profiles[defaultProfile];
  return new SimulatedRig({
    profile,
    topology: topologies[wishes.topology ?? profile.topology],
    pace: wishes.pace,
    seed: wishes.seed,
    wallStart: wishes.wallStart,
    ...(wishes.ackTimeout === null ? {} : { ackTimeout: wishes.ackTimeout }),
  });
};
