import { missingCase } from '../core/exhaustive.ts';
import { failure, success, type BenchError, type Result } from '../core/result.ts';
import { profiles } from '../rigs/simulated/kernel/profile.ts';
import { loadScenario, scenarioNames, type Scenario } from '../scenarios/load.ts';
import { exitCode, exitCodeOf, type ExitCode } from './exit.ts';
import { reportError, styled, writeJson, type Streams } from './output.ts';
import { scenarioDirectory } from './places.ts';
import { playScenario, type PlayOptions } from './playScenario.ts';
import type { RigName } from './rigName.ts';
import { formatVirtualRigName } from '../rigs/virtual/virtualRigName.ts';
import { checkWrittenFor, bootForScenario, imageOf } from './virtualRigs.ts';

/** A scenario on a rig, or why it is not played there. */
type Planned =
  | { readonly kind: 'play'; readonly rig: RigName }
  | { readonly kind: 'skip'; readonly rig: string; readonly error: BenchError };

type Plan = (scenario: Scenario) => readonly Planned[];

/** On every profile that a scenario names, or on the one that is wanted where it is among them. */
const simulatedPlan =
  (rig: Extract<RigName, { kind: 'simulated' }>): Plan =>
  ({ needs }) =>
    needs.profiles
      .filter((name) => rig.profile === null || rig.profile.name === name)
      .map((name) => ({ kind: 'play', rig: { ...rig, profile: profiles[name] } }));

/** In a guest of its own each, where the guest's kernel is one that it is written for and the guest can do its steps. */
const guestPlan = async (
  rig: Extract<RigName, { kind: 'virtual' }>,
  { environment, ackTimeout }: PlayOptions,
): Promise<Result<Plan>> => {
  const { wanted } = rig;
  const image = await imageOf(wanted, environment);
  if (!image.ok) return image;
  const { release } = image.value.manifest;
  return success((scenario) => {
    const boot = bootForScenario(scenario, wanted, release, ackTimeout);
    const fits = boot.ok ? checkWrittenFor(scenario, release) : boot;
    return fits.ok
      ? [{ kind: 'play', rig }]
      : [{ kind: 'skip', rig: formatVirtualRigName(wanted), error: fits.error }];
  });
};

const planFor = async (options: PlayOptions): Promise<Result<Plan>> => {
  const { rig } = options;
  switch (rig.kind) {
    case 'simulated':
      return success(simulatedPlan(rig));
    case 'virtual':
      return guestPlan(rig, options);
    case 'local':
    case 'remote':
    case 'ssh':
      return failure(
        'malformedInput',
        '--all is for simulated and virtual rigs; on another machine name one scenario after the other.',
      );
    default:
      return missingCase(rig);
  }
};

const tellSkipped = (
  streams: Streams,
  { name }: Scenario,
  { rig, error }: Extract<Planned, { kind: 'skip' }>,
  json: boolean,
): void => {
  if (json) writeJson(streams, { type: 'notPlayed', scenario: name, rig, error });
  else streams.out(`${styled(streams, 'dim', 'not played')}  ${name.padEnd(34)} ${error.message}\n`);
};

/** Plays what fits the rig, one after the other, and names what does not. `now`: milliseconds since 1970. */
export const playAllScenarios = async (
  options: PlayOptions,
  now: () => number,
  streams: Streams,
): Promise<ExitCode> => {
  const { json } = options;
  const refuse = (error: BenchError): ExitCode => {
    reportError(streams, error, json);
    return exitCodeOf(error);
  };
  const plan = await planFor(options);
  if (!plan.ok) return refuse(plan.error);
  let exit: ExitCode = exitCode.asExpected;
  const count = { played: 0, failed: 0, skipped: 0 };
  for (const name of scenarioNames(scenarioDirectory())) {
    const scenario = loadScenario(scenarioDirectory(), name);
    if (!scenario.ok) return refuse(scenario.error);
    for (const planned of plan.value(scenario.value)) {
      if (planned.kind === 'skip') {
        count.skipped += 1;
        tellSkipped(streams, scenario.value, planned, json);
        continue;
      }
      const result = await playScenario(
        scenario.value,
        { ...options, rig: planned.rig, wallStart: now(), quiet: true },
        streams,
      );
      // Where nothing can be recorded the next scenario cannot be played either.
      if (result === exitCode.rigTrouble) return result;
      count.played += 1;
      if (result !== exitCode.asExpected) count.failed += 1;
      if (result > exit) exit = result;
    }
  }
  const skipped = count.skipped === 0 ? '' : `, ${count.skipped} not played`;
  if (!json) streams.out(`\n${count.played - count.failed} passed, ${count.failed} failed${skipped}\n`);
  return exit;
};
