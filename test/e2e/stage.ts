import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What is made once for all launches. Plain data, so that it can be handed to test workers. */
export interface Stage {
  /** The folder of the runtime's `electron`: the binary, or a script that starts it as another user. */
  readonly runtime: string;
  /** The folder of the runtime itself. */
  readonly dist: string;
  /** The built app: package.json, out/, resources/. */
  readonly app: string;
  readonly display: string;
}

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Who runs Electron when the tests run as root: Chromium's sandbox does not work for root. */
export const unprivileged = { user: 65_534, group: 65_534 } as const;
export const asRoot = process.getuid?.() === 0;

/** The runtime: what ELECTRON_OVERRIDE_DIST_PATH says, or what the package `electron` fetched. */
const findRuntime = (): string => {
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '';
  const runtime = given === '' ? join(root, 'node_modules', 'electron', 'dist') : given;
  if (existsSync(join(runtime, 'electron'))) return runtime;
  throw new Error(
    'There is no Electron runtime: run "npx install-electron", or point ELECTRON_OVERRIDE_DIST_PATH at one.',
  );
};

/**
 * A display of the tests' own. `-ac`: its access is by the socket alone, so that the other user may come in.
 * `-noreset`: otherwise the server starts afresh when its last client leaves, and with that throws out the next app,
 * which may have come in already (Xserver(1)).
 */
const startDisplay = (): Promise<{ readonly process: ChildProcess; readonly display: string }> =>
  new Promise((resolve, reject) => {
    const server = spawn(
      'Xvfb',
      ['-displayfd', '3', '-screen', '0', '1920x1080x24', '-nolisten', 'tcp', '-ac', '-noreset'],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
    );
    server.once('error', () => reject(new Error('Xvfb does not start; install the package xvfb.')));
    server.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}.`)));
    server.stdio[3]?.once('data', (number: Buffer) => {
      resolve({ process: server, display: `:${number.toString().trim()}` });
    });
  });

/** Built into a folder of its own: readable by the other user, and no other build gets in the way. */
export const buildApp = async (): Promise<string> => {
  const app = mkdtempSync(join(tmpdir(), 'recovery-bench-app-'));
  chmodSync(app, 0o755);
  const electronVite = join(root, 'node_modules', '.bin', 'electron-vite');
  await run(electronVite, ['build', '--logLevel', 'error', '--outDir', join(app, 'out')], {
    cwd: root,
  }).catch((cause: unknown) => {
    rmSync(app, { recursive: true, force: true });
    throw cause;
  });
  for (const name of ['package.json', 'resources']) {
    cpSync(join(root, name), join(app, name), { recursive: true });
  }
  await run('chmod', ['-R', 'a+rX', app]);
  return app;
};

/** The words that start this program as the unprivileged user, when the tests run as root. */
export const asRunner = (program: string): readonly [string, ...string[]] => {
  if (!asRoot) return [program];
  const { user, group } = unprivileged;
  return [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${group}`,
    '--clear-groups',
    '--no-new-privs',
    '--',
    program,
  ];
};

/**
 * Starts the runtime as the unprivileged user. Playwright's loader, which holds the app until Playwright listens, is
 * taken from a copy, because that user may not be able to read the checkout.
 */
const wrapRuntime = (runtime: string, app: string): string => {
  const folder = join(app, 'runtime');
  mkdirSync(folder);
  const loader = join(folder, 'loader.cjs');
  cpSync(join(root, 'node_modules', 'playwright-core', 'lib', 'server', 'electron', 'loader.js'), loader);
  const script = [
    '#!/bin/sh',
    `if [ "$1" = -r ]; then shift 2; set -- -r '${loader}' "$@"; fi`,
    `exec ${asRunner(join(runtime, 'electron'))
      .map((word) => `'${word}'`)
      .join(' ')} "$@"`,
  ];
  writeFileSync(join(folder, 'electron'), `${script.join('\n')}\n`, { mode: 0o755 });
  return folder;
};

/** Builds the app, starts a display and finds the runtime. The disposer takes all of it away. */
export const makeStage = async (): Promise<{ readonly stage: Stage; readonly strike: () => void }> => {
  const runtime = findRuntime();
  const app = await buildApp();
  const screen = await startDisplay();
  return {
    stage: {
      dist: runtime,
      runtime: asRoot ? wrapRuntime(runtime, app) : runtime,
      app,
      display: screen.display,
    },
    strike: () => {
      screen.process.kill();
      rmSync(app, { recursive: true, force: true });
    },
  };
};
