import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RemoteRig } from '../../src-main/rigs/remote/remoteRig.ts';
import { codeOf, rng, valueOf } from '../coordinator/lab.ts';
import { withAgentBundle } from '../rigs/remote/agentBundle.ts';
import { nearEnd } from '../rigs/remote/pair.ts';
import { openPseudoTerminal } from './pseudoTerminal.ts';

const { path: agentFile } = withAgentBundle();

interface Running {
  readonly child: ChildProcess;
  readonly log: () => string;
  /** Settles when stderr has such a text. */
  said(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
}

const children: ChildProcess[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
});

const start = (words: readonly string[]): Running => {
  const child = spawn(process.execPath, [agentFile, '--simulated', 'notify-6.1', '--speed', '20', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A read that waits in the only thread of libuv would keep every answer from being written.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  });
  children.push(child);
  let log = '';
  const watchers = new Set<() => void>();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    for (const look of watchers) look();
  });
  return {
    child,
    log: () => log,
    said: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!log.includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    ended: new Promise((resolve) => child.once('exit', resolve)),
  };
};

const lost = (rig: RemoteRig): Promise<void> =>
  new Promise((resolve) => {
    rig.onEvent(({ kind }) => {
      if (kind === 'linkLost') resolve();
    });
  });

describe('a Unix socket', () => {
  const folder = (): string => mkdtempSync(join(tmpdir(), 'agent-'));
  const listen = (path: string): { next(): Promise<Socket> } => {
    const waiting: ((socket: Socket) => void)[] = [];
    const early: Socket[] = [];
    const server = createServer((socket) => {
      const take = waiting.shift();
      if (take === undefined) early.push(socket);
      else take(socket);
    }).listen(path);
    servers.push(server);
    return {
      next: () =>
        new Promise((resolve) => {
          const socket = early.shift();
          if (socket === undefined) waiting.push(resolve);
          else resolve(socket);
        }),
    };
  };

  it('is connected to again, and the devices are still open and armed', async () => {
    const place = folder();
    const host = listen(join(place, 'agent'));
    const running = start(['--channel', join(place, 'agent')]);
    const first = await host.next();
    const rig = await nearEnd(first);
    const session = valueOf(await rig.open(rng));
    valueOf(await session.arm('notify'));
    const cut = lost(rig);
    first.destroy();
    await cut;
    await running.said('1 device(s) stay open for 63 s');
    valueOf(await rig.reconnect(await host.next()));
    expect(codeOf(await session.arm('notify'))).toBe('alreadyArmed');
    await rig.close();
    await running.said('Closing 1 device(s): the console has done with them.');
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    rmSync(place, { recursive: true });
  });

  it('that nobody comes back to means that the devices are closed when the grace is over', async () => {
    const place = folder();
    const host = listen(join(place, 'agent'));
    // The longest wait for an ack, 60 s of the kernel, is 0.03 s at this speed.
    const running = start(['--channel', join(place, 'agent'), '--grace', '0', '--speed', '2000']);
    const first = await host.next();
    const rig = await nearEnd(first);
    const session = valueOf(await rig.open(rng));
    const cut = lost(rig);
    first.destroy();
    await cut;
    await running.said('Closing 1 device(s): nobody has come back.');
    valueOf(await rig.reconnect(await host.next()));
    expect(codeOf(await session.arm('notify'))).toBe('sessionClosed');
    expect((await rig.open(rng)).ok).toBe(true);
    await rig.close();
    rmSync(place, { recursive: true });
  });
});

describe('a character device', () => {
  it('carries a rig, while no thread of libuv waits for it, and SIGTERM ends the agent', async () => {
    const { path, host } = openPseudoTerminal();
    const running = start(['--channel', path]);
    const rig = await nearEnd(host);
    const session = valueOf(await rig.open(rng));
    expect(valueOf(await session.readConfig('vfio')).length).toBe(4096);
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    expect(running.log()).toContain('Closing 1 device(s): the agent ends.');
    host.destroy();
    await rig.close();
  });

  it('that is not there is one sentence with the errno', async () => {
    const running = start(['--channel', '/dev/virtio-ports/nowhere']);
    expect(await running.ended).toBe(3);
    expect(running.log()).toContain('The channel /dev/virtio-ports/nowhere cannot be opened: ENOENT.');
  });
});
