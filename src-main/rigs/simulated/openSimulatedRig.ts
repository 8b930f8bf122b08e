import type { Microseconds } from '../../core/recovery/phase.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { manyFunctions, topologies, type TopologyName } from './hardware/topologies.ts';
import type { Topology } from './hardware/topology.ts';
import { defaultProfile, profiles, type KernelProfile } from './kernel/profile.ts';
import type { Pace } from './simulatedClock.ts';
import { SimulatedRig } from './simulatedRig.ts';

/** The most functions that a name may ask for. */
const mostFunctions = 20_000;

/** A topology by name; `many-10000` is one of that many functions, each below a port of its own. */
export const findTopology = (name: string): Result<Topology> => {
  if (Object.hasOwn(topologies, name)) return success(topologies[name as TopologyName]);
  const count = Number(/^many-([1-9]\d{0,4})$/.exec(name)?.[1] ?? 0);
  if (count > 0 && count <= mostFunctions) return success(manyFunctions(count));
  return failure(
    'malformedInput',
    `There is no topology ${JSON.stringify(name.slice(0, 40))}; there are ${Object.keys(topologies).join(', ')}.`,
  );
};

/** A kernel cannot run on the devices of another platform. */
export const checkPlatform = (profile: KernelProfile, topology: Topology): Result<void> =>
  topology.platform === profile.platform
    ? done
    : failure(
        'malformedInput',
        `The devices of the topology "${topology.name}" are of another platform than simulated:${profile.name}.`,
      );

/** null: what the profile says, or the default. */
export interface SimulatedRigWishes {
  readonly profile: KernelProfile | null;
  readonly topology: Topology | null;
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
    topology: wishes.topology ?? topologies[profile.topology],
    pace: wishes.pace,
    seed: wishes.seed,
    wallStart: wishes.wallStart,
    ...(wishes.ackTimeout === null ? {} : { ackTimeout: wishes.ackTimeout }),
  });
};
