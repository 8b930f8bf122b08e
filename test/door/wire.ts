import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { WebSocket } from 'ws';
import type { Bridge } from '../../preload/contract/bridge.ts';
import { socketPath, type SocketMessage } from '../../preload/contract/socket.ts';
import { openDoor, type Door, type DoorOptions } from '../../src-main/door/door.ts';
import type { ServiceConnection } from '../../src-main/service/benchService.ts';
import { socketLink, type Socket } from '../../src-renderer/bridge/socketLink.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const tidy of cleanUp.splice(0).reverse()) await tidy();
});

export const secret = 'what lies beside the page';

/** A page of three files in a folder of its own, with a secret beside it and a link to it inside. */
export const testPage = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-door-'));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  const page = join(folder, 'page');
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), secret);
  writeFileSync(join(folder, 'secret.html'), secret);
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>A page</title>');
  writeFileSync(join(page, 'assets', 'index-B-0eq5r9.js'), 'export {};');
  writeFileSync(join(page, '.hidden.html'), secret);
  writeFileSync(join(page, 'program.sh'), secret);
  symlinkSync(join(folder, 'secret.html'), join(page, 'linked.html'));
  return page;
};

/** A door of its own, which closes with the tests of the file. */
export const openTestDoor = async (
  options: Pick<DoorOptions, 'service'> & Partial<DoorOptions>,
): Promise<Door> => {
  const opened = await openDoor({ page: null, port: 0, ...options });
  if (!opened.ok) throw new Error(opened.error.message);
  cleanUp.push(() => opened.value.close());
  return opened.value;
};

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends these bytes and reads until the door closes: no client tidies up the request first. */
export const sendRaw = (port: number, head: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      const end = text.indexOf('\r\n\r\n');
      const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
      const headers = lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      });
      resolve({
        status: Number(statusLine.split(' ')[1]),
        headers: Object.fromEntries(headers),
        body: text.slice(end + 4),
      });
    });
    socket.write(head);
  });

export const get = (port: number, path: string, host = `127.0.0.1:${port}`, method = 'GET'): Promise<Reply> =>
  sendRaw(port, `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

export interface Knock {
  readonly path?: string;
  readonly token?: string | null;
  readonly host?: string;
  readonly origin?: string | null;
}

/** Asks for a WebSocket; answers the status, and what else came. */
export const knock = (
  door: Door,
  how: Knock = {},
): Promise<{ status: number; body: string; closed: boolean }> => {
  const token = how.token === undefined ? door.token : how.token;
  const origin = how.origin === undefined ? `http://127.0.0.1:${door.port}` : how.origin;
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: door.port,
      path: `${how.path ?? socketPath}${token === null ? '' : `?token=${token}`}`,
      headers: {
        Host: how.host ?? `127.0.0.1:${door.port}`,
        ...(origin === null ? {} : { Origin: origin }),
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, body: '', closed: false });
    });
    asked.on('response', (response) => {
      let body = '';
      response.on('data', (bytes) => (body += String(bytes)));
      response.on('end', () =>
        asked.socket?.once('close', () => resolve({ status: response.statusCode ?? 0, body, closed: true })),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
};

export const openSocket = (door: Door): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${door.port}${socketPath}?token=${door.token}`, {
    origin: `http://127.0.0.1:${door.port}`,
    // So that a test may send what is too big, and take what is.
    maxPayload: 512 * 1024 * 1024,
  });

/** A socket as it is: what is sent is not looked at, what comes is kept. */
export class RawViewer {
  readonly socket: WebSocket;
  readonly messages: SocketMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<() => void>();

  constructor(door: Door) {
    this.socket = openSocket(door);
    cleanUp.push(() => this.socket.terminate());
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as SocketMessage);
      for (const look of this.#waiting) look();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    // A connection that the door breaks off is told by its close as well.
    this.socket.on('error', () => undefined);
  }

  static async open(door: Door): Promise<RawViewer> {
    const viewer = new RawViewer(door);
    await new Promise((resolve, reject) => viewer.socket.once('open', resolve).once('error', reject));
    return viewer;
  }

  answers(): Extract<SocketMessage, { result: unknown }>[] {
    return this.messages.filter((message) => 'result' in message);
  }

  /** Until so many messages have been answered. */
  async answered(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.answers().length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** The page's own client, over a real socket. */
export interface WireLink {
  readonly connection: ServiceConnection;
  readonly states: ('waiting' | 'open')[];
  /** Breaks the socket as a network does: no farewell. */
  readonly cut: () => void;
  /** Settles once the link is open again. */
  readonly open: () => Promise<void>;
}

export const openLink = async (door: Door): Promise<WireLink> => {
  let socket: WebSocket | null = null;
  const link = socketLink(() => {
    socket = openSocket(door);
    socket.on('error', () => undefined);
    return socket as unknown as Socket;
  });
  cleanUp.push(() => link.close());
  const states: ('waiting' | 'open')[] = [];
  link.onState((state) => states.push(state));
  const open = async (): Promise<void> => {
    if (link.state() === 'open') return;
    await new Promise<void>((resolve) => {
      const dispose = link.onState((state) => {
        if (state !== 'open') return;
        dispose();
        resolve();
      });
    });
  };
  await open();
  const call = (name: keyof Bridge, input: unknown) =>
    (link.bridge[name] as (input: unknown) => never)(input);
  return {
    connection: {
      execute: (name, input) => call(name, input),
      onDeltas: (listener) => link.bridge.onDeltas(listener),
      close: () => link.close(),
    },
    states,
    cut: () => socket?.terminate(),
    open,
  };
};
