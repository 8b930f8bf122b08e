import { spawn } from 'node:child_process';
import { onEndingSignal } from './endingSignals.ts';

/** How the app ended. `stillborn`: by itself, in trouble, before anybody can have worked with it. */
export type ElectronEnd =
  | { readonly kind: 'closed' }
  | { readonly kind: 'stillborn'; readonly why: string }
  | { readonly kind: 'crashed'; readonly why: string };

/** An app that fails this early, in milliseconds, has shown no window: a library is missing, a display is not there. */
const infancy = 10_000;

/** Starts Electron and waits until it ends. It gets the signals that this process gets, each once. */
export const runElectron = (
  runtime: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<ElectronEnd> =>
  new Promise((resolve) => {
    const since = performance.now();
    // In a process group of its own the terminal's Ctrl+C does not reach it twice: Electron dies of the second one.
    const child = spawn(runtime, words, {
      env: environment,
      stdio: ['ignore', 'inherit', 'pipe'],
      detached: true,
    });
    let lastLine = '';
    child.stderr.on('data', (bytes: Buffer) => {
      process.stderr.write(bytes);
      lastLine = String(bytes).trim().split('\n').at(-1) || lastLine;
    });
    let asked = false;
    const dispose = onEndingSignal(
      (signal) => {
        asked = true;
        child.kill(signal);
      },
      () => child.kill('SIGKILL'),
    );
    const end = (trouble: string | null): void => {
      dispose();
      if (trouble === null || asked) return resolve({ kind: 'closed' });
      // Chromium puts process, time and source before what it says.
      const said = lastLine.replace(/^\[[^\]]*\]\s*/, '').replace(/\.$/, '');
      const why = said === '' ? trouble : `${trouble}: ${said.slice(0, 300)}`;
      resolve({ kind: performance.now() - since < infancy ? 'stillborn' : 'crashed', why });
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) =>
      end(code === 0 ? null : signal === null ? `exit code ${code}` : `ended by ${signal}`),
    );
  });
