import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { socketPath, tokenParameter } from '../preload/contract/socket.ts';
import { exitCode, type ExitCode } from './commands/exit.ts';
import { packageRoot, rigPlaces, runDirectory, scenarioDirectory } from './commands/places.ts';
import { processStreams } from './commands/processStreams.ts';
import { openDoor } from './door/door.ts';
import { findRuntime, windowTrouble } from './door/electronRuntime.ts';
import { onEndingSignal } from './door/endingSignals.ts';
import { BenchService } from './service/benchService.ts';

/**
 * What `npm run dev` runs: the console from its sources, where a change of the page is seen at once. In Electron a
 * change of the main process starts it anew; in the browser that is for you to do.
 */

const streams = processStreams();
const root = packageRoot();
/** The development server's port: the door has to know the page's origin before the page is there. */
const port = 5173;

const inElectron = async (runtime: string): Promise<ExitCode> => {
  const tool = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  const child = spawn(process.execPath, [tool, 'dev'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ELECTRON_EXEC_PATH: runtime },
  });
  const dispose = onEndingSignal(
    (signal) => child.kill(signal),
    () => child.kill('SIGKILL'),
  );
  const [code] = (await once(child, 'close')) as [number | null];
  dispose();
  return code === 0 || code === null ? exitCode.asExpected : exitCode.rigTrouble;
};

const inBrowser = async (why: string): Promise<ExitCode> => {
  streams.err(`${why} The console is served to a browser on this machine.\n`);
  const service = new BenchService({
    runs: runDirectory(process.env),
    scenarios: scenarioDirectory(),
    places: rigPlaces(process.env),
    now: Date.now,
  });
  const origin = `http://127.0.0.1:${port}`;
  const started = await service.start();
  const door = started.ok ? await openDoor({ service, page: null, port: 0, origins: [origin] }) : started;
  if (!door.ok) {
    streams.err(`${door.error.message}\n`);
    await service.close();
    return exitCode.rigTrouble;
  }
  const { createServer, mergeConfig } = await import('vite');
  const { default: built } = await import('../electron.vite.config.ts');
  const server = await createServer(
    mergeConfig(built.renderer ?? {}, {
      configFile: false,
      root: join(root, 'src-renderer'),
      build: { rolldownOptions: { input: join(root, 'src-renderer', 'index.html') } },
      server: {
        host: '127.0.0.1',
        port,
        strictPort: true,
        proxy: {
          [socketPath]: { target: `ws://127.0.0.1:${door.value.port}`, ws: true, changeOrigin: true },
        },
      },
      plugins: [
        {
          // The development server puts styles and its own client into the page, which the page's policy forbids.
          name: 'without-policy',
          transformIndexHtml: (html: string) =>
            html.replace(/<meta\s+http-equiv="Content-Security-Policy"[^>]*>/, ''),
        },
      ],
    }),
  );
  const ended = new Promise<void>((resolve) => {
    onEndingSignal(
      () => resolve(),
      () => process.exit(exitCode.rigTrouble),
    );
  });
  try {
    await server.listen();
    streams.out(`Recovery Bench: ${origin}/?${tokenParameter}=${door.value.token}   (Ctrl+C ends it)\n`);
    await ended;
    return exitCode.asExpected;
  } catch (thrown) {
    streams.err(`The development server did not start: ${String(thrown)}\n`);
    return exitCode.rigTrouble;
  } finally {
    await server.close();
    await door.value.close();
    await service.close();
  }
};

const develop = (): Promise<ExitCode> => {
  const { platform, env } = process;
  const userId = process.getuid?.() ?? null;
  const trouble = windowTrouble({ platform, environment: env, userId, words: process.argv.slice(2) });
  if (trouble !== null) return inBrowser(trouble);
  const runtime = findRuntime(root, env);
  return runtime === null
    ? inBrowser('There is no Electron runtime: "npm start" fetches it.')
    : inElectron(runtime);
};

process.exit(await develop());
