import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { RemoteRig } from '../../src-main/rigs/remote/remoteRig.ts';
import type { RigEvent } from '../../src-main/rigs/rig.ts';
import { codeOf, rng, valueOf } from '../coordinator/lab.ts';
import { withAgentBundle } from '../rigs/remote/agentBundle.ts';
import { nearEnd } from '../rigs/remote/pair.ts';

const { path: agentFile } = withAgentBundle();

const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Attached {
  readonly child: ChildProcess;
  channel(): Duplex;
  /** Its exit code and what it said on stderr. */
  readonly ended: Promise<{ code: number | null; said: string }>;
}

/** A folder for sockets; longer than a socket's address may be. */
const place = (): string => {
  const root = mkdtempSync(join(tmpdir(), 'attach-'));
  folders.push(root);
  return join(root, 'far'.repeat(40));
};

const attach = (folder: string, words: readonly string[] = []): Attached => {
  const simulated = words.includes('--simulated') ? [] : ['--simulated', 'notify-6.1', '--speed', '20'];
  const path = join(folder, 'one.sock');
  const child = spawn(process.execPath, [agentFile, '--attach', path, ...simulated, ...words], {
    stdio: 'pipe',
  });
  children.push(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return {
    child,
    channel: () => Duplex.from({ readable: child.stdout, writable: child.stdin }),
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, said }))),
  };
};

const eventOf = (rig: RemoteRig, kind: RigEvent['kind']): Promise<RigEvent> =>
  new Promise((resolve) => {
    const stop = rig.onEvent((event) => {
      if (event.kind !== kind) return;
      stop();
      resolve(event);
    });
  });

/** Settles when the folder holds nothing any more: the agent has ended. */
const emptied = (folder: string): Promise<void> =>
  new Promise((resolve) => {
    const watcher = watch(folder);
    const look = (): void => {
      if (readdirSync(folder).length > 0) return;
      watcher.close();
      resolve();
    };
    watcher.on('change', look);
    look();
  });

/** The agents that listen in this folder. */
const listening = (folder: string): number[] =>
  readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      return words.includes('--listen') && words.includes(join(folder, 'one.sock')) ? [Number(entry)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });

describe('an agent that is attached to', () => {
  it('outlives the link with its devices, is found again, and ends with the goodbye', async () => {
    const folder = place();
    const first = attach(folder);
    const rig = await nearEnd(first.channel());
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'one.sock')).mode & 0o777).toBe(0o700);
    const session = valueOf(await rig.open(rng));
    valueOf(await session.arm('notify'));
    const lost = eventOf(rig, 'linkLost');
    first.child.kill('SIGKILL');
    await lost;
    const second = attach(folder);
    const restored = eventOf(rig, 'linkRestored');
    valueOf(await rig.reconnect(second.channel()));
    expect(await restored).toMatchObject({ closed: [], dropped: 0 });
    expect(codeOf(await session.arm('notify'))).toBe('alreadyArmed');
    const gone = emptied(folder);
    await rig.close();
    expect(await second.ended).toEqual({ code: 0, said: '' });
    await gone;
  });

  it('hears the newest link, and the one before it ends', async () => {
    const folder = place();
    const first = attach(folder);
    const rig = await nearEnd(first.channel());
    valueOf(await rig.open(rng));
    const second = await nearEnd(attach(folder).channel());
    expect((await first.ended).code).toBe(0);
    // The second one knows nothing of what the first had open, which is closed.
    expect((await second.open(rng)).ok).toBe(true);
    const gone = emptied(folder);
    await second.close();
    await gone;
    await rig.close();
  });

  it('ends when nobody has come back in time, and leaves nothing', async () => {
    const folder = place();
    const { child, channel } = attach(folder, [
      '--simulated',
      'notify-6.1',
      '--speed',
      '2000',
      '--grace',
      '0',
    ]);
    const rig = await nearEnd(channel());
    valueOf(await rig.open(rng));
    const gone = emptied(folder);
    child.kill('SIGKILL');
    await gone;
    await rig.close();
  });

  it('that was killed is replaced, and the devices are said to be closed', async () => {
    const folder = place();
    const rig = await nearEnd(attach(folder).channel());
    valueOf(await rig.open(rng));
    const lost = eventOf(rig, 'linkLost');
    for (const pid of listening(folder)) process.kill(pid, 'SIGKILL');
    await lost;
    const restored = eventOf(rig, 'linkRestored');
    valueOf(await rig.reconnect(attach(folder).channel()));
    expect(await restored).toMatchObject({ closed: [rng] });
    const gone = emptied(folder);
    await rig.close();
    await gone;
  });

  it('that does not start says why, and leaves nothing', async () => {
    const folder = place();
    const { ended } = attach(folder, ['--simulated', 'gibberish']);
    const { code, said } = await ended;
    expect(code).toBe(3);
    expect(said).toMatch(/^rbench-agent: .*no kernel profile "gibberish"/);
    expect(readdirSync(folder)).toEqual([]);
  });
});
