import { processStreams } from './commands/processStreams.ts';
import { runCommandLine } from './commands/program.ts';

/** The door of the command line: `rbench`, the twin of every button of the console. */
process.exitCode = await runCommandLine(process.argv.slice(2), processStreams(), process.env, Date.now);
