import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { done, failure, type Result } from '../core/result.ts';
import type { Agent } from './agent.ts';
import { logOf } from './unixSocket.ts';

/** For the first console to connect, in milliseconds; the agent is started for one that is about to. */
const firstPatience = 30_000;

/** Null, or why not. */
const listen = (server: Server, name: string): Promise<string | null> =>
  new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(name, () => resolve(null));
  });

/** Settles when no console needs the agent any more, or when none has come back within the agent's patience. */
const forsaken = (agent: Agent, server: Server): Promise<void> =>
  new Promise((resolve) => {
    let connected = 0;
    let patience = setTimeout(resolve, firstPatience);
    server.on('connection', (socket) => {
      clearTimeout(patience);
      connected += 1;
      // Not when `serve` settles: a link whose place another one takes settles nothing.
      socket.once('close', () => {
        connected -= 1;
        if (connected > 0) return;
        if (agent.needed) patience = setTimeout(resolve, agent.patience);
        else resolve();
      });
      void agent.serve(socket);
    });
  });

/** Serves who connects to a Unix socket. In the end neither the socket nor the log beside it is left. */
export const serveListening = async (
  agent: Agent,
  path: string,
  ending: Promise<unknown>,
): Promise<Result<void>> => {
  // A struct sockaddr_un has 108 bytes (unix(7)): the name alone fits, wherever the folder is.
  process.chdir(dirname(path));
  process.umask(0o077);
  const server = createServer();
  const end = Promise.race([forsaken(agent, server), ending]);
  const trouble = await listen(server, basename(path));
  if (trouble !== null) return failure('busy', `The agent cannot listen on ${path} (${trouble}).`);
  // To `attach.ts`, over the channel that Node gives a process that it has started.
  process.send?.('listening', () => process.disconnect());
  await end;
  server.close();
  rmSync(logOf(path), { force: true });
  return done;
};
