import { exitCode, type ExitCode } from './commands/exit.ts';
import { packageRoot } from './commands/places.ts';
import { processStreams } from './commands/processStreams.ts';
import { runCommandLine } from './commands/program.ts';
import { build, buildState } from './door/builtPage.ts';
import { fetchRuntime, findRuntime, windowTrouble } from './door/electronRuntime.ts';
import { runElectron } from './door/runElectron.ts';

/**
 * What `npm start` runs: the console in a window of its own, and where that cannot be, in a browser. `--browser` asks
 * for the browser at once. Other words go to Electron, or to `rbench serve`.
 */

const streams = processStreams();
const root = packageRoot();
const all = process.argv.slice(2);
const words = all.filter((word) => word !== '--browser');

/** The runtime has about 120 MB. */
const fetchPatience = 300_000;

const serve = (why: string): Promise<ExitCode> => {
  streams.err(`${why}${why === '' ? '' : ' '}The console is served to a browser on this machine.\n`);
  const forServe = words.filter((word) => word !== '--no-sandbox');
  return runCommandLine(['serve', ...forServe], streams, process.env, Date.now);
};

/** The runtime, fetched when it is not there, or why there is none. */
const provideRuntime = async (): Promise<{ readonly runtime: string } | { readonly why: string }> => {
  const there = findRuntime(root, process.env);
  if (there !== null) return { runtime: there };
  if ((process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '') !== '') {
    return { why: 'There is no Electron runtime where ELECTRON_OVERRIDE_DIST_PATH points.' };
  }
  streams.err('Fetching Electron’s runtime, once …\n');
  const fetched = await fetchRuntime(root, fetchPatience);
  if (!fetched.ok) return { why: fetched.error.message };
  const runtime = findRuntime(root, process.env);
  return runtime === null ? { why: 'Electron’s runtime was fetched and is not there.' } : { runtime };
};

const start = async (): Promise<ExitCode> => {
  if (buildState(root) !== 'fresh') {
    streams.err('Building the console …\n');
    const built = await build(root);
    if (!built.ok) {
      streams.err(`${built.error.message}\n`);
      return exitCode.rigTrouble;
    }
  }
  if (all.includes('--browser')) return serve('');
  const { platform, env } = process;
  const trouble = windowTrouble({ platform, environment: env, userId: process.getuid?.() ?? null, words });
  if (trouble !== null) return serve(trouble);
  const provided = await provideRuntime();
  if ('why' in provided) return serve(provided.why);
  const ended = await runElectron(provided.runtime, [root, ...words], env);
  switch (ended.kind) {
    case 'closed':
      return exitCode.asExpected;
    case 'stillborn':
      return serve(`Electron does not start here (${ended.why}).`);
    case 'crashed':
      streams.err(`Electron crashed: ${ended.why}.\n`);
      return exitCode.rigTrouble;
  }
};

process.exitCode = await start();
