import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { failure, success, type Result } from '../../core/result.ts';

/** QEMU's answers and events, as docs/interop/qmp-spec.rst describes them. */
const answer = z.union([
  z.object({ id: z.number(), return: z.unknown() }),
  z.object({ id: z.number(), error: z.object({ class: z.string(), desc: z.string() }) }),
]);

const event = z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) });
export type MonitorEvent = z.output<typeof event>;

/** QEMU answers at once; only a machine that is at a standstill takes longer. */
const patience = 10_000;

type Waiting = (result: Result<unknown>) => void;

/** QEMU's machine protocol over one stream: one command, one answer, by number. */
export class Monitor {
  readonly #channel: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #next = 1;
  #ended = false;

  constructor(channel: Duplex) {
    this.#channel = channel;
    channel.on('data', (bytes: Buffer) => this.#take(bytes));
    channel.on('error', () => this.#end());
    channel.on('end', () => this.#end());
    channel.on('close', () => this.#end());
    // Commands sent before this one is answered would be refused; QEMU takes them in order.
    void this.execute('qmp_capabilities');
  }

  onEvent(listener: (event: MonitorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  execute(command: string, input: object = {}): Promise<Result<unknown>> {
    if (this.#ended) return Promise.resolve(this.#gone(command));
    const id = this.#next++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(failure('callTimedOut', `QEMU's monitor does not answer to "${command}".`));
      }, patience);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      this.#channel.write(`${JSON.stringify({ execute: command, arguments: input, id })}\n`);
    });
  }

  /** A command of the monitor that is made for people, and what it prints. */
  async human(line: string): Promise<Result<string>> {
    const said = await this.execute('human-monitor-command', { 'command-line': line });
    return said.ok ? success(String(said.value).trim()) : said;
  }

  #take(bytes: Buffer): void {
    this.#text += this.#decoder.write(bytes);
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      this.#answer(line);
    }
  }

  #answer(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    const told = event.safeParse(message);
    if (told.success) for (const listener of this.#listeners) listener(told.data);
    const parsed = answer.safeParse(message);
    if (!parsed.success) return;
    const waiting = this.#waiting.get(parsed.data.id);
    this.#waiting.delete(parsed.data.id);
    if (waiting === undefined) return;
    waiting(
      'error' in parsed.data
        ? failure('kernelRefused', `QEMU's monitor refused: ${parsed.data.error.desc}.`)
        : success(parsed.data.return),
    );
  }

  #end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.values()) waiting(this.#gone('the command'));
    this.#waiting.clear();
  }

  #gone(command: string): Result<never> {
    return failure('linkLost', `QEMU ended before it answered to ${command}.`);
  }
}
