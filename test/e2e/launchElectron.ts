import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { asRoot, unprivileged, type Stage } from './stage.ts';

/** A home directory that Electron's user may write to. */
export interface Home {
  readonly folder: string;
  /** Where this home's journals are. */
  readonly runs: string;
  readonly userData: string;
  remove(): void;
}

export const makeHome = (): Home => {
  const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-home-'));
  const [runs, userData, run] = [join(folder, 'runs'), join(folder, 'user-data'), join(folder, 'run')];
  for (const path of [folder, runs, userData, run]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (asRoot) chownSync(path, unprivileged.user, unprivileged.group);
  }
  return { folder, runs, userData, remove: () => rmSync(folder, { recursive: true, force: true }) };
};

export interface LaunchOptions {
  /** A home that was used before, to start again in it; a new one, removed at the end, when left out. */
  readonly home?: Home;
  readonly environment?: Readonly<Record<string, string>>;
  readonly switches?: readonly string[];
}

export interface LaunchedConsole {
  readonly app: ElectronApplication;
  readonly page: Page;
  readonly home: Home;
  /** Ends the process without asking anybody, whatever waits. */
  close(): Promise<void>;
}

/** Nothing is fetched from anywhere, and no graphics card is needed. */
const switches = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--force-device-scale-factor=1',
];

export const electronEnvironment = (stage: Stage, home: Home): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  DISPLAY: stage.display,
  HOME: home.folder,
  XDG_CONFIG_HOME: join(home.folder, 'config'),
  XDG_CACHE_HOME: join(home.folder, 'cache'),
  XDG_STATE_HOME: join(home.folder, 'state'),
  XDG_RUNTIME_DIR: join(home.folder, 'run'),
  RECOVERY_BENCH_RUNS: home.runs,
});

export const electronArguments = (stage: Stage, home: Home, more: readonly string[] = []): string[] => [
  ...switches,
  `--user-data-dir=${home.userData}`,
  ...more,
  stage.app,
];

const endOf = (app: ElectronApplication): Promise<void> =>
  new Promise((resolve) => {
    const child = app.process();
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
  });

/** The built app in the real runtime, as an unprivileged user, with Chromium's sandbox on. */
export const launchElectron = async (stage: Stage, options: LaunchOptions = {}): Promise<LaunchedConsole> => {
  const home = options.home ?? makeHome();
  // Not by its own path: then Playwright does without its loader, and the app starts before Playwright listens.
  process.env['ELECTRON_OVERRIDE_DIST_PATH'] = stage.runtime;
  const app = await _electron.launch({
    // Playwright turns the sandbox off unless it is asked for.
    chromiumSandbox: true,
    // And it pretends that the system is light.
    colorScheme: null,
    args: electronArguments(stage, home, options.switches),
    env: { ...electronEnvironment(stage, home), ...options.environment },
  });
  const page = await app.firstWindow();
  await page.waitForLoadState();
  return {
    app,
    page,
    home,
    close: async () => {
      const ended = endOf(app);
      await app.evaluate(({ app: electron }) => electron.exit(0)).catch(() => undefined);
      await ended;
      if (options.home === undefined) home.remove();
    },
  };
};
