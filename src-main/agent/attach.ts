import { fork } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, dirname, resolve as absolute } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { done, failure, success, type Result } from '../core/result.ts';
import { standardStreams } from './stdio.ts';
import { connectTo, logOf } from './unixSocket.ts';

/** A socket that is younger may be that of an agent which is just about to listen; in milliseconds. */
const starting = 60_000;

/** Removes the sockets of agents that were killed, and what they had said. In the working directory. */
const sweep = async (): Promise<void> => {
  for (const name of readdirSync('.').filter((entry) => entry.endsWith('.sock'))) {
    const since = statSync(name, { throwIfNoEntry: false })?.mtimeMs;
    if (since === undefined || Date.now() - since < starting) continue;
    const socket = await connectTo(name);
    socket?.destroy();
    if (socket !== null) continue;
    rmSync(name, { force: true });
    rmSync(logOf(name), { force: true });
  }
};

/**
 * Starts an agent that listens here and outlives this process. What it says goes into a file: the standard error of a
 * link ends with the link.
 */
const start = (path: string, words: readonly string[]): Promise<Result<void>> => {
  const program = process.argv[1] ?? '';
  const log = logOf(path);
  const fd = openSync(log, 'w', 0o600);
  const child = fork(program, ['--listen', path, ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', fd, 'ipc'],
  });
  closeSync(fd);
  return new Promise((resolve) => {
    child.once('message', () => {
      child.unref();
      resolve(done);
    });
    child.once('error', (error) => resolve(failure('rigNotStarted', error.message)));
    child.once('exit', (code) => {
      const said = readFileSync(log, 'utf8')
        .trim()
        .replace(/^rbench-agent: /, '');
      rmSync(log, { force: true });
      resolve(failure('rigNotStarted', said === '' ? `The agent ended with ${code ?? 'a signal'}.` : said));
    });
  });
};

const reach = async (path: string, words: readonly string[]): Promise<Result<Socket>> => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // As the agent does: a path may be too long for a socket, its name is not.
  process.chdir(dirname(path));
  await sweep();
  const name = basename(path);
  const there = await connectTo(name);
  if (there !== null) return success(there);
  // Of one that was killed.
  rmSync(name, { force: true });
  const started = await start(path, words);
  if (!started.ok) return started;
  const socket = await connectTo(name);
  return socket === null
    ? failure('rigNotStarted', `The agent at ${path} has ended at once.`)
    : success(socket);
};

/**
 * Hands standard input and output on to the agent that listens on this Unix socket, started when there is none. `words`
 * say what that agent serves. Settles when either side has ended.
 */
export const attach = async (path: string, words: readonly string[]): Promise<Result<void>> => {
  const reached = await reach(absolute(path), words);
  if (!reached.ok) return reached;
  const socket = reached.value;
  const { readable, writable } = standardStreams();
  const up = pipeline(readable, socket).catch(() => undefined);
  // An end that breaks off is told by the other end; what came before it is written all the same.
  await pipeline(socket, writable).catch(() => undefined);
  readable.destroy();
  await up;
  return done;
};
