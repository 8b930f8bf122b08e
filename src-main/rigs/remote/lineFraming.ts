import type { Duplex } from 'node:stream';
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  Disposable,
  ErrorCodes,
  type DataCallback,
  type Message,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node';
import { z } from 'zod';

/** The longest message, in bytes: a list of 20 000 devices has 8 million. */
export const longestLine = 32 * 1024 * 1024;

const newline = 0x0a;
const identity = z.union([z.int(), z.string().max(100)]);
const jsonrpc = z.literal('2.0');
/** `$/cancelRequest` and the like are the library's own; nothing here sends them. */
const method = z
  .string()
  .min(1)
  .max(100)
  .refine((name) => !name.startsWith('$'));
const params = z.record(z.string(), z.unknown());

/** The messages of JSON-RPC 2.0 that are used here: parameters by name, no batches. */
const message = z.union([
  z.strictObject({ jsonrpc, id: identity, method, params }),
  z.strictObject({ jsonrpc, method, params }),
  z.strictObject({ jsonrpc, id: identity, result: z.unknown().refine((value) => value !== undefined) }),
  z.strictObject({
    jsonrpc,
    id: identity.nullable(),
    error: z.object({ code: z.int(), message: z.string(), data: z.unknown().optional() }),
  }),
]);

/** Why a line was not taken, as JSON-RPC numbers it, and the id of the request it may have been. */
export interface RefusedLine {
  readonly code: number;
  readonly reason: string;
  readonly id: number | string | null;
}

const idOf = (value: unknown): number | string | null => {
  const parsed = z.object({ id: identity, method: z.unknown() }).safeParse(value);
  return parsed.success && parsed.data.method !== undefined ? parsed.data.id : null;
};

/**
 * One JSON-RPC message a line. A byte channel into a guest (virtio-serial) has no connections: what a reader finds may
 * begin in the middle of a message, and a shell may greet before the agent starts. Lengths in a header could never
 * find the next message again; a line end can.
 */
export class LineReader extends AbstractMessageReader implements MessageReader {
  readonly #channel: Duplex;
  readonly #mark: string;
  readonly #refused: (line: RefusedLine) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #skipping = false;
  #disposed = false;

  constructor(channel: Duplex, mark: string, refused: (line: RefusedLine) => void) {
    super();
    this.#channel = channel;
    this.#mark = mark;
    this.#refused = refused;
  }

  listen(callback: DataCallback): Disposable {
    const onData = (chunk: Buffer): void => this.#take(chunk, callback);
    this.#channel.on('data', onData);
    return Disposable.create(() => this.#channel.off('data', onData));
  }

  override dispose(): void {
    this.#disposed = true;
    this.#chunks = [];
    super.dispose();
  }

  #take(chunk: Buffer, callback: DataCallback): void {
    let rest = chunk;
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      this.#keep(rest.subarray(0, end));
      this.#finish(callback);
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
  }

  #keep(part: Buffer): void {
    if (this.#skipping || part.length === 0) return;
    this.#chunks.push(part);
    this.#length += part.length;
    if (this.#length <= longestLine) return;
    this.#chunks = [];
    this.#skipping = true;
  }

  #finish(callback: DataCallback): void {
    const line = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const skipped = this.#skipping;
    this.#chunks = [];
    this.#length = 0;
    this.#skipping = false;
    if (this.#disposed) return;
    if (skipped) return this.#refuse(ErrorCodes.InvalidRequest, 'The line is too long.', null);
    if (line === undefined || line.length === 0) return;
    let value: unknown;
    try {
      value = JSON.parse(line.toString('utf8'));
    } catch {
      return this.#refuse(ErrorCodes.ParseError, 'The line is not JSON.', null);
    }
    if (!message.safeParse(value).success) {
      return this.#refuse(ErrorCodes.InvalidRequest, 'The line is no JSON-RPC message.', idOf(value));
    }
    const taken = value as Message & { id?: unknown; method?: unknown };
    if (taken.id === undefined || taken.method !== undefined) return callback(taken);
    // An answer: to this link, or to the one before it over the same channel.
    const [mark, number] = String(taken.id).split(':');
    if (mark !== this.#mark) return this.#refuse(ErrorCodes.InvalidRequest, 'Nobody asked this.', null);
    callback({ ...taken, id: Number(number) } as Message);
  }

  #refuse(code: number, reason: string, id: number | string | null): void {
    this.#refused({ code, reason, id });
  }
}

/** Each request is marked as of this link, because the numbers of the next one begin again. */
export class LineWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #channel: Duplex;
  readonly #mark: string;

  constructor(channel: Duplex, mark: string) {
    super();
    this.#channel = channel;
    this.#mark = mark;
    // Ends whatever the channel still holds of a writer before this one.
    channel.write('\n');
  }

  write(message: Message & { id?: unknown; method?: unknown }): Promise<void> {
    const asked = message.id !== undefined && message.method !== undefined;
    const marked = asked ? { ...message, id: `${this.#mark}:${String(message.id)}` } : message;
    return new Promise((resolve, reject) => {
      this.#channel.write(`${JSON.stringify(marked)}\n`, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
  }

  end(): void {
    this.#channel.end();
  }
}
