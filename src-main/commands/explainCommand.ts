import type { Command } from 'commander';
import { explain } from '../core/explain/explain.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { styled, writeJson } from './output.ts';

const run = (context: CommandContext, text: string, json: boolean): ExitCode => {
  const found = explain(text);
  if (!found.ok) return fail(context, found.error, json);
  const { streams } = context;
  for (const explanation of found.value) {
    if (json) {
      writeJson(streams, { type: 'explanation', ...explanation });
      continue;
    }
    const { title, whatHappened, why, whatToDo, source } = explanation;
    streams.out(
      `${styled(streams, 'bold', title)}\n  What happened  ${whatHappened}\n  Why            ${why}\n  What to do     ${whatToDo}\n`,
    );
    streams.out(source === undefined ? '\n' : `  Source         ${source}\n\n`);
  }
  return exitCode.asExpected;
};

export const addExplainCommand = (program: Command, context: CommandContext): void => {
  program
    .command('explain')
    .description('what a code, an errno, a phase or a return code means here, and what to do')
    .argument('<code>', 'EAGAIN, 11, ackTooLate, awaitingAck, NEED_RESET, MALF_TLP, 0x4 …')
    .option('--json', 'one JSON object for each meaning')
    .action((text: string, options: { json?: boolean }) =>
      finish(context, () => run(context, text, options.json === true)),
    );
};
