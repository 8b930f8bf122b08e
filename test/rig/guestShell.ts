import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Behind what a command says, with its exit status. */
const endOf = (number: number): RegExp => new RegExp(`([^]*)<end ${number} (\\d+)>\\n`);

/**
 * A root shell in a guest, on a port of its own: what the rig itself cannot tell or do, such as to kill its agent.
 * `words` are for QEMU's line; the guest's `init` puts a shell to the port.
 */
export class GuestShell {
  readonly words: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'recovery-bench-shell-'));
  #socket: Socket | null = null;
  #said = '';
  #wake: () => void = () => undefined;
  #last = 0;

  constructor() {
    this.words = [
      ...['-chardev', `socket,id=shell,path=${this.#path},server=on,wait=off`],
      ...['-device', 'virtserialport,id=shellPort,bus=serialBus.0,chardev=shell,name=shell.0'],
    ];
  }

  get #path(): string {
    return join(this.#folder, 'shell');
  }

  /** What a command says, when it has ended with 0. */
  async run(command: string): Promise<string> {
    const { status, text } = await this.try(command);
    if (status !== 0) throw new Error(`In the guest, "${command}" ended with ${status}: ${text}`);
    return text;
  }

  async try(command: string): Promise<{ readonly status: number; readonly text: string }> {
    const socket = await this.#connected();
    this.#last += 1;
    const number = this.#last;
    socket.write(`${command}\necho "<end ${number} $?>"\n`);
    for (;;) {
      const [whole, text, status] = endOf(number).exec(this.#said) ?? [];
      if (whole !== undefined) {
        this.#said = '';
        return { status: Number(status), text: (text ?? '').trim() };
      }
      if (socket.destroyed) throw new Error(`The guest is gone; it said: ${this.#said}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Puts a program in the place of the shell, and answers the other end of its standard streams. */
  async become(command: string): Promise<Socket> {
    await this.run('true');
    const socket = await this.#connected();
    this.#socket = null;
    socket.removeAllListeners('data');
    socket.write(`exec ${command}\n`);
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== null) return this.#socket;
    const socket = connect(this.#path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('data', (bytes: Buffer) => {
      this.#said += bytes.toString('latin1').replaceAll('\r', '');
      this.#wake();
    });
    socket.on('close', () => this.#wake());
    socket.on('error', () => undefined);
    this.#socket = socket;
    return socket;
  }
}
