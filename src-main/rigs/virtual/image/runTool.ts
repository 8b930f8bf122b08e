import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { failure, success, type Result } from '../../../core/result.ts';

/** The Debian package that brings a tool. */
const packages: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  make: 'make',
  gcc: 'gcc',
  npm: 'npm',
  unshare: 'util-linux',
  xz: 'xz-utils',
};

/** Longer than the slowest mirror; nothing here waits for a person. */
const longest = 15 * 60_000;
const keptOutput = 40;

/** The last lines that a tool wrote, for the details of an error. */
export const lastLines = (text: string): readonly string[] => text.trimEnd().split('\n').slice(-keptOutput);

export interface ToolWish {
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** What the tool was wanted for, as the object of "cannot": `compile the module`. */
  readonly purpose: string;
  /** What a person can do when it fails. */
  readonly advice: string;
}

const givingUp = new AsyncLocalStorage<AbortSignal | undefined>();

/** Runs some work whose tools, however deep in it, end when it is given up; no other one is started then. */
export const cancellable = <Value>(
  signal: AbortSignal | undefined,
  work: () => Promise<Value>,
): Promise<Value> => givingUp.run(signal, work);

/** Runs a tool of the host to its end and answers what it wrote to standard output. */
export const runTool = (tool: string, words: readonly string[], wish: ToolWish): Promise<Result<string>> =>
  new Promise((resolve) => {
    const signal = givingUp.getStore();
    const givenUp = failure('imageNotBuilt', `The bench did not ${wish.purpose}: it was given up.`);
    if (signal?.aborted === true) return resolve(givenUp);
    const child = spawn(tool, words, {
      cwd: wish.folder,
      env: { ...process.env, LC_ALL: 'C', ...wish.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: longest,
      killSignal: 'SIGKILL',
    });
    // SIGTERM, which make hands on to what it has started.
    const giveUp = (): void => void child.kill('SIGTERM');
    signal?.addEventListener('abort', giveUp, { once: true });
    let out = '';
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', (thrown: NodeJS.ErrnoException) => {
      const install = `install the Debian package "${packages[tool] ?? tool}"`;
      const why =
        thrown.code === 'ENOENT'
          ? `${tool} is missing; ${install}`
          : `${tool} does not start (${thrown.code})`;
      resolve(failure('imageNotBuilt', `The bench cannot ${wish.purpose}: ${why}.`));
    });
    child.on('close', (code, endedBy) => {
      signal?.removeEventListener('abort', giveUp);
      if (signal?.aborted === true) return resolve(givenUp);
      if (code === 0) return resolve(success(out));
      const ended = endedBy === null ? `ended with ${code}` : `was ended by ${endedBy}`;
      resolve(
        failure('imageNotBuilt', `The bench cannot ${wish.purpose}: ${tool} ${ended}; ${wish.advice}.`, {
          details: { command: [tool, ...words].join(' '), output: lastLines(`${out}\n${said}`) },
        }),
      );
    });
  });
