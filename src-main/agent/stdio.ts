import { Socket } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';

/**
 * Standard input and output. Not `process.stdout`: its writes to a pipe are synchronous, and a console that does not
 * read would stop the agent.
 */
export const standardStreams = (): { readonly readable: Readable; readonly writable: Writable } => ({
  readable: streamOf(0) ?? process.stdin,
  writable: streamOf(1) ?? process.stdout,
});

/** Both as one channel. */
export const stdioChannel = (): Duplex => Duplex.from(standardStreams());

/** Null for a file or a terminal, of which libuv makes no socket. */
const streamOf = (fd: number): Socket | null => {
  try {
    return new Socket({ fd, readable: fd === 0, writable: fd !== 0 });
  } catch {
    return null;
  }
};
