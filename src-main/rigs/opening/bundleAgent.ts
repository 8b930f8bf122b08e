import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { done, type Result } from '../../core/result.ts';
import { runTool } from '../virtual/image/runTool.ts';

/** In a checkout the agent is bundled from its sources; what was installed has the bundle, and not the bundler. */
export const bundleAgent = async (root: string): Promise<Result<void>> => {
  if (!existsSync(join(root, 'agent.config.ts'))) return done;
  const bundled = await runTool('npm', ['run', '--silent', 'build:agent'], {
    folder: root,
    purpose: 'bundle the agent',
    advice: '"npm run build:agent" says why',
  });
  return bundled.ok ? done : bundled;
};
