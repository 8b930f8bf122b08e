import { processStreams } from './commands/processStreams.ts';
import { runCommandLine } from './commands/program.ts';

/** The door of the console in a browser: what `rbench serve` does. */
process.exitCode = await runCommandLine(
  ['serve', ...process.argv.slice(2)],
  processStreams(),
  process.env,
  Date.now,
);
