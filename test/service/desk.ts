import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { InputOf, OutputOf } from '../../preload/contract/commands.ts';
import type { ConsoleDelta } from '../../preload/contract/deltas.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import type { ConfirmedAction, ConsoleSnapshot, JournalLine, RigView } from '../../preload/contract/views.ts';
import type { Fault } from '../../src-main/core/faults/fault.ts';
import { rigPlaces } from '../../src-main/commands/places.ts';
import type { RigPlaces } from '../../src-main/rigs/opening/rigPlaces.ts';
import { defaultPolicy, type Policy } from '../../src-main/core/recovery/policy.ts';
import type { Phase } from '../../src-main/core/recovery/phase.ts';
import type { Result } from '../../src-main/core/result.ts';
import { BenchService, type ServiceConnection, type Viewer } from '../../src-main/service/benchService.ts';
import { foldDeltas } from './foldDeltas.ts';

export const scenarios = fileURLToPath(new URL('../../resources/scenarios', import.meta.url));
export const rng = '0000:01:00.0';
export const decision = { operator: 'Ada', reason: 'lab demo' };
export const fatal: Fault = { kind: 'aer', error: 'MALF_TLP', severity: null };
export const nonFatal: Fault = { kind: 'aer', error: 'COMP_TIME', severity: null };
export const correctable: Fault = { kind: 'aer', error: 'RCVR', severity: null };

const cleanUp: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const tidy of cleanUp.splice(0).reverse()) await tidy();
});

export const emptyDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-service-'));
  cleanUp.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

/** The bench's own parts, and a cache with nothing in it. */
export const noPlaces = (): RigPlaces => ({ ...rigPlaces({}), bench: '0.0.0', cache: emptyDirectory() });

export interface DeskOptions {
  /** Nothing is recorded when left out. */
  readonly runs?: string | null;
  readonly pace?: number;
  readonly now?: () => number;
  /** Of the scenarios. */
  readonly directory?: string;
  readonly places?: RigPlaces;
}

/** A service of its own, which ends with the tests of the file. */
export const openService = (options: DeskOptions = {}): BenchService => {
  const { runs = null, pace = 1, now = Date.now } = options;
  const { directory = scenarios } = options;
  const service = new BenchService({
    runs,
    scenarios: directory,
    places: options.places ?? noPlaces(),
    now,
    pace,
  });
  cleanUp.push(() => service.close());
  return service;
};

/** A viewer as a page is one: it knows what it is told and asks for the rest. */
export class TestViewer {
  readonly connection: ServiceConnection;
  readonly deltas: ConsoleDelta[] = [];
  readonly batches: number[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(
    service: Pick<BenchService, 'connect'>,
    viewer: Viewer = { name: 'Ada', transport: 'browser' },
  ) {
    this.connection = service.connect(viewer);
    this.connection.onDeltas((batch) => {
      this.batches.push(batch.length);
      this.deltas.push(...batch);
      for (const look of this.#waiting) look();
    });
  }

  execute<Name extends CommandName>(name: Name, input: InputOf<Name>): Promise<Result<OutputOf<Name>>> {
    return this.connection.execute(name, input) as Promise<Result<OutputOf<Name>>>;
  }

  /** The answer to a command that has to be granted. */
  async ask<Name extends CommandName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>> {
    const result = await this.execute(name, input);
    if (!result.ok) throw new Error(`${name}: ${result.error.code}: ${result.error.message}`);
    return result.value;
  }

  /** The code with which a command is refused, or `ok`. */
  async codeOf(name: CommandName, input: unknown): Promise<string> {
    const result = await this.connection.execute(name, input);
    return result.ok ? 'ok' : result.error.code;
  }

  snapshot(): Promise<ConsoleSnapshot> {
    return this.ask('snapshot', {});
  }

  async rig(id: string): Promise<RigView> {
    const rig = (await this.snapshot()).rigs.find((candidate) => candidate.id === id);
    if (rig === undefined) throw new Error(`no rig ${id}`);
    return rig;
  }

  async phaseOf(rig: string, device = rng): Promise<Phase | null> {
    const { armed } = await this.rig(rig);
    return armed.find((view) => view.device === device)?.state.phase ?? null;
  }

  async token(rig: string, action: ConfirmedAction, device = rng): Promise<string> {
    return (await this.ask('confirmation', { rig, device, action })).token;
  }

  async arm(rig: string, device = rng, policy: Partial<Policy> = {}): Promise<void> {
    await this.ask('arm', { rig, device, protocol: 'notify', policy: { ...defaultPolicy, ...policy } });
  }

  async inject(rig: string, fault: Fault = fatal, device = rng): Promise<void> {
    const token = await this.token(rig, 'inject', device);
    await this.ask('inject', { rig, device, token, injector: 'simulated', fault });
  }

  lines(rig: string): JournalLine[] {
    return this.deltas.flatMap((delta) => (delta.kind === 'line' && delta.rig === rig ? [delta.line] : []));
  }

  /** Settles with the first delta, from now on or before, for which this holds. */
  async until(what: string, holds: (delta: ConsoleDelta) => boolean, within = 15_000): Promise<void> {
    let seen = 0;
    const look = (): boolean => {
      for (; seen < this.deltas.length; seen += 1) if (holds(this.deltas[seen] as ConsoleDelta)) return true;
      return false;
    };
    if (look()) return;
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (look()) finish(resolve);
      };
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`not told within ${within} ms: ${what}`))),
        within,
      );
      this.#waiting.add(check);
    });
  }

  /** Until nothing has been told for longer than it takes to tell anything. */
  async quiet(milliseconds = 500): Promise<void> {
    for (let told = -1; told !== this.deltas.length;) {
      told = this.deltas.length;
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    }
  }

  /** Until a line says so, counted from the line with this number on. */
  phase(rig: string, phase: Phase, device = rng, after = 0): Promise<void> {
    return this.until(
      `${device} ${phase}`,
      (delta) =>
        delta.kind === 'line' &&
        delta.rig === rig &&
        delta.line.type === 'step' &&
        delta.line.device === device &&
        delta.line.seq > after &&
        (delta.line.phase === phase ||
          delta.line.effects.some((effect) => effect.kind === 'conclude' && effect.outcome === phase)),
    );
  }

  /** What a page shows that began with this snapshot and was told everything after it. */
  shownSince(snapshot: ConsoleSnapshot): ReturnType<typeof foldDeltas> {
    return foldDeltas(
      snapshot,
      this.deltas.filter(({ number }) => number > snapshot.number),
    );
  }
}

export interface AddedRig {
  readonly topology?: string;
  readonly profile?: string;
  readonly ackTimeout?: number | null;
}

export const addRig = (
  viewer: TestViewer,
  { topology = 'single', profile = 'notify-7.2', ackTimeout = null }: AddedRig = {},
): Promise<string> => viewer.ask('addRig', { kind: 'simulated', profile, topology, seed: 1, ackTimeout });
