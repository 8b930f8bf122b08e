import { Command, CommanderError } from 'commander';
import type { CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { addExplainCommand } from './explainCommand.ts';
import { addJournalCommands } from './journalCommands.ts';
import type { Streams } from './output.ts';
import { benchVersion } from './places.ts';
import { addRigCommands } from './rigCommands.ts';
import { addScenarioCommands } from './scenarioCommands.ts';

const epilogue = `
Exit codes: 0 as expected, 1 an expectation failed, 2 usage, 3 trouble with the rig or the journal.
Runs are recorded in $RECOVERY_BENCH_RUNS, or ~/.local/state/recovery-bench/runs.`;

/** Errors of commander that are no errors: help and version were asked for. */
const asked = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** Commands inherit these settings only if each is told. */
const settle = (command: Command, streams: Streams): void => {
  command.exitOverride().showHelpAfterError('(--help says more)');
  command.configureOutput({ writeOut: streams.out, writeErr: streams.err });
  for (const child of command.commands) settle(child, streams);
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
  addScenarioCommands(program, context);
  addJournalCommands(program, context);
  addExplainCommand(program, context);
  settle(program, streams);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return asked.has(thrown.code) &&
      words.length > 0 &&
      !(thrown.code === 'commander.help' && thrown.exitCode !== 0)
      ? exitCode.asExpected
      : exitCode.usage;
  }
  return context.exit;
};
