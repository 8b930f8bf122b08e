import { resolve } from 'node:path';
import { exitCode, type ExitCode } from './commands/exit.ts';
import { reportError } from './commands/output.ts';
import { packageRoot } from './commands/places.ts';
import { processStreams } from './commands/processStreams.ts';
import { build, buildState } from './door/builtPage.ts';
import { fetchRuntime, findRuntime, windowTrouble } from './door/electronRuntime.ts';
import { runElectron } from './door/runElectron.ts';
import { parseStartWords } from './door/startWords.ts';

/**
 * What `npm start` runs: the console in a window of its own, and where that cannot be, in a browser. door/startWords.ts
 * has the words that it takes.
 */

const streams = processStreams();
const root = packageRoot();

/** The runtime has about 120 MB. */
const fetchPatience = 300_000;

const serve = async (why: string, forServe: readonly string[]): Promise<ExitCode> => {
  streams.err(`${why}${why === '' ? '' : ' '}The console is served to a browser on this machine.\n`);
  // The window does not wait for the command line.
  const { runCommandLine } = await import('./commands/program.ts');
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
  const parsed = parseStartWords(process.argv.slice(2));
  if (!parsed.ok) return reportError(streams, parsed.error, false);
  const { browser, runs, forElectron, forServe } = parsed.value;
  const state = buildState(root);
  if (state !== 'fresh') {
    streams.err('Building the console …\n');
    const built = await build(root);
    if (!built.ok) streams.err(`${built.error.message}\n`);
    if (!built.ok && state === 'missing') return exitCode.rigTrouble;
    if (!built.ok) streams.err('The console that was built before is used.\n');
  }
  if (browser) return serve('', forServe);
  const { platform, env } = process;
  const userId = process.getuid?.() ?? null;
  const trouble = windowTrouble({ platform, environment: env, userId, words: forElectron });
  if (trouble !== null) return serve(trouble, forServe);
  const provided = await provideRuntime();
  if ('why' in provided) return serve(provided.why, forServe);
  const ended = await runElectron(provided.runtime, [root, ...forElectron], {
    ...env,
    ...(runs === null ? {} : { RECOVERY_BENCH_RUNS: resolve(runs) }),
  });
  switch (ended.kind) {
    case 'closed':
      return exitCode.asExpected;
    case 'stillborn':
      return serve(`Electron does not start here (${ended.why}).`, forServe);
    case 'crashed':
      streams.err(`Electron crashed: ${ended.why}.\n`);
      return exitCode.rigTrouble;
  }
};

process.exitCode = await start();
