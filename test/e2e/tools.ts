import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumPath } from './launchBrowser.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)));

/** What these tests need and this machine lacks, in words; empty when they can run. */
export const missingTools = (): readonly string[] => {
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const runtimes = [
    ...(given === undefined ? [] : [join(given, 'electron')]),
    join(root, 'node_modules', 'electron', 'dist', 'electron'),
    join(root, '..', 'shared', 'tools', 'electron-offline', 'get-electron.sh'),
  ];
  return [
    ...(onPath('Xvfb') ? [] : ['Xvfb (package xvfb)']),
    ...(chromiumPath() === null ? ['Chromium (package chromium)'] : []),
    ...(runtimes.some((file) => existsSync(file))
      ? []
      : ['an Electron runtime (npx install-electron, or ELECTRON_OVERRIDE_DIST_PATH)']),
  ];
};
