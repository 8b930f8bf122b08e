import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServeProcess {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Every line of standard output so far, as JSON. */
  readonly lines: readonly Record<string, unknown>[];
  /** Asks it to end, as Ctrl+C does, and waits until it has. */
  end(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>;
}

const commandLine = fileURLToPath(new URL('../../src-main/cli.ts', import.meta.url));

/** The real `rbench serve` in a process of its own, once it serves. */
export const startServeProcess = async (
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<ServeProcess> => {
  const child = spawn(process.execPath, [commandLine, 'serve', '--json', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'close') as Promise<[number | null]>;
  let complaints = '';
  child.stderr.on('data', (bytes: Buffer) => (complaints += String(bytes)));
  const lines: Record<string, unknown>[] = [];
  const serving = new Promise<void>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
      resolve();
    });
  });
  await Promise.race([
    serving,
    exited.then(([code]) => {
      throw new Error(`rbench serve ended with ${code} before it served: ${complaints}`);
    }),
  ]);
  return {
    url: String(lines[0]?.['url']),
    port: Number(lines[0]?.['port']),
    child,
    lines,
    end: async (signal = 'SIGINT') => {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
};
