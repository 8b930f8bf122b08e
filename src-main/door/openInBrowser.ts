import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/**
 * Opens the address in the person's own browser. The address has the token, and everybody on the machine can read the
 * arguments of a process: so the browser is given a file that only this user can read, and which leads there.
 * The disposer removes the file. `failed` is told why no browser could be started.
 */
export const openInBrowser = (url: string, failed: (why: string) => void): (() => void) => {
  const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-'));
  const file = join(folder, 'open.html');
  writeFileSync(
    file,
    `<!doctype html><meta charset="utf-8"><title>Recovery Bench</title><meta http-equiv="refresh" content="0; url=${url}">`,
    { mode: 0o600 },
  );
  const [command, ...words] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...words, file], { stdio: 'ignore', detached: true });
  child.on('error', (error) => failed(error.message));
  child.unref();
  return () => rmSync(folder, { recursive: true, force: true });
};
