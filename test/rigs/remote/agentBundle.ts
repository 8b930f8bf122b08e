import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll } from 'vitest';
import config from '../../../agent.config.ts';

const root = join(import.meta.dirname, '../../..');

/**
 * The agent as one file, built as `npm run build:agent` does, in a folder of its own below the one with node_modules:
 * koffi lies beside it.
 */
export const withAgentBundle = (): { readonly path: string; readonly command: string } => {
  const folder = join(root, 'out', `agent-test-${process.pid}`);
  const path = join(folder, 'agent.mjs');
  beforeAll(async () => {
    const { output, ...input } = config as { output: object };
    const bundle = await rolldown({ ...input, cwd: root });
    await bundle.write({ ...output, file: path, cleanDir: false });
    await bundle.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { path, command: `exec '${process.execPath}' '${path}'` };
};
