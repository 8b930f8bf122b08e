import type { BenchError } from '../core/result.ts';
import type { Scenario } from '../scenarios/load.ts';
import { checkOffer } from '../scenarios/offer.ts';
import { ScenarioPlayer, type ScenarioResult } from '../scenarios/player.ts';
import { exitCode, exitCodeOf, type ExitCode } from './exit.ts';
import { reportError, styled, writeJson, type Streams } from './output.ts';
import { seedOf } from './openRig.ts';
import { beginRun } from './run.ts';
import { openScenarioRig, type RigWishes } from './scenarioRig.ts';

export interface PlayOptions extends RigWishes {
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
  const { name, title } = scenario;
  const { json, quiet, runs, seed } = options;
  const opened = await openScenarioRig(scenario, options);
  if (!opened.ok) return reportError(streams, opened.error, json);
  const { rig, tricks } = opened.value;
  const offered = await checkOffer(scenario, rig);
  if (!offered.ok) {
    await rig.close();
    return reportError(streams, offered.error, json);
  }
  const begun = beginRun(
    rig,
    { runs, json, seed: seedOf(options.rig, seed), scenario: name, quiet },
    streams,
  );
  if (!begun.ok) {
    await rig.close();
    return reportError(streams, begun.error, json);
  }
  const run = begun.value;
  if (!json && !quiet) streams.out(`${styled(streams, 'bold', title)}\n${rig.info.title}\n\n`);
  const player = new ScenarioPlayer(scenario, rig, run.recorder, tricks);
  const start = rig.clock.now();
  const result = await player.play();
  const duration = rig.clock.now() - start;
  player.dispose();
  const ended = await run.end(result.passed ? 'passed' : 'failed');
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
