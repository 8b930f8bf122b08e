import type { Command } from 'commander';
import { failure, success } from '../core/result.ts';
import { parseDuration } from '../scenarios/duration.ts';
import { loadScenario, scenarioNames, type Scenario } from '../scenarios/load.ts';
import {
  fail,
  finish,
  parseRigOptions,
  agreementOf,
  withRigOptions,
  type CommandContext,
  type RigOptions,
} from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { table, writeJson } from './output.ts';
import { scenarioDirectory } from './places.ts';
import { playAllScenarios } from './playAllScenarios.ts';
import { playScenario } from './playScenario.ts';

const summaryOf = (scenario: Scenario) => ({
  name: scenario.name,
  title: scenario.title,
  seed: scenario.seed,
  protocol: scenario.needs.protocol,
  profiles: scenario.needs.profiles,
  topology: scenario.needs.topology,
  device: scenario.device,
  steps: scenario.steps.length,
});

const list = (context: CommandContext, json: boolean): ExitCode => {
  const rows: string[][] = [];
  let exit: ExitCode = exitCode.asExpected;
  for (const name of scenarioNames(scenarioDirectory())) {
    const scenario = loadScenario(scenarioDirectory(), name);
    if (!scenario.ok) {
      exit = fail(context, scenario.error, json);
      continue;
    }
    const summary = summaryOf(scenario.value);
    if (json) writeJson(context.streams, { type: 'scenario', ...summary });
    else rows.push([name, String(summary.seed), summary.protocol, summary.profiles.join(' '), summary.title]);
  }
  if (!json) context.streams.out(table(['name', 'seed', 'protocol', 'profiles', 'title'], rows));
  return exit;
};

const show = (context: CommandContext, name: string, json: boolean): ExitCode => {
  const scenario = loadScenario(scenarioDirectory(), name);
  if (!scenario.ok) return fail(context, scenario.error, json);
  const { title, story, needs, device, lines } = scenario.value;
  if (json) {
    writeJson(context.streams, { type: 'scenario', ...summaryOf(scenario.value), story, lines });
    return exitCode.asExpected;
  }
  const numbered = lines.map((line, index) => `${String(index + 1).padStart(4)}  ${line}`).join('\n');
  context.streams.out(
    `${title}\n\n${story.trim()}\n\nneeds   ${needs.protocol} on ${needs.profiles.join(', ')}, topology ${needs.topology}\ndevice  ${device}\n\n${numbered}\n`,
  );
  return exitCode.asExpected;
};

interface ScenarioRunOptions extends RigOptions {
  readonly all?: boolean;
  readonly ackTimeout?: string;
}

/** What playing needs of the options and of the world. */
const wishesOf = (context: CommandContext, options: ScenarioRunOptions) => {
  const parsed = parseRigOptions(context, options);
  if (!parsed.ok) return parsed;
  const { ackTimeout: text } = options;
  const ackTimeout = text === undefined ? null : parseDuration(text);
  if (text !== undefined && (ackTimeout === null || ackTimeout < 1_000)) {
    return failure(
      'malformedInput',
      `"${text}" is no duration from a millisecond on; write 200ms, 5s or 2m.`,
    );
  }
  return success({
    ...parsed.value,
    ackTimeout,
    environment: context.environment,
    wallStart: context.now(),
    onProgress: (line: string) => context.streams.err(`${line}\n`),
    agree: agreementOf(context.streams, options),
  });
};

const playAll = async (context: CommandContext, options: ScenarioRunOptions): Promise<ExitCode> => {
  const parsed = wishesOf(context, options);
  return parsed.ok
    ? playAllScenarios({ ...parsed.value, quiet: true }, () => context.now(), context.streams)
    : fail(context, parsed.error, options.json === true);
};

const playOne = async (
  context: CommandContext,
  name: string,
  options: ScenarioRunOptions,
): Promise<ExitCode> => {
  const parsed = wishesOf(context, options);
  if (!parsed.ok) return fail(context, parsed.error, options.json === true);
  const scenario = loadScenario(scenarioDirectory(), name);
  if (!scenario.ok) return fail(context, scenario.error, parsed.value.json);
  return playScenario(scenario.value, { ...parsed.value, quiet: false }, context.streams);
};

export const addScenarioCommands = (program: Command, context: CommandContext): void => {
  const scenario = program
    .command('scenario')
    .description('play the stories of the four threads, or your own');
  scenario
    .command('list')
    .description('name the scenarios, what each needs and shows')
    .option('--json', 'one JSON object a line')
    .action((options: { json?: boolean }) => finish(context, () => list(context, options.json === true)));
  scenario
    .command('show')
    .description('the story of a scenario and its steps')
    .argument('<name>', 'a name from "scenario list", or the path of a .yaml file')
    .option('--json', 'one JSON object')
    .action((name: string, options: { json?: boolean }) =>
      finish(context, () => show(context, name, options.json === true)),
    );
  withRigOptions(
    scenario
      .command('run')
      .description('play a scenario to its end; exits 1 when something is not as expected')
      .argument('[name]', 'a name from "scenario list", or the path of a .yaml file')
      .option(
        '--ack-timeout <duration>',
        'how long the kernel waits for an ack, instead of what the scenario says',
      )
      .option('--all', 'play every scenario on every profile that it names, or what fits --rig, guests too'),
  ).action((name: string | undefined, options: ScenarioRunOptions) =>
    finish(context, () => {
      if ((name === undefined) === (options.all !== true)) {
        const message = 'Name one scenario, or ask for all of them with --all.';
        return fail(context, { code: 'malformedInput', message }, options.json === true);
      }
      return name === undefined ? playAll(context, options) : playOne(context, name, options);
    }),
  );
};
