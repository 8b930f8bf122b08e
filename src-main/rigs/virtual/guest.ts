import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { failure, success, type Result } from '../../core/result.ts';
import type { GuestArchitecture } from './guestArchitecture.ts';
import { Monitor } from './monitor.ts';
import { agentPort, inherited, machines } from './qemuLine.ts';

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

/** Whether this machine has what a guest is started with. */
export const checkPrograms = (architecture: GuestArchitecture = 'x86'): Result<void> => {
  const { program: qemu, debianPackage: qemuPackage } = machines[architecture];
  for (const [program, debianPackage] of [
    [qemu, qemuPackage],
    ['setpriv', 'util-linux'],
  ] as const) {
    if (!inPath(program)) {
      return failure(
        'rigNotStarted',
        `${program} is missing; install the Debian package "${debianPackage}".`,
      );
    }
  }
  return success(undefined);
};

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

/** Before the process that a folder belongs to. */
const folderPrefix = 'recovery-bench-guest-';

/** Folders of benches that were killed: their guests went with them. */
const removeOrphans = (): void => {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(folderPrefix)
      ? Number.parseInt(name.slice(folderPrefix.length), 10)
      : Number.NaN;
    if (!(owner > 0)) continue;
    try {
      process.kill(owner, 0);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') {
        // Somebody else's folder stays.
        try {
          rmSync(join(tmpdir(), name), { recursive: true, force: true });
        } catch {
          continue;
        }
      }
    }
  }
};

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
 * A QEMU process. It does not outlive the bench, however that ends: the kernel kills it with its parent (setpriv sets
 * PR_SET_PDEATHSIG), and a guest that nobody listens to switches itself off (`init`), should the bench have died before
 * setpriv had run.
 *
 * The monitor and the guest's console are socket pairs, which nobody else can open. The agent's channel is a socket in
 * a folder of its own (mode 0700), because a conversation that broke has to be begun anew.
 */
export class Guest {
  readonly monitor: Monitor;
  /** Settled when QEMU has ended, in whatever way, and nothing of it is left. */
  readonly ended: Promise<GuestEnd>;
  readonly #process: ChildProcess;
  readonly #channelPath: string;
  readonly #serial: LastLines;
  readonly #said: LastLines;
  readonly #agentListeners = new Set<(there: boolean) => void>();
  #running = true;
  #agentIsThere = false;

  private constructor(child: ChildProcess, folder: string, channelPath: string) {
    this.#process = child;
    this.#channelPath = channelPath;
    const stream = (descriptor: number): Duplex => child.stdio[descriptor] as unknown as Duplex;
    this.monitor = new Monitor(stream(inherited.monitor));
    this.#serial = new LastLines(stream(inherited.serial));
    this.#said = new LastLines(child.stderr as NodeJS.ReadableStream);
    this.ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.#running = false;
        this.#setAgent(false);
        rmSync(folder, { recursive: true, force: true });
        resolve({ reason, details: this.lastLines() });
      };
      child.on('error', (thrown: NodeJS.ErrnoException) => end(`QEMU does not start (${thrown.code})`));
      child.on('close', (code, signal) => {
        end(signal === null ? `QEMU ended with ${code}` : `QEMU was ended by ${signal}`);
      });
    });
    this.monitor.onEvent(({ event, data }) => {
      if (event === 'VSERPORT_CHANGE' && data['id'] === agentPort) this.#setAgent(data['open'] === true);
    });
  }

  /** Starts QEMU with the words for a path of the agent's channel; whether it stays is told by `ended`. */
  static start(
    words: (channelPath: string) => readonly string[],
    architecture: GuestArchitecture = 'x86',
  ): Result<Guest> {
    const programsThere = checkPrograms(architecture);
    if (!programsThere.ok) return programsThere;
    removeOrphans();
    const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
    const channelPath = join(folder, 'agent');
    const { program } = machines[architecture];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words(channelPath)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      // A group of its own: what a terminal sends to the bench on Ctrl-C is for the bench to act on.
      detached: true,
    });
    return success(new Guest(child, folder, channelPath));
  }

  /** The process, for tests that take it away. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#running;
  }

  /** What QEMU and the guest's console said last. */
  lastLines(): GuestEnd['details'] {
    return { qemu: this.#said.read(), console: this.#serial.read() };
  }

  /** Whether an agent holds the other end of the channel. */
  get agentIsThere(): boolean {
    return this.#agentIsThere;
  }

  /** Tells when an agent opens its end of the channel, and when it lets go of it. */
  onAgent(listener: (there: boolean) => void): () => void {
    this.#agentListeners.add(listener);
    return () => this.#agentListeners.delete(listener);
  }

  /** A new conversation with the agent; QEMU hears one at a time. */
  openChannel(): Promise<Result<Duplex>> {
    return new Promise((resolve) => {
      const socket = connect(this.#channelPath);
      socket.once('connect', () => resolve(success(socket)));
      socket.once('error', (thrown: NodeJS.ErrnoException) => {
        resolve(failure('linkLost', `The guest's channel cannot be opened (${thrown.code}).`));
      });
    });
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

  #setAgent(there: boolean): void {
    if (this.#agentIsThere === there) return;
    this.#agentIsThere = there;
    for (const listener of [...this.#agentListeners]) listener(there);
  }
}
