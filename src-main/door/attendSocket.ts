import type { RawData, WebSocket } from 'ws';
import { closeCodes, type SocketMessage } from '../../preload/contract/socket.ts';
import { failure } from '../core/result.ts';
import type { ServiceConnection } from '../service/benchService.ts';
import { MessageRate, type RateLimit } from './messageRate.ts';
import { parseRequest } from './request.ts';

export interface SocketLimits {
  readonly rate: RateLimit;
  /** Commands taken and not yet answered; no more are read meanwhile. */
  readonly unanswered: number;
  /** Bytes of deltas that a viewer has not taken; with more it is cut off and may come back for a snapshot. */
  readonly backlog: number;
}

export const defaultLimits: SocketLimits = {
  rate: { perSecond: 2_000, burst: 4_000 },
  unanswered: 64,
  backlog: 8 * 1024 * 1024,
};

/** How long a viewer that was cut off has to take what is on its way, and the code that says why. */
const farewell = 5_000;

/**
 * One socket is one viewer. Reading stops while a viewer asks faster than it is answered, so that neither its questions
 * nor its answers pile up here; deltas cannot wait for it, so it is cut off when those pile up. The disposer ends the
 * connection and leaves the socket to who called.
 */
export const attendSocket = (
  socket: WebSocket,
  connection: ServiceConnection,
  limits: SocketLimits,
): (() => void) => {
  const rate = new MessageRate(limits.rate, () => performance.now());
  let unanswered = 0;
  let backlog = 0;
  let resting: NodeJS.Timeout | null = null;
  let ended = false;

  const listenAgain = (): void => {
    if (!ended && resting === null && unanswered < limits.unanswered) socket.resume();
  };
  const rest = (milliseconds: number): void => {
    socket.pause();
    if (resting !== null) clearTimeout(resting);
    resting = setTimeout(() => {
      resting = null;
      listenAgain();
    }, milliseconds);
  };
  const send = (message: SocketMessage, sent: (bytes: number) => void): number => {
    const text = JSON.stringify(message);
    // UTF-16 units: what is counted here is a measure of memory, not of the wire.
    socket.send(text, () => sent(text.length));
    return text.length;
  };
  const answer = (message: SocketMessage): void => {
    if (ended) return;
    send(message, () => {
      unanswered -= 1;
      listenAgain();
    });
  };

  const end = (): void => {
    if (ended) return;
    ended = true;
    if (resting !== null) clearTimeout(resting);
    unsubscribe();
    connection.close();
  };
  const cutOff = (): void => {
    end();
    // Paused, it would not hear the other side's farewell.
    socket.resume();
    socket.close(
      closeCodes.viewerTooSlow,
      'You did not take what changed; connect again for a new snapshot.',
    );
    setTimeout(() => socket.terminate(), farewell).unref();
  };

  const unsubscribe = connection.onDeltas((deltas) => {
    if (ended) return;
    backlog += send({ deltas }, (bytes) => {
      backlog -= bytes;
    });
    if (backlog > limits.backlog) cutOff();
  });

  const take = async (data: RawData, isBinary: boolean): Promise<void> => {
    if (isBinary) {
      answer({ id: null, result: failure('malformedInput', 'A message has to be text, not binary.') });
      return;
    }
    const request = parseRequest(String(data));
    if ('result' in request) answer(request);
    else answer({ id: request.id, result: await connection.execute(request.command, request.input) });
  };

  socket.on('message', (data, isBinary) => {
    if (ended) return;
    unanswered += 1;
    const tooFast = rate.take();
    if (tooFast > 0) rest(tooFast);
    else if (unanswered >= limits.unanswered) socket.pause();
    void take(data, isBinary);
  });
  socket.on('close', end);
  // What the protocol does not allow (a message that is too big, a broken frame): ws closes the socket with its code.
  socket.on('error', end);
  return end;
};
