import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { done, type Result } from '../../core/result.ts';
import { runTool } from '../virtual/image/runTool.ts';

/** What the agent is bundled from, and what nobody edits in a checkout but by these. */
const sources = ['src-main', 'preload/contract', 'agent.config.ts', 'package-lock.json'];

const newestOf = (path: string): number => {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestOf(join(path, name))), 0);
};

/** What was installed has the bundle, and neither its sources nor the bundler. */
const isCheckout = (root: string): boolean => existsSync(join(root, 'agent.config.ts'));

/** Whether a source is newer than the bundled agent: a guest with it would not understand this bench. */
export const agentIsStale = (root: string, agent: string): boolean => {
  if (!isCheckout(root)) return false;
  if (!existsSync(agent)) return true;
  const bundled = statSync(agent).mtimeMs;
  return sources.some((path) => existsSync(join(root, path)) && newestOf(join(root, path)) > bundled);
};

/** In a checkout the agent is bundled from its sources. */
export const bundleAgent = async (root: string): Promise<Result<void>> => {
  if (!isCheckout(root)) return done;
  const bundled = await runTool('npm', ['run', '--silent', 'build:agent'], {
    folder: root,
    purpose: 'bundle the agent',
    advice: '"npm run build:agent" says why',
  });
  return bundled.ok ? done : bundled;
};
