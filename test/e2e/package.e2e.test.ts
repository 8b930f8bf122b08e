import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FuseV1Options, FuseVersion, getCurrentFuseWire } from '@electron/fuses';
import { build } from 'electron-builder';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import configuration from '../../electron-builder.config.ts';
import {
  electronEnvironment,
  electronSwitches,
  killTree,
  launchDeadline,
  makeHome,
  type Home,
} from './launchElectron.ts';
import { screenOf } from './screen.ts';
import { asRunner } from './stage.ts';

// The app as it is handed out: Electron's security checklist, item 19, and that it starts at all.

const stage = inject('stage');
const root = fileURLToPath(new URL('../..', import.meta.url));
const packed = join(stage.app, 'package');
const program = join(packed, 'linux-unpacked', configuration.executableName);
/** electron-builder packs nothing from outside the checkout; what was built for these tests is copied there. */
const built = join(root, 'dist', `e2e-${process.pid}`);
const run = promisify(execFile);

interface PackedApp {
  readonly page: Page;
  /** All that it wrote so far. */
  readonly said: () => string;
  close(): Promise<void>;
}

/** Starts the packaged app, and looks at its page through Chromium's own port: Node's inspector is not there. */
const start = async (
  home: Home,
  environment: Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<PackedApp> => {
  const [command, ...before] = asRunner(program);
  const child: ChildProcess = spawn(
    command,
    [
      ...before,
      ...words,
      ...electronSwitches,
      `--user-data-dir=${home.userData}`,
      '--remote-debugging-port=0',
    ],
    {
      env: { ...electronEnvironment(stage, home), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let said = '';
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const address = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        said += `${line}\n`;
        const listening = /^DevTools listening on (ws:\S+)$/.exec(line);
        if (listening?.[1] !== undefined) resolve(listening[1]);
      });
    }
    void ended.then(() =>
      reject(new Error(`The packaged app ended before it had a page. It said:\n${said}`)),
    );
  });
  const late = setTimeout(() => killTree(child), launchDeadline);
  let browser: Browser | null = null;
  try {
    browser = await chromium.connectOverCDP(await address);
    const context = browser.contexts()[0];
    if (context === undefined) throw new Error('no window');
    const page = context.pages()[0] ?? (await context.waitForEvent('page'));
    return {
      page,
      said: () => said,
      close: async () => {
        await browser?.close();
        killTree(child);
        await ended;
      },
    };
  } catch (cause) {
    killTree(child);
    throw cause;
  } finally {
    clearTimeout(late);
  }
};

describe('the packaged app', () => {
  let home: Home;
  beforeAll(async () => {
    home = makeHome();
    cpSync(join(stage.app, 'out'), built, { recursive: true });
    await build({
      projectDir: root,
      publish: 'never',
      linux: ['dir'],
      x64: process.arch === 'x64',
      config: {
        ...configuration,
        electronDist: stage.dist,
        directories: { ...configuration.directories, output: packed },
        files: [{ from: relative(root, built), to: 'out' }, ...configuration.files.slice(1)],
      },
    });
    await run('chmod', ['-R', 'a+rX', packed]);
  }, 120_000);
  afterAll(() => {
    home.remove();
    rmSync(built, { recursive: true, force: true });
  });

  it('has its fuses set', async () => {
    // As the wire spells them: the digits 0 and 1.
    const [off, on] = [0x30, 0x31];
    expect(await getCurrentFuseWire(program)).toMatchObject({
      version: FuseVersion.V1,
      [FuseV1Options.RunAsNode]: off,
      [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: off,
      [FuseV1Options.EnableNodeCliInspectArguments]: off,
      [FuseV1Options.GrantFileProtocolExtraPrivileges]: off,
      [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: on,
      [FuseV1Options.OnlyLoadAppFromAsar]: on,
      [FuseV1Options.EnableCookieEncryption]: on,
    });
  });

  it('has koffi where the dynamic linker finds it', async () => {
    // With the runtime as it was, which still runs as Node: what it finds in an archive is the same.
    const [command = '', ...before] = asRunner(join(stage.dist, 'electron'));
    const archive = join(packed, 'linux-unpacked', 'resources', 'app.asar', 'package.json');
    const words = `require('node:module').createRequire(${JSON.stringify(archive)})('koffi').sizeof('long')`;
    const { stdout } = await run(command, [...before, '-p', words], {
      env: { ...electronEnvironment(stage, home), ELECTRON_RUN_AS_NODE: '1' },
    });
    expect(stdout).toBe('8\n');
  });

  it('is no Node, opens no inspector, and shows the devices and the scenarios', async () => {
    const probe = join(packed, 'probe.cjs');
    writeFileSync(probe, `console.error('the probe ran')`, { mode: 0o644 });
    const environment = { ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: `--require=${probe}` };
    // The same words do all that in a runtime whose fuses are as Electron ships them.
    const [command = '', ...before] = asRunner(join(stage.dist, 'electron'));
    const plain = await run(command, [...before, '--inspect=0', '-p', '6 * 7'], {
      env: { ...electronEnvironment(stage, home), ...environment },
    });
    expect(plain.stdout).toBe('42\n');
    expect(plain.stderr).toContain('the probe ran');
    expect(plain.stderr).toContain('Debugger listening on');

    const app = await start(home, environment, ['--inspect=0']);
    try {
      const screen = screenOf(app.page);
      await screen.devices.getByRole('treeitem').first().waitFor();
      await app.page.evaluate('location.hash = "#/scenarios"');
      const scenarios = app.page.getByRole('navigation', { name: 'All scenarios' }).getByRole('link');
      await expect.poll(() => scenarios.count()).toBeGreaterThan(20);
      expect(app.said()).not.toContain('the probe ran');
      expect(app.said()).not.toContain('Debugger listening on');
    } finally {
      await app.close();
    }
  });
});
