import type { InputOf, OutputOf } from '../../preload/contract/commands.ts';
import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import { rigPlaces, scenarioDirectory } from '../../src-main/commands/places.ts';
import type { LineOf } from '../../src-main/core/journal/line.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { done, type Result } from '../../src-main/core/result.ts';
import { defaultProfile } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { BenchService, type ServiceConnection } from '../../src-main/service/benchService.ts';
import { watchLoop } from './loopWatch.ts';

export interface StormReport {
  readonly rig: string;
  /** Lines of the run's journal at the end of the storm. */
  readonly lines: number;
  /** Lines a second while it lasted. */
  readonly rate: number;
  /** When each signal of the watched device came, in milliseconds since 1970 on the rig's clock. */
  readonly signals: readonly number[];
  /** The longest that this process kept its event loop from its turn, in milliseconds. */
  readonly blocked: number;
}

/** Recorded lines a second. */
const stormRate = 1_000;
/** How long the ack of the watched device is kept back, in milliseconds: its phase has to stay to be seen. */
const thinking = 200;

const fault = { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' } as const;

const afterMilliseconds = (time: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, time));

/** What the console of a door shows, with one big rig in it, and a driver that makes it storm. */
export class ConsolePageHost extends BenchService {
  readonly #driver: ServiceConnection;
  readonly #topology: string;
  readonly #idle = new Set<string>();
  readonly #awaited = new Map<string, () => void>();
  #lines = 0;
  #concluded = 0;
  #wallOffset = 0;
  #watched = '';
  #signals: number[] = [];

  constructor(runs: string, functions: number) {
    super({ runs, scenarios: scenarioDirectory(), places: rigPlaces(process.env), now: Date.now });
    this.#topology = `many-${functions}`;
    // Who comes first drives; the page looks on.
    this.#driver = this.connect({ name: 'Storm', transport: 'browser' });
    this.#driver.onDeltas((batch) => this.#take(batch));
  }

  /** The big rig in place of the one that a console begins with. */
  override async start(): Promise<Result<void>> {
    await this.#ask('addRig', {
      kind: 'simulated',
      profile: defaultProfile,
      topology: this.#topology,
      seed: 1,
      ackTimeout: null,
    });
    return done;
  }

  /** Arms every endpoint. The policy acks for all but the first one, which is the one that pages look at. */
  async arm(): Promise<void> {
    const { id, devices } = await this.#rig();
    const endpoints = devices.filter(({ kind }) => kind === 'endpoint').map(({ address }) => address);
    this.#watched = endpoints[0] ?? '';
    for (const device of endpoints) {
      const decision = device === this.#watched ? 'askPerson' : 'ackWhenQuiesced';
      await this.#ask('arm', { rig: id, device, protocol: 'notify', policy: { ...defaultPolicy, decision } });
      if (device !== this.#watched) this.#idle.add(device);
    }
  }

  /** Fatal errors on all that is armed, at `stormRate` lines a second. */
  async storm(seconds: number): Promise<StormReport> {
    const { id } = await this.#rig();
    this.#wallOffset = await this.#readWallOffset();
    const loop = watchLoop();
    const started = performance.now();
    const until = started + seconds * 1_000;
    const [rate] = await Promise.all([this.#waves(id, started, until), this.#watchedCycles(id, until)]);
    const { worst } = loop.stop();
    const { recent } = await this.#rig();
    return {
      rig: id,
      lines: recent.at(-1)?.seq ?? 0,
      rate,
      signals: this.#signals,
      blocked: worst.own,
    };
  }

  /** Answers how many lines a second were recorded until then. */
  async #waves(rig: string, started: number, until: number): Promise<number> {
    const others = this.#idle.size;
    const [linesBefore, concludedBefore] = [this.#lines, this.#concluded];
    const injecting = new Set<Promise<void>>();
    let faults = 0;
    while (performance.now() < until) {
      const recorded = this.#lines - linesBefore;
      const ended = this.#concluded - concludedBefore;
      const perRecovery = ended < others ? 30 : recorded / ended;
      const due = ((performance.now() - started) / 1_000) * stormRate;
      // Those in flight have about half of their lines.
      let expected = recorded + ((faults - ended) * perRecovery) / 2;
      for (; expected < due; expected += perRecovery / 2) {
        const [device] = this.#idle;
        if (device === undefined) break;
        this.#idle.delete(device);
        faults += 1;
        const injected = this.#inject(rig, device);
        injecting.add(injected);
        void injected.finally(() => injecting.delete(injected));
      }
      await afterMilliseconds(5);
    }
    const rate = (this.#lines - linesBefore) / ((performance.now() - started) / 1_000);
    await Promise.all(injecting);
    while (this.#idle.size < others) await afterMilliseconds(20);
    return rate;
  }

  async #watchedCycles(rig: string, until: number): Promise<void> {
    const device = this.#watched;
    const decision = { operator: 'Storm', reason: 'measured' };
    while (performance.now() < until) {
      const waits = this.#until(`${device} awaitingAck`);
      await this.#inject(rig, device);
      await waits;
      await afterMilliseconds(thinking);
      const recovered = this.#until(`${device} recovered`);
      const { token } = await this.#ask('confirmation', { rig, device, action: 'acknowledge' });
      await this.#ask('acknowledge', { rig, device, token, ...decision });
      await recovered;
      await afterMilliseconds(thinking);
    }
  }

  async #inject(rig: string, device: string): Promise<void> {
    const { token } = await this.#ask('confirmation', { rig, device, action: 'inject', fault });
    await this.#ask('inject', { rig, device, token, injector: 'simulated', fault });
  }

  #until(moment: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(moment, resolve));
  }

  #take(batch: DeltaBatch): void {
    for (const delta of batch) {
      if (delta.kind !== 'line') continue;
      this.#lines += 1;
      if (delta.line.type === 'step') this.#step(delta.line);
    }
  }

  #step({ device, event, phase, effects }: LineOf<'step'>): void {
    if (device === this.#watched) {
      // The first of a recovery: the second one says that slot_reset ran.
      if (phase === 'errorDetected' && event.kind === 'signal') {
        this.#signals.push(this.#wallOffset + event.at / 1_000);
      }
      const moment = `${device} ${phase}`;
      this.#awaited.get(moment)?.();
      this.#awaited.delete(moment);
    } else if (effects.some(({ kind }) => kind === 'conclude')) {
      this.#concluded += 1;
      this.#idle.add(device);
    }
  }

  /**
   * Milliseconds since 1970 at the rig's time 0. A clock that waits for its own timers is behind, never ahead: of a few
   * looks, some time apart, the least is right.
   */
  async #readWallOffset(): Promise<number> {
    let least = Infinity;
    for (let look = 0; look < 20; look += 1) {
      await afterMilliseconds(25);
      const { now } = await this.#rig();
      least = Math.min(least, Date.now() - now / 1_000);
    }
    return least;
  }

  async #rig(): Promise<OutputOf<'snapshot'>['rigs'][number]> {
    const [rig] = (await this.#ask('snapshot', {})).rigs;
    if (rig === undefined) throw new Error('The host has no rig.');
    return rig;
  }

  async #ask<Name extends CommandName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>> {
    const answer = await this.#driver.execute(name, input);
    if (!answer.ok) throw new Error(`${name}: ${answer.error.message} (${answer.error.code})`);
    return answer.value as OutputOf<Name>;
  }
}
