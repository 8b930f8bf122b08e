import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { startChromium } from '../e2e/launchBrowser.ts';
import { launchElectron, makeHome } from '../e2e/launchElectron.ts';
import { asRoot, unprivileged, type Stage } from '../e2e/stage.ts';
import type { ConsolePageHost, StormReport } from './consolePageHost.ts';
import { installProbe } from './consolePageProbe.ts';
import type { ServerOrder, ServerWord } from './consolePageServer.ts';

/** A console with a big rig, and a page that looks at its first endpoint and has the probe in it. */
export interface HostedConsole {
  readonly page: Page;
  /** Where its runs are recorded. */
  readonly runs: string;
  /** Arms every device. */
  arm(): Promise<void>;
  storm(seconds: number): Promise<StormReport>;
  close(): Promise<void>;
}

/** `runs` has been written before: what is in it is there when the console starts. */
export type Host = (functions: number, prepare?: (runs: string) => void) => Promise<HostedConsole>;

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const word = async <Kind extends ServerWord['kind']>(
  child: ReturnType<typeof fork>,
  kind: Kind,
): Promise<Extract<ServerWord, { kind: Kind }>> => {
  const [said] = (await once(child, 'message')) as [ServerWord];
  if (said.kind !== kind) throw new Error(`The server says ${said.kind} in place of ${kind}.`);
  return said as Extract<ServerWord, { kind: Kind }>;
};

/** The browser door in a process of its own, and Debian's headless Chromium before it. */
export const hostInChromium =
  (pageFolder: string): Host =>
  async (functions, prepare) => {
    const runs = mkdtempSync(join(tmpdir(), 'recovery-bench-page-'));
    prepare?.(runs);
    const server = fork(program('consolePageServer.ts'), [runs, String(functions), pageFolder]);
    const { url } = await word(server, 'serving');
    const give = (order: ServerOrder): boolean => server.send(order);
    const browser = await startChromium();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await installProbe(page);
    await page.goto(url);
    return {
      page,
      runs,
      arm: async () => {
        const armed = word(server, 'armed');
        give({ kind: 'arm' });
        await armed;
      },
      storm: async (seconds) => {
        const stormed = word(server, 'storm');
        give({ kind: 'storm', seconds });
        return (await stormed).report;
      },
      close: async () => {
        await browser.close();
        const ended = once(server, 'exit');
        server.disconnect();
        await ended;
        rmSync(runs, { recursive: true, force: true });
      },
    };
  };

/** The globals of consolePageElectron.ts. */
interface Hosting {
  readonly consolePageHost: ConsolePageHost;
}

/** Bundles the bench's own main process beside the built one, and makes the app start it. */
const addElectronMain = async (app: string): Promise<void> => {
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: program('consolePageElectron.ts'),
      target: 'node20',
      outDir: join(app, 'out', 'bench'),
      rolldownOptions: { external: ['electron', 'koffi'], output: { entryFileNames: 'index.js' } },
    },
  });
  const path = join(app, 'package.json');
  const described = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...described, main: './out/bench/index.js' }));
};

/** The real app under a display of its own, as an unprivileged user. */
export const hostInElectron = async (stage: Stage): Promise<Host> => {
  await addElectronMain(stage.app);
  return async (functions, prepare) => {
    const home = makeHome();
    prepare?.(home.runs);
    for (const name of readdirSync(home.runs)) {
      if (asRoot) chownSync(join(home.runs, name), unprivileged.user, unprivileged.group);
    }
    const environment = { RECOVERY_BENCH_FUNCTIONS: String(functions) };
    const { app, page, close } = await launchElectron(stage, { home, environment });
    await installProbe(page);
    await page.reload();
    return {
      page,
      runs: home.runs,
      arm: () => app.evaluate(() => (globalThis as unknown as Hosting).consolePageHost.arm()),
      storm: (seconds) =>
        app.evaluate(
          (_electron, time) => (globalThis as unknown as Hosting).consolePageHost.storm(time),
          seconds,
        ),
      close: async () => {
        await close();
        home.remove();
      },
    };
  };
};
