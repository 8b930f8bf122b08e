import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { closeCodes, tokenParameter } from '../../preload/contract/socket.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { ServiceConnection, Viewer } from '../service/benchService.ts';
import { pageHeaders, readPageFile } from '../service/pageFiles.ts';
import { isOwnHost, makeToken, refusalOf } from './admission.ts';
import { attendSocket, defaultLimits, type SocketLimits } from './attendSocket.ts';

export interface DoorOptions {
  readonly service: { connect(viewer: Viewer): ServiceConnection };
  /** The folder of the built page; null when a development server has the page. */
  readonly page: string | null;
  /** 0: one that is free. */
  readonly port: number;
  /** Origins that may connect besides the door's own. */
  readonly origins?: readonly string[];
  readonly limits?: SocketLimits;
}

export interface Door {
  /** What to give to the person: it has the token. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  /** Says farewell to the viewers and lets nobody in any more. */
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
const maximumViewers = 32;
const maximumMessage = 1024 * 1024;
/** How long a viewer may take to answer the farewell, in milliseconds. */
const patience = 500;

const statusTexts = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
} as const;

const refuseUpgrade = (socket: Duplex, status: keyof typeof statusTexts): void => {
  socket.end(
    `HTTP/1.1 ${status} ${statusTexts[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
};

const servePage = async (
  page: string | null,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { host } = request.headers;
  const reply = (
    status: number,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | string,
  ): void => {
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (!isOwnHost(host, port)) return reply(403, { Connection: 'close' }, '');
  const headers = pageHeaders([`ws://${host}`]);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return reply(405, { ...headers, Allow: 'GET, HEAD', Connection: 'close' }, '');
  }
  const [path = ''] = (request.url ?? '').split('?', 1);
  const file = page === null ? null : await readPageFile(page, path);
  if (file === null) {
    return reply(
      404,
      { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
      'There is no such page.\n',
    );
  }
  reply(200, { ...headers, 'Content-Type': file.mediaType }, file.bytes);
};

const listen = (server: Server, port: number): Promise<Result<number>> =>
  new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const [code, why] =
        error.code === 'EADDRINUSE'
          ? (['busy', 'another program has it'] as const)
          : (['permissionDenied', error.message] as const);
      resolve(failure(code, `Port ${port} of ${loopback} cannot be had: ${why}.`));
    });
    server.listen(port, loopback, () => resolve(success((server.address() as AddressInfo).port)));
  });

/**
 * The console for a browser on this machine: the built page over HTTP and the contract over a WebSocket. The page is no
 * secret; whoever wants the WebSocket needs the token, an Origin and a Host that are the door's own.
 */
export const openDoor = async (options: DoorOptions): Promise<Result<Door>> => {
  const token = makeToken();
  const limits = options.limits ?? defaultLimits;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maximumMessage,
    perMessageDeflate: false,
    // Messages are text and small; what is no UTF-8 is no message.
    skipUTF8Validation: false,
  });
  const attended = new Map<WebSocket, () => void>();
  let port = 0;
  let viewers = 0;
  let closing = false;
  const server = createServer((request, response) => void servePage(options.page, port, request, response));
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const { host, origin } = request.headers;
    const refusal = refusalOf(
      { url: request.url ?? '', host, origin },
      { port, token, origins: options.origins ?? [] },
    );
    if (refusal !== null) return refuseUpgrade(socket, refusal);
    if (closing || sockets.clients.size >= maximumViewers) return refuseUpgrade(socket, 503);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      viewers += 1;
      const viewer: Viewer = { name: `Browser ${viewers}`, transport: 'browser' };
      attended.set(webSocket, attendSocket(webSocket, options.service.connect(viewer), limits));
      webSocket.on('close', () => attended.delete(webSocket));
    });
  });
  const listening = await listen(server, options.port);
  if (!listening.ok) return listening;
  port = listening.value;
  return success({
    url: `http://${loopback}:${port}/?${tokenParameter}=${token}`,
    port,
    token,
    close: async () => {
      closing = true;
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const end of attended.values()) end();
      for (const client of sockets.clients) client.close(closeCodes.goingAway, 'The console was ended.');
      const late = setTimeout(() => {
        for (const client of sockets.clients) client.terminate();
      }, patience);
      server.closeIdleConnections();
      // An upgraded socket is no connection of the HTTP server any more, but the server's end waits for it.
      await stopped;
      clearTimeout(late);
      sockets.close();
    },
  });
};
