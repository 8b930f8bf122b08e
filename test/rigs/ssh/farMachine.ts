import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const found = (program: string): string | null =>
  ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin', '/bin']
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path)) ?? null;

/** What a machine behind ssh needs and this one lacks, as a sentence; null when there can be one. */
export const missingForSsh = (): string | null => {
  const missing = [
    ...(found('sshd') === null ? ['openssh-server'] : []),
    ...(found('ssh') === null || found('ssh-keygen') === null ? ['openssh-client'] : []),
  ];
  return missing.length === 0
    ? null
    : `A machine behind ssh needs the Debian packages ${missing.join(' and ')}.`;
};

/**
 * sshd as root wants this folder, and its package leaves it to the init system to make. It stays: another run of these
 * tests may be using it.
 */
const privilegeSeparation = '/run/sshd';

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const children = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);

/**
 * This machine as another one: an sshd of its own on loopback, with keys, a configuration and a home in a temporary
 * folder. The aliases of `config` are `lab` and, each with one thing wrong, `refused`, `stranger`, `unknown`, `changed`
 * and `nowhere`.
 */
export class FarMachine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'far-machine-'));
  readonly config = join(this.#folder, 'ssh_config');
  /** Its PATH, which the tests fill. */
  readonly bin = join(this.#folder, 'bin');
  readonly agents = join(this.#folder, 'home/.cache/recovery-bench/agents');
  #daemon: ChildProcess | null = null;

  async start(): Promise<void> {
    mkdirSync(join(this.#folder, 'home'));
    for (const key of ['host', 'other', 'user', 'stranger']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(this.#folder, key)]);
    }
    if (process.getuid?.() === 0) mkdirSync(privilegeSeparation, { recursive: true, mode: 0o755 });
    // Somebody else may take the port in between.
    let said: string | null = 'never tried';
    for (let attempt = 0; said !== null && attempt < 5; attempt += 1) {
      this.#configure(await freePort(), await freePort());
      said = await this.#listen();
    }
    if (said !== null) throw new Error(`sshd does not start: ${said}`);
  }

  /** Null once it listens, or what it said when it ended. */
  #listen(): Promise<string | null> {
    const daemon = spawn(found('sshd') ?? 'sshd', ['-D', '-e', '-f', join(this.#folder, 'sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#daemon = daemon;
    let said = '';
    return new Promise((resolve) => {
      daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('Server listening')) resolve(null);
      });
      daemon.once('exit', () => resolve(said));
    });
  }

  /** As it is before anybody has been here: sh, uname and Node, and an empty home. */
  reset(): void {
    rmSync(this.bin, { recursive: true, force: true });
    mkdirSync(this.bin);
    for (const program of ['sh', 'uname'])
      symlinkSync(realpathSync(found(program) ?? program), join(this.bin, program));
    symlinkSync(process.execPath, join(this.bin, 'node'));
    rmSync(join(this.#folder, 'home'), { recursive: true, force: true });
    mkdirSync(join(this.#folder, 'home'));
  }

  /** Puts a script into the place of a program. `$NODE` is this process's Node. */
  replace(program: string, script: string): void {
    const path = join(this.bin, program);
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/sh\nNODE='${process.execPath}'\n${script}\n`);
    chmodSync(path, 0o755);
  }

  remove(program: string): void {
    rmSync(join(this.bin, program));
  }

  /** Its agent serves a simulated machine. */
  simulate(speed: number): void {
    this.replace(
      'node',
      `case "$2" in --attach) exec "$NODE" "$@" --simulated notify-6.1 --speed ${speed} ;; esac\nexec "$NODE" "$@"`,
    );
  }

  /** Every file in its home, from the agents' folder on. */
  files(): string[] {
    if (!existsSync(this.agents)) return readdirSync(join(this.#folder, 'home'));
    return readdirSync(this.agents, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.agents.length + 1))
      .sort();
  }

  /** The processes of connections. */
  sessions(): number[] {
    const pid = this.#daemon?.pid;
    return pid === undefined ? [] : children(pid);
  }

  /** As when the machine between them goes down: no end says goodbye. */
  killSessions(): void {
    for (const pid of this.sessions()) process.kill(pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon !== null && daemon.exitCode === null) {
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      this.killSessions();
      daemon.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configure(port: number, closedPort: number): void {
    const at = (name: string): string => join(this.#folder, name);
    const publicKey = (name: string): string =>
      readFileSync(at(`${name}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ');
    writeFileSync(
      at('sshd_config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${at('host')}`,
        'PidFile none',
        `AuthorizedKeysFile ${at('user.pub')}`,
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'UsePAM no',
        // The folder is below /tmp, which everybody may write.
        'StrictModes no',
        'PermitRootLogin yes',
        `SetEnv PATH=${this.bin} HOME=${at('home')} XDG_CACHE_HOME=`,
      ].join('\n'),
    );
    const known = (name: string, key: string | null): string => {
      writeFileSync(at(name), key === null ? '' : `[127.0.0.1]:${port} ${publicKey(key)}\n`);
      return at(name);
    };
    const host = (name: string, ...lines: readonly string[]): string =>
      [`Host ${name}`, ...lines.map((line) => `  ${line}`)].join('\n');
    const right = known('known', 'host');
    writeFileSync(
      this.config,
      [
        host('refused', `Port ${closedPort}`),
        host('stranger', `IdentityFile ${at('stranger')}`),
        host('unknown', `UserKnownHostsFile ${known('nobody', null)}`),
        host('changed', `UserKnownHostsFile ${known('other_known', 'other')}`),
        host('nowhere', 'HostName nowhere.invalid'),
        // An identity of its own does not take the place of this one: it comes before it.
        host('* !stranger', `IdentityFile ${at('user')}`),
        host(
          '*',
          'HostName 127.0.0.1',
          `Port ${port}`,
          `User ${userInfo().username}`,
          'IdentitiesOnly yes',
          'IdentityAgent none',
          `UserKnownHostsFile ${right}`,
          'GlobalKnownHostsFile none',
        ),
      ].join('\n'),
    );
  }
}

/** Processes on this machine whose command line has these words. */
export const processesWith = (...words: readonly string[]): number[] =>
  readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      return words.every((word) => line.includes(word)) ? [Number(entry)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
