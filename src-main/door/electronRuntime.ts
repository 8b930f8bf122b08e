import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { done, failure, type Result } from '../core/result.ts';

/** What decides whether a window can be opened here. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly environment: NodeJS.ProcessEnv;
  /** null where users have no number. */
  readonly userId: number | null;
  /** The words that go to Electron. */
  readonly words: readonly string[];
}

const isSet = (environment: NodeJS.ProcessEnv, name: string): boolean => (environment[name] ?? '') !== '';

/** Why no window can be opened here, in one sentence, or null. */
export const windowTrouble = ({ platform, environment, userId, words }: Machine): string | null => {
  if (platform !== 'linux') return null;
  if (!isSet(environment, 'DISPLAY') && !isSet(environment, 'WAYLAND_DISPLAY')) {
    return 'There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set.';
  }
  const withoutSandbox = words.includes('--no-sandbox') || isSet(environment, 'ELECTRON_DISABLE_SANDBOX');
  return userId === 0 && !withoutSandbox
    ? 'You are root, for whom Chromium’s sandbox does not start; be an ordinary user, or pass --no-sandbox yourself.'
    : null;
};

/**
 * The runtime that the npm package `electron` would start: what ELECTRON_OVERRIDE_DIST_PATH says, or what the package
 * has fetched. null when there is none.
 */
export const findRuntime = (root: string, environment: NodeJS.ProcessEnv): string | null => {
  const home = join(root, 'node_modules', 'electron');
  const pathFile = join(home, 'path.txt');
  const path = existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : null;
  const given = environment['ELECTRON_OVERRIDE_DIST_PATH'] ?? '';
  if (given === '' && path === null) return null;
  const runtime = join(given === '' ? join(home, 'dist') : given, path ?? 'electron');
  return existsSync(runtime) ? runtime : null;
};

/** What an error says: Node prints its class before it and the stack below it. */
const errorLine = (said: string): string =>
  /^\S*Error: (.+)$/m.exec(said)?.[1] ?? said.trim().split('\n').at(-1) ?? '';

/** Has the package `electron` fetch its runtime, as its install script would have. `patience` in milliseconds. */
export const fetchRuntime = (root: string, patience: number): Promise<Result<void>> => {
  const installer = join(root, 'node_modules', 'electron', 'install.js');
  const failed = (why: string) => failure('notSupported', `Electron’s runtime could not be fetched: ${why}.`);
  if (!existsSync(installer)) return Promise.resolve(failed('the package electron is not installed'));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [installer], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, patience);
    child.stderr.on('data', (bytes: Buffer) => (said = (said + String(bytes)).slice(-4_000)));
    child.on('error', (error) => resolve(failed(error.message)));
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(done);
      else
        resolve(
          failed(late ? `it took longer than ${patience / 1000} s` : errorLine(said) || `exit code ${code}`),
        );
    });
  });
};
