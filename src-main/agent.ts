import manifest from '../package.json' with { type: 'json' };
import { runAgent } from './agent/run.ts';

/** The door of a rig's machine: serves its devices to a bench elsewhere. Bundled to one file, `out/agent/agent.mjs`. */
process.exit(await runAgent(process.argv.slice(2), manifest.version));
