import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles, type ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import { loadScenario, parseScenario, scenarioNames, type Scenario } from '../../src-main/scenarios/load.ts';
import { ScenarioPlayer, type ScenarioResult } from '../../src-main/scenarios/player.ts';
import { simulatedTricks } from '../../src-main/scenarios/tricks.ts';

export const directory = join(import.meta.dirname, '../../resources/scenarios');
export const names = scenarioNames(directory);

export const scenarioOf = (name: string): Scenario => {
  const scenario = loadScenario(directory, name);
  if (!scenario.ok) throw new Error(scenario.error.message);
  return scenario.value;
};

export interface Played extends ScenarioResult {
  readonly lines: readonly JournalLine[];
}

/** Plays a scenario to its end on a fresh rig; nothing is recorded on a disk. */
export const play = async (scenario: Scenario, profile: ProfileName, seed = 1): Promise<Played> => {
  const { topology, ackTimeout } = scenario.needs;
  const rig = new SimulatedRig({
    profile: profiles[profile],
    topology: topologies[topology],
    pace: { kind: 'unbounded' },
    seed,
    wallStart: 0,
    ...(ackTimeout === undefined ? {} : { ackTimeout }),
  });
  const recorder = new Recorder(rig.clock, null);
  const lines: JournalLine[] = [];
  recorder.watch((line) => lines.push(line));
  const player = new ScenarioPlayer(scenario, rig, recorder, simulatedTricks(rig));
  const result = await player.play();
  player.dispose();
  await rig.close();
  return { ...result, lines };
};

/** A step as it is written: `prove`, or `{ ack: { reason: … } }`. */
export type WrittenStep = string | Readonly<Record<string, unknown>>;

interface Written {
  readonly steps: readonly WrittenStep[];
}

export const writtenSteps = (name: string): readonly WrittenStep[] =>
  (parse(readFileSync(join(directory, `${name}.yaml`), 'utf8')) as Written).steps;

/** The scenario's file with other steps. */
export const rewritten = (name: string, steps: readonly WrittenStep[]): string => {
  const written = parse(readFileSync(join(directory, `${name}.yaml`), 'utf8')) as Written;
  return stringify({ ...written, steps });
};

/** The same scenario with other steps. */
export const withSteps = (name: string, steps: readonly WrittenStep[]): Scenario => {
  const scenario = parseScenario(name, rewritten(name, steps));
  if (!scenario.ok) throw new Error(scenario.error.message);
  return scenario.value;
};

/** The profile on which a scenario is played when none is named. */
export const firstProfile = (scenario: Scenario): ProfileName => {
  const [first] = scenario.needs.profiles;
  if (first === undefined) throw new Error(`${scenario.name} names no profile.`);
  return first;
};
