import { success, type Result } from '../core/result.ts';
import type { Rig } from '../rigs/rig.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { profiles } from '../rigs/simulated/kernel/profile.ts';
import { openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import type { Pace } from '../rigs/simulated/simulatedClock.ts';
import type { Scenario } from '../scenarios/load.ts';
import { simulatedTricks, type RigTricks } from '../scenarios/tricks.ts';
import type { RigName } from './rigName.ts';

export interface RigWishes {
  readonly rig: RigName;
  readonly pace: Pace;
  readonly seed: number;
  /** Milliseconds since 1970 at virtual time 0. */
  readonly wallStart: number;
}

export interface ScenarioRig {
  readonly rig: Rig;
  readonly tricks: RigTricks;
}

/** A rig of its own for one scenario, with the devices and the time-out that the scenario needs. */
export const openScenarioRig = async (
  { needs }: Scenario,
  { rig: name, pace, seed, wallStart }: RigWishes,
): Promise<Result<ScenarioRig>> => {
  const [preferred] = needs.profiles;
  const rig = openSimulatedRig({
    profile: name.profile ?? (preferred === undefined ? null : profiles[preferred]),
    // A rig of another platform keeps its own devices: the scenario then finds that its protocol is not there.
    topology: topologies[needs.topology],
    pace,
    seed,
    wallStart,
    ackTimeout: needs.ackTimeout ?? null,
  });
  return success({ rig, tricks: simulatedTricks(rig) });
};
