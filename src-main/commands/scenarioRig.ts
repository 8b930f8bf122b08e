import { missingCase } from '../core/exhaustive.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { openRig, type OpenedRig } from '../rigs/opening/openRig.ts';
import type { Rig } from '../rigs/rig.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { profiles } from '../rigs/simulated/kernel/profile.ts';
import { openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import type { Pace } from '../rigs/simulated/simulatedClock.ts';
import { VirtualRig } from '../rigs/virtual/virtualRig.ts';
import type { Scenario } from '../scenarios/load.ts';
import { noTricks, simulatedTricks, virtualTricks, type RigTricks } from '../scenarios/tricks.ts';
import type { KernelTraceWish } from './context.ts';
import { commandNeeds } from './openRig.ts';
import type { Ask } from './output.ts';
import type { RigName } from './rigName.ts';
import { bootForScenario, imageOf } from './virtualRigs.ts';

export interface RigWishes {
  readonly rig: RigName;
  readonly pace: Pace;
  readonly seed: number;
  /** Milliseconds since 1970 at virtual time 0. */
  readonly wallStart: number;
  /** Instead of the scenario's and the kernel's; null leaves it to them. */
  readonly ackTimeout: Microseconds | null;
  readonly environment: NodeJS.ProcessEnv;
  /** One short line for each thing that takes time, and what a far end says. */
  readonly onProgress: (text: string) => void;
  /** Asks whether the agent may be copied to another machine; null: nobody is there to be asked. */
  readonly agree: Ask | null;
  readonly kernelTrace: KernelTraceWish;
}

export interface ScenarioRig {
  readonly rig: Rig;
  readonly tricks: RigTricks;
}

type Named<Kind extends RigName['kind']> = Extract<RigName, { kind: Kind }>;

const openSimulated = (
  { needs }: Scenario,
  { profile }: Named<'simulated'>,
  wishes: RigWishes,
): ScenarioRig => {
  const [preferred] = needs.profiles;
  const { pace, seed, wallStart } = wishes;
  const rig = openSimulatedRig({
    profile: profile ?? (preferred === undefined ? null : profiles[preferred]),
    // A rig of another platform keeps its own devices: the scenario then finds that its protocol is not there.
    topology: topologies[needs.topology],
    pace,
    seed,
    wallStart,
    ackTimeout: wishes.ackTimeout ?? needs.ackTimeout ?? null,
  });
  return { rig, tricks: simulatedTricks(rig) };
};

/** What a scenario cannot be played on is refused before the guest is booted. */
const openGuest = async (
  scenario: Scenario,
  { wanted }: Named<'virtual'>,
  { ackTimeout, environment, onProgress, agree, kernelTrace }: RigWishes,
): Promise<Result<OpenedRig>> => {
  const image = await imageOf(wanted, environment);
  if (!image.ok) return image;
  const boot = bootForScenario(scenario, wanted, image.value.manifest.release, ackTimeout);
  if (!boot.ok) return boot;
  const { topology, driver, moduleParameters } = boot.value;
  return openRig(
    { kind: 'virtual', name: { ...wanted, topology }, driver, moduleParameters },
    { ...commandNeeds(environment, onProgress, agree, kernelTrace), onProgress },
  );
};

const realRig = (opened: Result<OpenedRig>): Result<ScenarioRig> => {
  if (!opened.ok) return opened;
  const { rig } = opened.value;
  return success({ rig, tricks: rig instanceof VirtualRig ? virtualTricks(rig) : noTricks(rig) });
};

/** A rig of its own for one scenario, with the devices and the time-out that the scenario needs. */
export const openScenarioRig = async (
  scenario: Scenario,
  wishes: RigWishes,
): Promise<Result<ScenarioRig>> => {
  const { rig: name, ackTimeout, environment, onProgress, agree, kernelTrace } = wishes;
  switch (name.kind) {
    case 'simulated':
      return success(openSimulated(scenario, name, wishes));
    case 'virtual':
      return realRig(await openGuest(scenario, name, wishes));
    case 'local':
    case 'remote':
    case 'ssh':
      // Its devices and its kernel's time-out are what they are; `checkOffer` looks at them.
      return ackTimeout === null
        ? realRig(
            await openRig(name, { ...commandNeeds(environment, onProgress, agree, kernelTrace), onProgress }),
          )
        : failure(
            'malformedInput',
            'The time-out of a real kernel is set there, with ack_timeout_ms of its driver.',
          );
    default:
      return missingCase(name);
  }
};
