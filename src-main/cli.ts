import { runCommandLine } from './commands/program.ts';

/** The door of the command line: `rbench`, the twin of every button of the console. */
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  },
  process.env,
  Date.now,
);
