import { runCommandLine } from './commands/program.ts';

// `rbench … | head -1` closes the pipe early: nobody reads on, but the run goes on to its end and is recorded whole.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EPIPE') throw thrown;
  });
}

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
