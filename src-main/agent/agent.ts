import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import type { z } from 'zod';
import { Link } from '../rigs/remote/link.ts';
import {
  callEnvelope,
  calls,
  eventNotification,
  greetings,
  isCallName,
  otherVersionCode,
  outOfTurnCode,
  versionOf,
  wireVersion,
  type FarTime,
  type Hello,
} from '../rigs/remote/protocol.ts';
import type { Rig, RigEvent } from '../rigs/rig.ts';
import { answersOf } from './answers.ts';
import { CallBook } from './callBook.ts';
import { EventRing } from './eventRing.ts';
import { HeldSessions } from './heldSessions.ts';

export interface AgentOptions {
  readonly rig: Rig;
  /** The rig's seconds per real one; 1 but for a simulated rig. */
  readonly rate: number;
  readonly bench: string;
  /** Milliseconds that devices stay open without a link, added to the longest wait for an ack among them. */
  readonly grace: number;
  /** For stderr: stdout may be the wire. */
  readonly log: (text: string) => void;
  /** How many events are kept for a near end that missed them. */
  readonly eventsKept?: number;
}

/** Above this many bytes that nobody reads, events stay in the ring, and the near end finds them missing. */
const mostBacklog = 8 * 1024 * 1024;
/** How often refused lines are worth a line on stderr: the 1st, 10th, 100th, ... */
const isRound = (count: number): boolean => /^10*$/.test(String(count));

const refuse = (code: number, message: string): never => {
  throw new ResponseError(code, message);
};

/** The input of a request, or a refusal that names the place; nothing has been done then. */
const parse = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(
    ErrorCodes.InvalidParams,
    issue === undefined ? 'malformed' : [...issue.path, issue.message].join(': '),
  );
};

/**
 * Serves one rig to one near end at a time. The open devices belong to the agent: when the link is lost they stay open
 * and armed for a grace time, and the next link may go on with them.
 */
export class Agent {
  /** Another one is another agent, that holds nothing of what this one holds. */
  readonly name = randomUUID();
  readonly #options: AgentOptions;
  readonly #sessions = new HeldSessions();
  readonly #calls = new CallBook();
  readonly #ring: EventRing;
  readonly #answers: ReturnType<typeof answersOf>;
  readonly #unsubscribe: () => void;
  #link: Link | null = null;
  #greeted = false;
  #grace: NodeJS.Timeout | null = null;
  #needed = false;
  #refused = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#ring = new EventRing(options.eventsKept ?? 10_000);
    this.#answers = answersOf(options.rig, this.#sessions);
    this.#unsubscribe = options.rig.onEvent((event) => this.#tell(event));
  }

  get openSessions(): number {
    return this.#sessions.list().length;
  }

  /** How long a lost link is waited for, in milliseconds. */
  get patience(): number {
    return this.#options.grace + this.#sessions.longestWait() / 1_000 / this.#options.rate;
  }

  /** From a console's hello until one has said that it has done with everything. */
  get needed(): boolean {
    return this.#needed;
  }

  /** Serves a near end over this channel, which is owned from here on. Settles when the channel has ended. */
  serve(channel: Duplex): Promise<void> {
    this.#link?.close();
    this.#greeted = false;
    return new Promise((resolve) => {
      const link: Link = new Link(channel, {
        onRequest: (method, params) => this.#answer(link, method, params),
        onNotification: () => this.#countRefused('A notification is nothing for an agent.'),
        onRefused: ({ reason }) => this.#countRefused(reason),
        onEnd: (reason) => {
          if (link === this.#link) this.#lose(reason);
          resolve();
        },
      });
      this.#link = link;
    });
  }

  /** Closes what is open, and the rig. */
  async close(): Promise<void> {
    this.#endGrace();
    this.#unsubscribe();
    this.#link?.close();
    this.#link = null;
    await this.#closeSessions('the agent ends');
    await this.#options.rig.close();
  }

  async #answer(link: Link, method: string, params: unknown): Promise<unknown> {
    switch (method) {
      case 'hello':
        return this.#hello(link, params);
      case 'time':
        parse(greetings.time.input, params);
        return this.#time();
      case 'events': {
        this.#expectGreeted();
        return this.#ring.after(parse(greetings.events.input, params).after);
      }
      case 'bye':
        this.#expectGreeted();
        parse(greetings.bye.input, params);
        this.#needed = false;
        await this.#closeSessions('the console has done with them');
        return {};
      default:
        return this.#call(method, params);
    }
  }

  async #hello(link: Link, params: unknown): Promise<Hello> {
    const theirs = versionOf(params);
    if (theirs !== null && theirs.version !== wireVersion) {
      this.#options.log(`A console of another version was refused: ${theirs.bench}, wire ${theirs.version}.`);
      refuse(otherVersionCode, `${this.#options.bench}, wire ${wireVersion}`);
    }
    const { resume } = parse(greetings.hello.input, params);
    this.#endGrace();
    const resumed = resume?.agent === this.name;
    if (!resumed) {
      // One that begins anew knows nothing of what the one before had open, and could never close it.
      await this.#closeSessions('another console has begun');
      this.#calls.clear();
    }
    if (link !== this.#link) refuse(outOfTurnCode, 'another link has taken the place of this one');
    this.#greeted = true;
    this.#needed = true;
    return {
      version: wireVersion,
      bench: this.#options.bench,
      agent: this.name,
      resumed,
      info: this.#options.rig.info,
      time: this.#time(),
      sessions: [...this.#sessions.list()],
      missed: this.#ring.after(resumed ? resume.after : this.#ring.last),
    };
  }

  async #call(method: string, params: unknown): Promise<unknown> {
    if (!isCallName(method)) return refuse(ErrorCodes.MethodNotFound, 'there is no such call');
    this.#expectGreeted();
    const { call, settled, input } = parse(callEnvelope, params);
    const wanted = parse(calls[method].input, input);
    const answer = this.#calls.answer(call, settled, () => this.#answers[method](wanted as never));
    return answer ?? refuse(outOfTurnCode, 'it was carried out, and its answer is not kept any more');
  }

  #expectGreeted(): void {
    if (!this.#greeted) refuse(outOfTurnCode, 'the first message has to be "hello"');
  }

  #time(): FarTime {
    const { rig, rate } = this.#options;
    return { now: rig.clock.now(), wall: Date.parse(rig.clock.wall()), rate };
  }

  #tell(event: RigEvent): void {
    // Told by the near end of a link alone.
    if (event.kind === 'linkLost' || event.kind === 'linkRestored') return;
    const numbered = this.#ring.add(event);
    const link = this.#link;
    if (link !== null && this.#greeted && link.backlog < mostBacklog) {
      link.notify(eventNotification, numbered);
    }
  }

  #lose(reason: string): void {
    this.#link = null;
    this.#greeted = false;
    const open = this.openSessions;
    if (open === 0) return;
    const grace = this.patience;
    this.#options.log(
      `The link is lost (${reason}); ${open} device(s) stay open for ${Math.round(grace / 1_000)} s.`,
    );
    this.#grace = setTimeout(() => void this.#closeSessions('nobody has come back'), grace);
  }

  #endGrace(): void {
    if (this.#grace !== null) clearTimeout(this.#grace);
    this.#grace = null;
  }

  async #closeSessions(why: string): Promise<void> {
    if (this.openSessions === 0) return;
    this.#options.log(`Closing ${this.openSessions} device(s): ${why}.`);
    const failed = await this.#sessions.closeAll();
    for (const [address, message] of failed) this.#options.log(`${address} was not closed: ${message}`);
  }

  #countRefused(reason: string): void {
    this.#refused += 1;
    if (isRound(this.#refused)) this.#options.log(`Refused, the ${this.#refused}. time: ${reason}`);
  }
}
