import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src-main/commands/places.ts';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { parsePciAddress } from '../../src-main/core/pci/address.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { backgroundFiles } from '../../src-main/journal/files.ts';
import { replayJournal } from '../../src-main/journal/replayJournal.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import type { VirtualRig } from '../../src-main/rigs/virtual/virtualRig.ts';
import { agentOf, lastWordsOfGuests, name, rigOf, startGuest, type ShelledGuest } from './guests.ts';
import { valueOf } from './valueOf.ts';

/** Fifty in a row: how often each is killed. What takes a boot, or a start of Node in an emulator, comes less often. */
const kills = { console: 39, agent: 6, consoleWithGuest: 3, qemu: 2 } as const;

/** The seed of the moments; `RIG_SEED=… npm run -s test:rig` has the same ones again. */
const seed = Number(process.env['RIG_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
process.stderr.write(`The moments of the kills are those of RIG_SEED=${seed}.\n`);

/** Park and Miller's generator: the same everywhere. */
let state = (seed % 2_147_483_646) + 1;
const below = (bound: number): number => {
  state = (state * 48_271) % 2_147_483_647;
  return state % bound;
};
/** Milliseconds into the wait; the kernel waits for ten seconds. */
const randomMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, below(600)));
const ackTimeout = { moduleParameters: { ack_timeout_ms: '10000' } };

const address = valueOf(parsePciAddress('0000:01:00.0'));
const unanswered = join(import.meta.dirname, 'unanswered.yaml');

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-kills-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

afterEach(({ task }) => {
  for (const child of children) child.kill('SIGKILL');
  if (task.result?.state === 'fail') process.stderr.write(`${lastWordsOfGuests()}\n`);
});

/** Every line is there and says what the core says; only the last one may be unfinished. */
const expectWhole = async (folder: string): Promise<void> => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  expect(files).toHaveLength(1);
  const { replay, findings, summary } = valueOf(await replayJournal(join(folder, files[0] ?? '')));
  expect(findings.filter(({ kind }) => kind !== 'tornLastLine')).toEqual([]);
  expect(replay.divergences()).toEqual([]);
  expect(summary.lines).toBeGreaterThan(5);
};

/** QEMUs of a process, which are its children: setpriv becomes QEMU. */
const qemusOf = (parent: number): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return status.includes('qemu-system') && status.includes(`\nPPid:\t${parent}\n`);
      } catch {
        return false;
      }
    });

/** Settles when a process that is no child of ours is gone. */
const gone = async (pid: number): Promise<void> => {
  for (;;) {
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

interface Console {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Settles when the console has said something of which this holds. */
  until(what: string, holds: (line: JournalLine) => boolean): Promise<void>;
  kill(): Promise<void>;
}

/** Consoles that run: a test that fails leaves its own behind, which would keep the guest's channel from the next. */
const children = new Set<ChildProcess>();

/** A console in a process of its own, which arms the device and waits. */
const startConsole = (rig: string): Console => {
  const folder = newFolder();
  const words = ['scenario', 'run', unanswered, '--rig', rig, '--json', '--runs', folder];
  const child = spawn(process.execPath, [join(packageRoot(), 'src-main/cli.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const lines: JournalLine[] = [];
  let errors = '';
  let wake = (): void => undefined;
  let ended = false;
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(JSON.parse(line) as JournalLine);
    wake();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    errors += bytes.toString('utf8');
  });
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => {
      children.delete(child);
      ended = true;
      wake();
      resolve();
    });
  });
  return {
    child,
    folder,
    until: async (what, holds) => {
      while (!lines.some(holds)) {
        if (ended) throw new Error(`The console ended before it said "${what}": ${errors}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};

/** The first step of the scenario. The line that says "armed" is on the disk before the kernel is told. */
const isArmed = (line: JournalLine): boolean =>
  line.type === 'scenario' && line.step === 1 && line.result === 'passed';
const isWaiting = (line: JournalLine): boolean => line.type === 'step' && line.phase === 'awaitingAck';

interface KernelWords {
  readonly recovered: number;
  readonly failed: number;
  readonly timedOut: number;
}

/** What the guest's kernel has said of its recoveries, when it has ended that many. */
const kernelWordsAfter = async (guest: ShelledGuest, recoveries: number): Promise<KernelWords> => {
  for (;;) {
    const words = await kernelWords(guest);
    // A closed device lets the kernel go on, which it does in a thread of its own.
    if (words.recovered + words.failed >= recoveries) return words;
  }
};

/** What the guest's kernel has said so far. */
const kernelWords = async ({ shell }: ShelledGuest): Promise<KernelWords> => {
  const count = async (words: string): Promise<number> =>
    Number((await shell.try(`dmesg | grep -c '${words}'`)).text);
  return {
    recovered: await count('device recovery successful'),
    failed: await count('device recovery failed'),
    timedOut: await count('timed out waiting for userspace ack'),
  };
};

describe(`with RIG_SEED=${seed}`, () => {
  describe('one guest outlives', () => {
    let guest: ShelledGuest;
    beforeAll(async () => {
      guest = await startGuest(ackTimeout);
    });
    afterAll(() => guest.stop());

    it(`${kills.console} consoles that are killed while the kernel waits`, { timeout: 400_000 }, async () => {
      const rig = `remote:node ${join(import.meta.dirname, 'pipe.ts')} ${guest.channelPath}`;
      for (let number = 1; number <= kills.console; number += 1) {
        const console = startConsole(rig);
        await console.until('armed', isArmed);
        // The device of the console before was closed during the wait: the kernel took that for an ack (observation 10).
        const before = number - 1;
        expect({ number, ...(await kernelWordsAfter(guest, before)) }).toEqual({
          number,
          recovered: before,
          failed: 0,
          timedOut: 0,
        });
        valueOf(await guest.guest.monitor.human('pcie_aer_inject_error dut0 COMP_TIME'));
        await console.until('awaitingAck', isWaiting);
        await randomMoment();
        await console.kill();
        await expectWhole(console.folder);
        expect(guest.guest.running).toBe(true);
      }
    });

    it(`its agent, killed ${kills.agent} times while the kernel waits`, { timeout: 400_000 }, async () => {
      const rig = await rigOf(guest);
      for (let number = 1; number <= kills.agent; number += 1) await killAgent(guest, rig, number);
    });
  });

  it(`the console that started a guest takes it along`, { timeout: 400_000 }, async () => {
    for (let number = 1; number <= kills.consoleWithGuest; number += 1) {
      const console = startConsole(name);
      await console.until('armed', isArmed);
      const [qemu = 0, ...more] = qemusOf(console.child.pid ?? 0);
      expect({ number, started: qemu > 0, more }).toEqual({ number, started: true, more: [] });
      await randomMoment();
      await console.kill();
      await gone(qemu);
      await expectWhole(console.folder);
    }
  });

  it(`a console whose QEMU is killed says so, and starts another`, { timeout: 400_000 }, async () => {
    for (let number = 1; number <= kills.qemu; number += 1) {
      const guest = await startGuest(ackTimeout);
      const rig = await rigOf(guest);
      const { lines, coordinator, folder, end, until } = await benchOn(rig);
      await reachWait(coordinator, until);
      await randomMoment();
      process.kill(guest.guest.pid ?? 0, 'SIGKILL');
      await guest.guest.ended;
      await until('the link is lost', (line) => textOf(line).startsWith('The link to the rig is lost'));
      const refused = await rig.devices();
      expect({ number, refused: refused.ok ? null : refused.error.code }).toEqual({
        number,
        refused: 'linkLost',
      });
      expect(coordinator.state(address)?.phase).toBe('awaitingAck');
      expect(lines.some((line) => line.type === 'step' && line.phase === 'recovered')).toBe(false);
      await end();
      await rig.close();
      await expectWhole(folder);
    }
    expect(qemusOf(process.pid)).toEqual([]);
  });
});

const textOf = (line: JournalLine): string => (line.type === 'kernelLog' ? line.text : '');

type Until = (what: string, holds: (line: JournalLine) => boolean) => Promise<void>;

interface Bench {
  readonly coordinator: Coordinator;
  readonly lines: readonly JournalLine[];
  readonly folder: string;
  readonly until: Until;
  readonly end: () => Promise<void>;
}

/** A bench in this process, with a journal. */
const benchOn = async (rig: VirtualRig): Promise<Bench> => {
  const folder = newFolder();
  const { kind, title, kernel, architecture } = rig.info;
  const journal = valueOf(
    createJournal({
      directory: folder,
      header: { bench: 'test', rig: { kind, name, title, kernel, architecture } },
      at: rig.clock.now(),
      now: Date.now,
      files: backgroundFiles,
    }),
  );
  const recorder = new Recorder(rig.clock, journal);
  const lines: JournalLine[] = [];
  const wakes = new Set<() => void>();
  recorder.watch((line) => {
    lines.push(line);
    for (const wake of [...wakes]) wake();
  });
  const coordinator = new Coordinator(rig, recorder);
  return {
    coordinator,
    lines,
    folder,
    until: (_, holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!lines.some(holds)) return;
          wakes.delete(look);
          resolve();
        };
        wakes.add(look);
        look();
      }),
    end: async () => {
      coordinator.dispose();
      recorder.record({ type: 'end', outcome: 'killed' }, 'durable');
      valueOf(await journal.close());
    },
  };
};

const reachWait = async (coordinator: Coordinator, until: Until): Promise<void> => {
  valueOf(await coordinator.arm(address, 'notify', { ...defaultPolicy, decision: 'neverAck' }));
  const fault = { kind: 'aer', error: 'COMP_TIME', severity: 'nonFatal' } as const;
  valueOf(await coordinator.inject(address, fault, 'qemuMonitor'));
  await until('awaitingAck', isWaiting);
};

/** The kernel closes what the agent had open: it takes that for an ack, and 6.1 resets nothing (observations 2, 10). */
const killAgent = async (guest: ShelledGuest, rig: VirtualRig, number: number): Promise<void> => {
  const before = await kernelWords(guest);
  const { lines, coordinator, folder, end, until } = await benchOn(rig);
  await reachWait(coordinator, until);
  await randomMoment();
  await guest.shell.run('kill -9 $(pidof node)');
  await until('lost', (line) => textOf(line).startsWith('The link to the rig is lost'));
  await agentOf(guest.guest);
  await until('back', (line) => textOf(line).startsWith('The link to the rig is back.'));
  await until('its end', (line) => line.type === 'step' && line.phase === 'failed');
  expect({ number, ...(await kernelWordsAfter(guest, before.recovered + 1)) }).toEqual({
    number,
    ...before,
    recovered: before.recovered + 1,
  });
  const last = lines.findLast((line) => line.type === 'step');
  expect(last).toMatchObject({ reason: 'closedDuringWait', phase: 'failed' });
  expect(lines.some((line) => textOf(line) === 'The far end has closed the device, or has ended.')).toBe(
    true,
  );
  await end();
  await expectWhole(folder);
  const session = valueOf(await rig.open(address));
  expect({ number, proof: (await session.prove()).verdict }).toEqual({ number, proof: 'proven' });
  valueOf(await session.close());
};
