import { Command, CommanderError } from 'commander';
import { failure, type BenchError } from '../core/result.ts';
import type { CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { addExplainCommand } from './explainCommand.ts';
import { addConfigCommands } from './configCommands.ts';
import { addInjectCommand } from './injectCommand.ts';
import { addJournalCommands } from './journalCommands.ts';
import { reportError, type Streams } from './output.ts';
import { addPlatformCommand } from './platformCommand.ts';
import { benchVersion } from './places.ts';
import { addRestoreCommands } from './restoreCommands.ts';
import { addRigCommands } from './rigCommands.ts';
import { addRigImageCommands } from './rigImageCommands.ts';
import { addScenarioCommands } from './scenarioCommands.ts';
import { addServeCommand } from './serveCommand.ts';

const epilogue = `
Exit codes: 0 as expected, 1 an expectation failed, 2 usage, 3 trouble with the rig or the journal.
Runs are recorded in $RECOVERY_BENCH_RUNS, or ~/.local/state/recovery-bench/runs.`;

/** Errors of commander that are no errors: help and version were asked for. */
const asked = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** Commands inherit these settings only if each is told. */
const settle = (command: Command, streams: Streams): void => {
  command.exitOverride();
  // The error itself is said by `usageError`, in one sentence and in JSON where that was asked for.
  command.configureOutput({ writeOut: streams.out, writeErr: streams.err, outputError: () => undefined });
  for (const child of command.commands) settle(child, streams);
};

/** Commander's "error: unknown option '--x'\n(Did you mean …?)" as one sentence. */
const usageError = (thrown: CommanderError): BenchError => {
  const text = thrown.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const sentence = /[.?)]$/.test(text) ? text : `${text}.`;
  return failure(
    'malformedInput',
    `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)} "--help" says more.`,
  ).error;
};

/** Runs one command line (without node and script) and answers its exit code. Nothing here ends the process. */
export const runCommandLine = async (
  words: readonly string[],
  streams: Streams,
  environment: NodeJS.ProcessEnv,
  now: () => number,
): Promise<ExitCode> => {
  const context: CommandContext = { streams, environment, now, exit: exitCode.asExpected };
  const program = new Command('rbench')
    .description('Recovery Bench: PCI error recovery through VFIO, step by step')
    .version(benchVersion())
    .addHelpText('after', epilogue);
  addRigCommands(program, context);
  addRigImageCommands(program, context);
  addInjectCommand(program, context);
  addPlatformCommand(program, context);
  addScenarioCommands(program, context);
  addJournalCommands(program, context);
  addRestoreCommands(program, context);
  addConfigCommands(program, context);
  addExplainCommand(program, context);
  addServeCommand(program, context);
  settle(program, streams);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // A group without its command prints its help as an error (exit code 1 of "commander.help").
    if (asked.has(thrown.code)) return thrown.exitCode === 0 ? exitCode.asExpected : exitCode.usage;
    return reportError(streams, usageError(thrown), words.includes('--json'));
  }
  return context.exit;
};
