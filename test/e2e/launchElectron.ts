import type { ChildProcess } from 'node:child_process';
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
  close(): Promise<void>;
}

/** Nothing is fetched from anywhere, and no graphics card is needed. */
export const electronSwitches = [
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
  ...electronSwitches,
  `--user-data-dir=${home.userData}`,
  ...more,
  stage.app,
];

/** From the start of the process to a page that answers. About two seconds; six on a machine that is loaded tenfold. */
export const launchDeadline = 45_000;
const closeDeadline = 10_000;

/** Electron and every process of its own: it is started as the leader of a process group, by Playwright too. */
export const killTree = (child: ChildProcess): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
};

const endOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
  });

/** Playwright's own calls have time-outs; what runs in the app or in the page has none. */
const within = async <Value>(time: number, what: string, work: Promise<Value>): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${Math.round(time)} ms.`)), time);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

/**
 * Waits for the window and for an answer of its page. An app that does not get so far is killed, and the error has what
 * Electron said on its way.
 */
const openedPage = async (app: ElectronApplication, end: number): Promise<Page> => {
  const left = (): number => Math.max(1, end - performance.now());
  const child = app.process();
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => (said += String(bytes)));
  try {
    const page = await app.firstWindow({ timeout: left() });
    await page.waitForLoadState('load', { timeout: left() });
    await within(left(), 'The page’s first answer', page.evaluate('0'));
    return page;
  } catch (cause) {
    killTree(child);
    throw new Error(`Electron showed no page within ${launchDeadline} ms. It said:\n${said}`, { cause });
  }
};

/** Ends the process without asking anybody, whatever waits. One that does not end is killed, and that is an error. */
const endElectron = async (app: ElectronApplication): Promise<void> => {
  const child = app.process();
  const ended = endOf(child);
  app.evaluate(({ app: electron }) => electron.exit(0)).catch(() => undefined);
  try {
    await within(closeDeadline, 'Electron’s end', ended);
  } catch (late) {
    killTree(child);
    await ended;
    throw late;
  }
};

/** The built app in the real runtime, as an unprivileged user, with Chromium's sandbox on. */
export const launchElectron = async (stage: Stage, options: LaunchOptions = {}): Promise<LaunchedConsole> => {
  const home = options.home ?? makeHome();
  // Not by its own path: then Playwright does without its loader, and the app starts before Playwright listens.
  process.env['ELECTRON_OVERRIDE_DIST_PATH'] = stage.runtime;
  const end = performance.now() + launchDeadline;
  const app = await _electron.launch({
    timeout: launchDeadline,
    // Playwright turns the sandbox off unless it is asked for.
    chromiumSandbox: true,
    // And it pretends that the system is light.
    colorScheme: null,
    args: electronArguments(stage, home, options.switches),
    env: { ...electronEnvironment(stage, home), ...options.environment },
  });
  const page = await openedPage(app, end);
  return {
    app,
    page,
    home,
    close: async () => {
      await endElectron(app);
      if (options.home === undefined) home.remove();
    },
  };
};
