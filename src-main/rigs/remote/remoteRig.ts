import type { Duplex } from 'node:stream';
import type { FaultReceipt, FaultRequest, FaultTarget, InjectorOffer } from '../../core/faults/fault.ts';
import type { PlatformOffer } from '../../core/faults/platformPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { TraceState } from '../../core/kernelTrace/told.ts';
import type { PlatformAction, PlatformReport } from '../../core/zpci/platformActions.ts';
import type { FaultWitness } from '../faultWitness.ts';
import type { KernelTracer } from '../kernelTracer.ts';
import type { PlatformRig } from '../platformRig.ts';
import type { DeviceSession, DeviceSummary, Disposer, Rig, RigEvent, RigInfo } from '../rig.ts';
import { Calls, type Outcome } from './calls.ts';
import { EventStream } from './eventStream.ts';
import { greet, learnClock, lookAtClock, within, type Greeting } from './greet.ts';
import type { Link } from './link.ts';
import {
  callLimits,
  eventNotification,
  greetings,
  numberedEvent,
  type AnswerOf,
  type CallName,
  type Hello,
  type InputOf,
} from './protocol.ts';
import { RemoteClock } from './remoteClock.ts';
import type { FarEvent } from './shapes.ts';
import { unpackConfig } from './packedConfig.ts';
import { doneOfCall, RemoteSession, resultOfCall } from './remoteSession.ts';

/** In milliseconds. */
export interface LinkTiming {
  /** How often the far clock is read, and the link tried. */
  readonly heartbeat: number;
  /** A heartbeat that is not answered for this long means that the link is lost. */
  readonly silence: number;
  /** How long the first answer may take, in which a far end may have to log in and to start. */
  readonly greeting: number;
  /** How long calls under way wait for the next link before their callers are told that nobody knows. */
  readonly patience: number;
  readonly limits: Readonly<Record<keyof typeof callLimits, number>>;
}

export const usualTiming: LinkTiming = {
  heartbeat: 5_000,
  silence: 15_000,
  greeting: 15_000,
  patience: 60_000,
  limits: callLimits,
};

export interface RemoteRigOptions {
  /** Bytes to and from an agent. The rig owns it from here on. */
  readonly channel: Duplex;
  readonly kind: 'remote' | 'virtual';
  readonly name: string;
  /** Without one, the far end's title with the word "remote". */
  readonly title?: string;
  /** The version of this bench, for the words of a refusal. */
  readonly bench: string;
  readonly timing?: Partial<LinkTiming>;
  /** What else ends with the rig: the process or the machine behind the channel. */
  readonly release?: () => Promise<void>;
}

/**
 * A rig whose machine is behind an agent. While the link is lost, nothing is known of the machine: new calls are
 * refused with `linkLost`, calls under way wait for the next link, and `reconnect` tells what was missed.
 */
export class RemoteRig implements Rig, FaultWitness, KernelTracer, PlatformRig {
  readonly info: RigInfo;
  readonly clock: RemoteClock;
  readonly #bench: string;
  readonly #timing: LinkTiming;
  readonly #release: () => Promise<void>;
  readonly #calls: Calls;
  readonly #events: EventStream;
  readonly #sessions = new Map<number, RemoteSession>();
  readonly #listeners = new Set<(event: RigEvent) => void>();
  #link: Link | null = null;
  #agent: string;
  #heartbeat: NodeJS.Timeout | null = null;
  #patience: NodeJS.Timeout | null = null;
  #dropped = 0;
  #refused = 0;
  #connecting = false;
  #closed = false;

  constructor(info: RigInfo, clock: RemoteClock, agent: string, options: RemoteRigOptions) {
    const timing = { ...usualTiming, ...options.timing };
    this.info = info;
    this.clock = clock;
    this.#bench = options.bench;
    this.#timing = timing;
    this.#release = options.release ?? (() => Promise.resolve());
    this.#agent = agent;
    this.#calls = new Calls(info.title, timing.limits);
    this.#events = new EventStream({
      tell: (event) => this.#emit(onClock(event, clock)),
      ask: (after) => void this.#askForEvents(after),
      dropped: (count) => {
        this.#dropped += count;
      },
    });
  }

  get link(): 'up' | 'lost' {
    return this.#link === null ? 'lost' : 'up';
  }

  /** Lines and events that came and were none. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Goes on over another channel, which the rig owns from here on. What was missed is told before this settles; when
   * it fails the link stays as it was.
   */
  async reconnect(channel: Duplex): Promise<Result<void>> {
    if (this.#closed || this.#connecting) {
      channel.destroy();
      return this.#closed
        ? this.#rigClosed()
        : failure('busy', `${this.info.title} is being connected already.`);
    }
    this.#connecting = true;
    // The far end hears one channel: a link that only looks alive ends here.
    this.#lose('another channel takes its place');
    const greeted = await greet(channel, {
      title: this.info.title,
      bench: this.#bench,
      resume: { agent: this.#agent, after: this.#events.last },
      silence: this.#timing.greeting,
    });
    this.#connecting = false;
    if (!greeted.ok) return greeted;
    const { link, hello } = greeted.value;
    if (this.#closed) {
      link.close();
      return this.#rigClosed();
    }
    if (hello.agent !== this.#agent) {
      this.#calls.giveUp(`Another agent answers at ${this.info.title}; the one that was asked is gone.`);
      this.#agent = hello.agent;
      this.clock.restart(hello.time);
    }
    const closed = this.#closeAllBut(hello);
    if (hello.resumed) this.#events.fill(hello.missed);
    else this.#events.begin(hello.missed.last);
    this.#adopt(greeted.value);
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#emit({ kind: 'linkRestored', at: this.clock.now(), dropped, closed });
    return done;
  }

  async devices(): Promise<Result<readonly DeviceSummary[]>> {
    return resultOfCall(await this.#ask('devices', {}));
  }

  async open(address: PciAddress): Promise<Result<DeviceSession>> {
    const outcome = await this.#ask('open', { address }, (late) => {
      // Nobody waits for it any more, and it would be busy for ever.
      if (late.ok) void this.#calls.call('close', { session: late.value.session });
    });
    const opened = resultOfCall(outcome);
    if (!opened.ok) return opened;
    const { session: number, capabilities, opening, setUp } = opened.value;
    const session = new RemoteSession({
      ...{ calls: this.#calls, clock: this.clock, session: number, address, capabilities, setUp },
      opening: {
        vfio: opening.vfio === null ? null : unpackConfig(opening.vfio),
        hardware: opening.hardware === null ? null : unpackConfig(opening.hardware),
      },
      closed: () => this.#sessions.delete(number),
    });
    this.#sessions.set(number, session);
    return success(session);
  }

  async injectors(address: PciAddress): Promise<Result<readonly InjectorOffer[]>> {
    return resultOfCall(await this.#ask('injectors', { address }));
  }

  async faultTarget(address: PciAddress): Promise<Result<FaultTarget>> {
    return resultOfCall(await this.#ask('faultTarget', { address }));
  }

  async inject(request: FaultRequest): Promise<Result<FaultReceipt>> {
    const injected = resultOfCall(await this.#ask('inject', { request }));
    return injected.ok ? success({ ...injected.value, at: this.clock.heard(injected.value.at) }) : injected;
  }

  async expectFault(request: FaultRequest): Promise<Result<number>> {
    return resultOfCall(await this.#ask('expectFault', { request }));
  }

  async settleFault(expectation: number): Promise<Result<FaultReceipt['delivery']>> {
    return resultOfCall(await this.#ask('settleFault', { expectation }));
  }

  async traceKernel(wish: 'on' | 'off' | 'ask'): Promise<Result<TraceState>> {
    return resultOfCall(await this.#ask('traceKernel', { wish }));
  }

  async bind(address: PciAddress, driver: string | null): Promise<Result<void>> {
    return doneOfCall(await this.#ask('bind', { address, driver }));
  }

  async rescan(): Promise<Result<readonly PciAddress[]>> {
    return resultOfCall(await this.#ask('rescan', {}));
  }

  async platformOffers(address: PciAddress): Promise<Result<readonly PlatformOffer[]>> {
    return resultOfCall(await this.#ask('platformOffers', { address }));
  }

  async platformAct(address: PciAddress, action: PlatformAction): Promise<Result<PlatformReport>> {
    return resultOfCall(await this.#ask('platformAct', { address, action }));
  }

  onEvent(listener: (event: RigEvent) => void): Disposer {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the agent to close what is open; one that does not answer closes it by itself when its grace is over. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimers();
    const link = this.#link;
    this.#link = null;
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
    if (link !== null) {
      await within(this.#timing.silence, link.request('bye', {})).catch(() => undefined);
      link.close();
    }
    this.#calls.linkDown();
    this.#calls.giveUp(`${this.info.title} was closed.`);
    this.clock.close();
    await this.#release();
  }

  #rigClosed(): { readonly ok: false; readonly error: ReturnType<typeof failure>['error'] } {
    return failure('rigClosed', 'This rig is closed.');
  }

  #ask<Name extends CallName>(
    name: Name,
    input: InputOf<Name>,
    late?: (answer: AnswerOf<Name>) => void,
  ): Promise<Outcome<Name>> {
    if (this.#closed) return Promise.resolve({ answered: false, error: this.#rigClosed().error });
    return this.#calls.call(name, input, late);
  }

  /** Says something about the link itself, where what the machine says is read. */
  remark(text: string): void {
    if (!this.#closed) this.#emit({ kind: 'kernelLog', at: this.clock.now(), address: null, text });
  }

  /** For `openRemoteRig`: the first link. */
  begin(greeting: Greeting): void {
    this.#events.begin(greeting.hello.missed.last);
    this.#adopt(greeting);
  }

  #adopt({ link, listen }: Greeting): void {
    this.#link = link;
    this.#stopTimers();
    listen({
      onNotification: (method, params) => this.#hear(method, params),
      onRefused: () => {
        this.#refused += 1;
      },
      onEnd: (reason) => this.#lose(reason),
    });
    this.#calls.linkUp(link);
    this.#heartbeat = setInterval(() => void this.#beat(link), this.#timing.heartbeat).unref();
    void learnClock(link, this.clock, this.#timing.silence).catch(() => undefined);
  }

  #closeAllBut({ agent, sessions }: Hello): readonly PciAddress[] {
    const held = new Set(agent === this.#agent ? sessions.map(({ session }) => session) : []);
    return [...this.#sessions].flatMap(([number, session]) => {
      if (held.has(number)) return [];
      session.end();
      this.#sessions.delete(number);
      return [session.address];
    });
  }

  #hear(method: string, params: unknown): void {
    const parsed = method === eventNotification ? numberedEvent.safeParse(params) : null;
    if (parsed?.success === true) this.#events.take(parsed.data);
    else this.#refused += 1;
  }

  async #askForEvents(after: number): Promise<void> {
    const link = this.#link;
    if (link === null) return;
    const asked = within(this.#timing.silence, link.request('events', { after }));
    const parsed = greetings.events.answer.safeParse(await asked.catch(() => null));
    if (link !== this.#link) return;
    if (!parsed.success) return this.#lose('events were lost, and it does not say which');
    this.#events.fill(parsed.data);
    if (this.#dropped === 0) return;
    const text = `${this.#dropped} events of ${this.info.title} are lost: it said more than it keeps.`;
    this.#dropped = 0;
    this.remark(text);
  }

  async #beat(link: Link): Promise<void> {
    try {
      const { sent, far } = await lookAtClock(link, this.#timing.silence);
      if (link === this.#link) this.clock.add({ sent, received: performance.now(), far });
    } catch {
      if (link === this.#link) this.#lose(`nothing was heard for ${this.#timing.silence / 1_000} s`);
    }
  }

  #lose(reason: string): void {
    const link = this.#link;
    if (link === null) return;
    this.#link = null;
    this.#stopTimers();
    this.#events.hold();
    this.#calls.linkDown();
    link.close();
    this.#patience = setTimeout(() => {
      this.#calls.giveUp(`The link to ${this.info.title} is lost and has not come back.`);
    }, this.#timing.patience).unref();
    this.#emit({ kind: 'linkLost', at: this.clock.now(), reason });
  }

  #stopTimers(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#heartbeat = null;
    this.#patience = null;
  }

  #emit(event: RigEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** What the far end tells, with its moments on this clock. */
const onClock = (event: FarEvent, clock: RemoteClock): FarEvent => {
  const heard = { ...event, at: clock.heard(event.at) };
  if (heard.kind !== 'answered' && heard.kind !== 'signal') return heard;
  const { answered } = heard;
  return answered === null
    ? heard
    : ({ ...heard, answered: { ...answered, at: clock.heard(answered.at) } } as FarEvent);
};

/** Opens the rig that an agent serves at the other end of a channel. When that fails, the channel is closed. */
export const openRemoteRig = async (options: RemoteRigOptions): Promise<Result<RemoteRig>> => {
  const { channel, kind, name, bench } = options;
  const { silence, greeting } = { ...usualTiming, ...options.timing };
  const clock = new RemoteClock();
  const called = options.title ?? name;
  const greeted = await greet(channel, { title: called, bench, resume: null, silence: greeting });
  if (!greeted.ok) return greeted;
  const { link, hello } = greeted.value;
  try {
    await learnClock(link, clock, silence);
  } catch {
    link.close();
    return failure('linkLost', `The agent at ${called} went away before it could be used.`);
  }
  const title = options.title ?? `Remote: ${hello.info.title}`;
  const rig = new RemoteRig({ ...hello.info, kind, name, title }, clock, hello.agent, options);
  rig.begin(greeted.value);
  return success(rig);
};
