import { connect, type Socket } from 'node:net';

/** Null when nobody listens there. */
export const connectTo = (path: string): Promise<Socket | null> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });

/** What an agent that listens on this socket says, which nobody may be there to hear. */
export const logOf = (path: string): string => `${path}.log`;
