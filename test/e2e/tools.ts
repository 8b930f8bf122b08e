import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumPath } from './launchBrowser.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)));

/** What these tests need and this machine lacks, in words; empty when they can run. */
export const missingTools = (): readonly string[] => {
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '';
  const runtime = given === '' ? join(root, 'node_modules', 'electron', 'dist') : given;
  return [
    ...(onPath('Xvfb') ? [] : ['Xvfb (package xvfb)']),
    ...(chromiumPath() === null ? ['Chromium (package chromium)'] : []),
    ...(existsSync(join(runtime, 'electron'))
      ? []
      : ['an Electron runtime (npx install-electron, or ELECTRON_OVERRIDE_DIST_PATH)']),
  ];
};
