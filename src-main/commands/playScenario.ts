import type { BenchError } from '../core/result.ts';
import type { Scenario } from '../scenarios/load.ts';
import { checkOffer } from '../scenarios/offer.ts';
import { ScenarioPlayer, type ScenarioResult } from '../scenarios/player.ts';
import { simulatedTricks } from '../scenarios/tricks.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import type { KernelProfile } from '../rigs/simulated/kernel/profile.ts';
import { profiles } from '../rigs/simulated/kernel/profile.ts';
import { openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import type { Pace } from '../rigs/simulated/simulatedClock.ts';
import { exitCode, exitCodeOf, type ExitCode } from './exit.ts';
import { reportError, styled, writeJson, type Streams } from './output.ts';
import { beginRun } from './run.ts';

export interface PlayOptions {
  /** null: the first profile that the scenario names. */
  readonly profile: KernelProfile | null;
  readonly pace: Pace;
  readonly seed: number;
  readonly wallStart: number;
  readonly runs: string | null;
  readonly json: boolean;
  readonly quiet: boolean;
}

const exitOf = (result: ScenarioResult, trouble: BenchError | null): ExitCode => {
  if (trouble !== null) return exitCodeOf(trouble);
  if (result.passed) return exitCode.asExpected;
  const error = result.failedStep?.error;
  return error?.code === 'protocolUnavailable' ||
    error?.code === 'journalUnwritable' ||
    error?.code === 'unknownAddress'
    ? exitCodeOf(error)
    : exitCode.expectationFailed;
};

/** Plays one scenario from its first step to its end on a fresh rig, and says how it went in the last line. */
export const playScenario = async (
  scenario: Scenario,
  options: PlayOptions,
  streams: Streams,
): Promise<ExitCode> => {
  const { needs, name, title } = scenario;
  const [preferred] = needs.profiles;
  const rig = openSimulatedRig({
    profile: options.profile ?? (preferred === undefined ? null : profiles[preferred]),
    // A rig of another platform keeps its own devices: the scenario then finds that its protocol is not there.
    topology: topologies[needs.topology],
    pace: options.pace,
    seed: options.seed,
    wallStart: options.wallStart,
    ackTimeout: needs.ackTimeout ?? null,
  });
  const { json, quiet, runs, seed } = options;
  const offered = await checkOffer(scenario, rig);
  if (!offered.ok) {
    await rig.close();
    return reportError(streams, offered.error, json);
  }
  const begun = beginRun(rig, { runs, json, seed, scenario: name, quiet }, streams);
  if (!begun.ok) return reportError(streams, begun.error, json);
  const run = begun.value;
  if (!json && !quiet) streams.out(`${styled(streams, 'bold', title)}\n${rig.info.title}\n\n`);
  const player = new ScenarioPlayer(scenario, rig, run.recorder, simulatedTricks(rig));
  const result = await player.play();
  const duration = rig.clock.now();
  player.dispose();
  const ended = run.end(result.passed ? 'passed' : 'failed');
  await rig.close();
  const trouble = run.recorder.trouble ?? (ended.ok ? null : ended.error);
  const exit = exitOf(result, trouble);
  const { failedStep, passed, outcome, trace, devices } = result;
  if (json) {
    writeJson(streams, {
      type: 'result',
      scenario: name,
      rig: rig.info.name,
      passed,
      outcome,
      trace,
      devices,
      failedStep,
      duration,
      run: run.journal?.run ?? null,
    });
  } else {
    const verdict = passed ? styled(streams, 'green', 'passed') : styled(streams, 'red', 'FAILED');
    const where = run.journal === null ? '' : `run ${run.journal.run}\n`;
    streams.out(
      quiet
        ? `${verdict}  ${name.padEnd(34)} ${rig.info.name.padEnd(28)} ${outcome ?? 'no recovery'}\n`
        : `\n${where}${trace.join(' > ') || 'no phases'}\n${verdict}: ${outcome ?? 'no recovery'}\n`,
    );
  }
  if (trouble !== null) {
    reportError(streams, trouble, json);
  } else if (failedStep !== null && !json) {
    streams.err(
      `rbench: ${name}, step ${failedStep.number} (${failedStep.text}): ${failedStep.detail ?? 'failed'}\n`,
    );
  }
  return exit;
};
