import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * Standard input and output as one channel. Not `process.stdout`: its writes to a pipe are synchronous, and a console
 * that does not read would stop the agent.
 */
export const stdioChannel = (): Duplex => {
  const readable = streamOf(0) ?? process.stdin;
  const writable = streamOf(1) ?? process.stdout;
  return Duplex.from({ readable, writable });
};

/** Null for a file or a terminal, of which libuv makes no socket. */
const streamOf = (fd: number): Socket | null => {
  try {
    return new Socket({ fd, readable: fd === 0, writable: fd !== 0 });
  } catch {
    return null;
  }
};
