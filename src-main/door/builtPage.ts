import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { done, failure, type Result } from '../core/result.ts';

/** `missing`: it was never built. `stale`: a source is newer than what was built of it. */
export type BuildState = 'fresh' | 'stale' | 'missing';

const sources = ['src-main', 'preload', 'src-renderer', 'electron.vite.config.ts', 'package-lock.json'];
const products = ['out/main/index.js', 'out/preload/index.cjs', 'out/renderer/index.html'];

export const pageFolder = (root: string): string => join(root, 'out', 'renderer');

const newestOf = (path: string): number => {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestOf(join(path, name))), 0);
};

/** How the built console in `root`, the folder of package.json, stands to its sources. A package has no sources. */
export const buildState = (root: string): BuildState => {
  const built = products.map((path) => join(root, path));
  if (!built.every((path) => existsSync(path))) return 'missing';
  const oldest = Math.min(...built.map((path) => statSync(path).mtimeMs));
  const existing = sources.map((path) => join(root, path)).filter((path) => existsSync(path));
  return existing.some((path) => newestOf(path) > oldest) ? 'stale' : 'fresh';
};

/** Builds the console, quietly; what the build said is in the message when it failed. */
export const build = (root: string): Promise<Result<void>> => {
  const tool = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  if (!existsSync(tool)) {
    return Promise.resolve(
      failure(
        'notSupported',
        'The console is not built, and what builds it is not installed: run "npm ci" first.',
      ),
    );
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [tool, 'build', '--logLevel', 'error'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => (said = (said + String(bytes)).slice(-4_000)));
    }
    const failed = (why: string): void =>
      resolve(failure('notSupported', `The console could not be built ("npm run build"): ${why}`));
    child.on('error', (error) => failed(error.message));
    child.on('close', (code) => (code === 0 ? resolve(done) : failed(said.trim() || `exit code ${code}`)));
  });
};
