import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import {
  createMessageConnection,
  NullLogger,
  ResponseError,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { LineReader, LineWriter, type RefusedLine } from './lineFraming.ts';

export interface LinkHandlers {
  /** What it rejects with a `ResponseError` is the answer; anything else is an internal error. */
  readonly onRequest: (method: string, params: unknown) => Promise<unknown>;
  readonly onNotification: (method: string, params: unknown) => void;
  /** A line that is no message. It changes nothing. */
  readonly onRefused: (line: RefusedLine) => void;
  /** Once, when nothing comes or goes any more; not when it was closed here. */
  readonly onEnd: (reason: string) => void;
}

/** JSON-RPC over one byte channel, until the channel ends. Owns the channel. */
export class Link {
  readonly #channel: Duplex;
  readonly #connection: MessageConnection;
  readonly #handlers: LinkHandlers;
  #ended = false;

  constructor(channel: Duplex, handlers: LinkHandlers) {
    this.#channel = channel;
    this.#handlers = handlers;
    const mark = randomUUID();
    const writer = new LineWriter(channel, mark);
    const reader = new LineReader(channel, mark, (line) => {
      handlers.onRefused(line);
      // A response is never refused with a response: two ends would refuse each other for ever.
      if (line.id === null) return;
      const { code, reason, id } = line;
      const refusal = { jsonrpc: '2.0', id, error: { code, message: reason } };
      void writer.write(refusal).catch(() => undefined);
    });
    this.#connection = createMessageConnection(reader, writer, NullLogger);
    this.#connection.onRequest((method, params) => handlers.onRequest(method, params));
    this.#connection.onNotification((method, params) => handlers.onNotification(method, params));
    channel.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    channel.on('end', () => this.#end('the far end closed it'));
    channel.on('close', () => this.#end('it was closed'));
    this.#connection.listen();
  }

  /** Rejects with a `ResponseError` when the far end refused, and with something else when the link ended first. */
  request(method: string, params: object): Promise<unknown> {
    return this.#connection.sendRequest(method, params);
  }

  notify(method: string, params: object): void {
    if (this.#ended) return;
    void this.#connection.sendNotification(method, params).catch(() => undefined);
  }

  /** Bytes that wait for the far end to read. */
  get backlog(): number {
    return this.#channel.writableLength;
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // First the reason: tearing down rejects what is under way, without one.
    this.#handlers.onEnd(reason);
    this.#release();
  }

  #release(): void {
    this.#connection.dispose();
    // An error that comes while it is torn down is no news.
    this.#channel.on('error', () => undefined);
    this.#channel.destroy();
  }
}

export const isRefusal = (thrown: unknown): thrown is ResponseError<unknown> =>
  thrown instanceof ResponseError;
