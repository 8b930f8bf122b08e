import { failure, success, type Result } from '../../core/result.ts';
import { topologies } from '../../rigs/simulated/hardware/topologies.ts';
import { profileNamed, profiles } from '../../rigs/simulated/kernel/profile.ts';
import { checkPlatform } from '../../rigs/simulated/openSimulatedRig.ts';
import { loadScenario, scenarioNames, type Scenario } from '../../scenarios/load.ts';
import type { Bench } from '../bench.ts';
import type { HeldRig } from '../heldRig.ts';
import { summaryOf, type ScenarioPlay } from '../scenarioPlay.ts';
import type { HandlersOf } from './handler.ts';
import { simulatedWish } from './wishes.ts';

/** By name only: a path would let the page have files read. */
const find = (bench: Bench, name: string): Result<Scenario> => {
  const { scenarios } = bench.options;
  return scenarioNames(scenarios).includes(name)
    ? loadScenario(scenarios, name)
    : failure('unknownScenario', `There is no scenario ${JSON.stringify(name)}.`);
};

const playOn = (bench: Bench, rig: string): Result<{ held: HeldRig; play: ScenarioPlay }> => {
  const held = bench.rig(rig);
  if (!held.ok) return held;
  const { play } = held.value;
  return play === null
    ? failure('notSupported', `No scenario is played on ${rig}.`)
    : success({ held: held.value, play });
};

export const scenarioCommands: HandlersOf<
  'scenarios' | 'scenario' | 'startScenario' | 'stepScenario' | 'stopScenario'
> = {
  scenarios: async (_input, { bench }) => {
    const { scenarios } = bench.options;
    const read = scenarioNames(scenarios).map((name) => ({ name, scenario: loadScenario(scenarios, name) }));
    return success({
      scenarios: read.flatMap(({ scenario }) => (scenario.ok ? [summaryOf(scenario.value)] : [])),
      unreadable: read.flatMap(({ name, scenario }) =>
        scenario.ok ? [] : [{ name, message: scenario.error.message }],
      ),
    });
  },

  scenario: async ({ name }, { bench }) => {
    const scenario = find(bench, name);
    return scenario.ok ? success(summaryOf(scenario.value)) : scenario;
  },

  startScenario: async ({ name, profile: wanted }, { bench }) => {
    const scenario = find(bench, name);
    if (!scenario.ok) return scenario;
    const { needs } = scenario.value;
    const [preferred] = needs.profiles;
    const profile =
      wanted === null && preferred !== undefined ? success(profiles[preferred]) : profileNamed(wanted ?? '');
    if (!profile.ok) return profile;
    const fits = checkPlatform(profile.value, topologies[needs.topology]);
    if (!fits.ok) return fits;
    return bench.add({
      wish: simulatedWish(bench, {
        profile: profile.value,
        topology: topologies[needs.topology],
        seed: 1,
        ackTimeout: needs.ackTimeout ?? null,
      }),
      scenario: scenario.value,
    });
  },

  stepScenario: async ({ rig }, { bench }) => {
    const found = playOn(bench, rig);
    return found.ok ? found.value.play.step() : found;
  },

  // The rig was made for this scenario and goes with it, also in the middle of a wait.
  stopScenario: async ({ rig }, { bench }) => {
    const found = playOn(bench, rig);
    if (!found.ok) return found;
    await bench.remove(found.value.held, found.value.play.outcome());
    return success(undefined);
  },
};
