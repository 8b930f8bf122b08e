import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { failure, success, type Result } from '../../core/result.ts';
import { Monitor } from './monitor.ts';
import { inherited } from './qemuLine.ts';

const qemu = 'qemu-system-x86_64';
const keptLines = 40;
/** From asking QEMU to quit to ending it, and from there to killing it, in milliseconds. */
const quitPatience = 2_000;
const termPatience = 1_000;

/** How a guest ended: QEMU's own words, and the last lines of the guest's console. */
export interface GuestEnd {
  readonly reason: string;
  readonly details: { readonly qemu: readonly string[]; readonly console: readonly string[] };
}

const inPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** The last lines of a stream that is read for nobody. */
class LastLines {
  #text = '';

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('data', (bytes: Buffer) => {
      this.#text = (this.#text + bytes.toString('latin1')).slice(-16_384);
    });
    stream.on('error', () => undefined);
  }

  read(): readonly string[] {
    return this.#text.replaceAll('\r', '').trimEnd().split('\n').slice(-keptLines);
  }
}

/** Waits for a promise, but not for ever: whether it was settled in time. */
const within = async (milliseconds: number, work: Promise<unknown>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const settled = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return settled;
};

/**
 * A QEMU process. It never outlives the bench, however that ends: the kernel kills it with its parent (setpriv sets
 * PR_SET_PDEATHSIG), and where setpriv is missing the guest switches itself off when nobody holds the other end of
 * its channel. Everything between the two goes over socket pairs: there is no file that could stay behind or that
 * somebody else could open.
 */
export class Guest {
  readonly monitor: Monitor;
  readonly channel: Duplex;
  /** Settled when QEMU has ended, in whatever way. */
  readonly ended: Promise<GuestEnd>;
  readonly #process: ChildProcess;
  #running = true;

  private constructor(child: ChildProcess) {
    this.#process = child;
    const stream = (descriptor: number): Duplex => child.stdio[descriptor] as unknown as Duplex;
    this.monitor = new Monitor(stream(inherited.monitor));
    this.channel = stream(inherited.channel);
    // Until somebody listens: what breaks the channel is told by `ended`.
    this.channel.on('error', () => undefined);
    const serial = new LastLines(stream(inherited.serial));
    const said = new LastLines(child.stderr as NodeJS.ReadableStream);
    this.ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.#running = false;
        resolve({ reason, details: { qemu: said.read(), console: serial.read() } });
      };
      child.on('error', (thrown: NodeJS.ErrnoException) => end(`QEMU does not start (${thrown.code})`));
      child.on('close', (code, signal) => {
        end(signal === null ? `QEMU ended with ${code}` : `QEMU was ended by ${signal}`);
      });
    });
    this.lastLines = () => ({ qemu: said.read(), console: serial.read() });
  }

  /** What QEMU and the guest's console said last. */
  readonly lastLines: () => GuestEnd['details'];

  /** Starts QEMU with these words; whether it stays is told by `ended`. */
  static start(words: readonly string[]): Result<Guest> {
    if (!inPath(qemu)) {
      return failure('rigNotStarted', `${qemu} is missing; install the Debian package "qemu-system-x86".`);
    }
    const line = [qemu, ...words];
    const [program = qemu, ...rest] = inPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', ...line] : line;
    const child = spawn(program, rest, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      // A group of its own: what a terminal sends to the bench on Ctrl-C is for the bench to act on.
      detached: true,
    });
    return success(new Guest(child));
  }

  /** The process, for tests that take it away. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends QEMU: by its monitor, by SIGTERM, by SIGKILL. Comes back when it is gone. */
  async stop(): Promise<void> {
    if (this.#running) void this.monitor.execute('quit');
    if (await within(quitPatience, this.ended)) return;
    this.#process.kill('SIGTERM');
    if (await within(termPatience, this.ended)) return;
    this.#process.kill('SIGKILL');
    await this.ended;
  }
}
