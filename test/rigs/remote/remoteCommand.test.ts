import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Coordinator } from '../../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../../src-main/coordinator/recorder.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { isConcluded, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { openRemoteCommand } from '../../../src-main/rigs/remote/remoteCommand.ts';
import type { RemoteRig } from '../../../src-main/rigs/remote/remoteRig.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { decision, fatal, policyOf, rng, valueOf } from '../../coordinator/lab.ts';
import { withAgentBundle } from './agentBundle.ts';
import { bench } from './pair.ts';

const { command } = withAgentBundle();
const simulated = `${command} --simulated notify-6.1 --speed 20`;

const opened: RemoteRig[] = [];
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.close();
});

const open = async (commandLine: string, log: string[] = []) => {
  const result = await openRemoteCommand({ commandLine, bench, log: (line) => log.push(line) });
  if (result.ok) opened.push(result.value);
  return result;
};

const eventOf = (rig: RemoteRig, kind: RigEvent['kind']): Promise<RigEvent> =>
  new Promise((resolve) => {
    const stop = rig.onEvent((event) => {
      if (event.kind !== kind) return;
      stop();
      resolve(event);
    });
  });

const readFile = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
};

/** The children of this process that run the bundle: the shell has put it in its own place. */
const agents = (): number[] =>
  readdirSync('/proc/self/task').flatMap((task) => childrenOf(`/proc/self/task/${task}/children`));

const childrenOf = (path: string): number[] =>
  readFile(path)
    .split(' ')
    .filter((pid) => pid !== '' && readFile(`/proc/${pid}/cmdline`).includes('agent.mjs'))
    .map(Number);

describe('a rig behind a command', () => {
  it('is opened, used and closed, and the command ends with it', async () => {
    const log: string[] = [];
    const rig = valueOf(await open(simulated, log));
    expect(rig.info).toMatchObject({ kind: 'remote', name: `remote:${simulated}` });
    const session = valueOf(await rig.open(rng));
    valueOf(await session.arm('notify'));
    expect(agents()).toHaveLength(1);
    await rig.close();
    expect(agents()).toEqual([]);
    expect(log).toEqual(['rbench-agent: Closing 1 device(s): the console has done with them.']);
  });

  it.each([
    ['nonsense-command', 'linkLost', /not found/],
    ['exit 7', 'linkLost', /exit code 7/],
    ['echo hello; cat', 'malformedMessage', /no agent of Recovery Bench/],
    [`${command} --simulated gibberish`, 'linkLost', /no kernel profile "gibberish"/],
    [`${command} --speed 3`, 'linkLost', /--speed and --seed are for --simulated/],
    [' ', 'malformedInput', /needs a command/],
  ])('says in one sentence why %j is none', async (commandLine, code, words) => {
    const result = await open(commandLine);
    expect(result).toMatchObject({ ok: false, error: { code } });
    if (!result.ok) expect(result.error.message).toMatch(words);
    expect(agents()).toEqual([]);
  });

  it('whose agent is killed during a wait says so, and can be used again', async () => {
    const rig = valueOf(await open(simulated));
    const recorder = new Recorder(rig.clock, null);
    const coordinator = new Coordinator(rig, recorder);
    const lines: JournalLine[] = [];
    const watchers = new Set<() => void>();
    recorder.watch((line) => {
      lines.push(line);
      // The state is set before the line of its step is written, and what follows from it is known a turn later.
      for (const look of watchers) setImmediate(look);
    });
    const until = (holds: (state: RecoveryState) => boolean): Promise<RecoveryState> =>
      new Promise((resolve) => {
        const look = (): void => {
          const state = coordinator.state(rng);
          if (state === null || !holds(state)) return;
          watchers.delete(look);
          resolve(state);
        };
        watchers.add(look);
        look();
      });
    const hit = async (): Promise<void> => {
      valueOf(await coordinator.arm(rng, 'notify', policyOf()));
      valueOf(await coordinator.inject(rng, fatal, 'simulated'));
      await until(({ phase }) => phase === 'awaitingAck');
    };
    await hit();
    const lost = eventOf(rig, 'linkLost');
    const restored = eventOf(rig, 'linkRestored');
    const [agent] = agents();
    process.kill(agent ?? 0, 'SIGKILL');
    await lost;
    expect(coordinator.state(rng)?.phase).toBe('awaitingAck');
    expect(coordinator.linkLost?.code).toBe('linkLost');
    expect(await restored).toMatchObject({ closed: [rng] });
    expect(await until(isConcluded)).toMatchObject({ reason: 'closedDuringWait' });
    const said = lines.flatMap((line) => (line.type === 'kernelLog' ? [line.text] : []));
    expect(said.join('\n')).toContain('The far end has closed the device, or has ended.');
    await hit();
    valueOf(await coordinator.acknowledge(rng, decision));
    expect((await until(isConcluded)).phase).toBe('recovered');
    coordinator.dispose();
  });

  it('leaves no descriptor and no process behind, whichever way it ends', async () => {
    const cycle = async (kill: boolean): Promise<void> => {
      const rig = valueOf(await open(simulated));
      if (kill) {
        const lost = eventOf(rig, 'linkLost');
        for (const agent of agents()) process.kill(agent, 'SIGKILL');
        await lost;
      }
      await rig.close();
    };
    await cycle(true);
    await cycle(false);
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 50; round += 1) await cycle(round % 2 === 0);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
    expect(agents()).toEqual([]);
  }, 120_000);
});
