import type { Duplex } from 'node:stream';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import { failure, success, type Result } from '../../core/result.ts';
import { isRefusal, Link } from './link.ts';
import { greetings, otherVersionCode, versionOf, wireVersion, type FarTime, type Hello } from './protocol.ts';
import type { RemoteClock } from './remoteClock.ts';

/** Looks at the far clock, one after the other, when a link begins. */
const firstLooks = 5;

export interface GreetingHandlers {
  readonly onNotification: (method: string, params: unknown) => void;
  readonly onRefused: () => void;
  readonly onEnd: (reason: string) => void;
}

/** A link whose far end is an agent of this version. What came early is kept until somebody listens. */
export interface Greeting {
  readonly link: Link;
  readonly hello: Hello;
  readonly listen: (handlers: GreetingHandlers) => void;
}

export interface GreetingNeeds {
  readonly title: string;
  readonly bench: string;
  readonly resume: { readonly agent: string; readonly after: number } | null;
  /** Milliseconds. */
  readonly silence: number;
}

/** A promise that does not take longer; rejects with `late` then. */
export const within = async <Value>(
  milliseconds: number,
  work: Promise<Value>,
  late = 'no answer came',
): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), milliseconds);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
};

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const otherVersion = (title: string, theirs: string, bench: string): Result<never> =>
  failure(
    'otherVersion',
    `${title} has an agent of another version (${theirs}), this is Recovery Bench ${bench} (wire ${wireVersion}); install the agent of this bench there.`,
  );

const noAgent = (title: string): Result<never> =>
  failure('malformedMessage', `What answers at ${title} is no agent of Recovery Bench.`);

/** Reads the far clock once. */
export const lookAtClock = async (link: Link, silence: number): Promise<{ sent: number; far: FarTime }> => {
  const sent = performance.now();
  const far = greetings.time.answer.parse(await within(silence, link.request('time', {})));
  return { sent, far };
};

/** Says hello over a channel, which belongs to the link from here on. When that fails, the channel is closed. */
export const greet = async (channel: Duplex, needs: GreetingNeeds): Promise<Result<Greeting>> => {
  const { title, bench, resume, silence } = needs;
  const early: [string, unknown][] = [];
  let handlers: GreetingHandlers | null = null;
  let refused = 0;
  let ended: string | null = null;
  let cutOff: (reason: Error) => void = () => undefined;
  const end = new Promise<never>((_, reject) => {
    cutOff = reject;
  });
  end.catch(() => undefined);
  const link = new Link(channel, {
    // An agent asks nothing; a channel that echoes does.
    onRequest: () =>
      Promise.reject(new ResponseError(ErrorCodes.MethodNotFound, 'A console serves nothing.')),
    onNotification: (method, params) => {
      if (handlers === null) early.push([method, params]);
      else handlers.onNotification(method, params);
    },
    onRefused: () => {
      if (handlers === null) refused += 1;
      else handlers.onRefused();
    },
    onEnd: (reason) => {
      ended = reason;
      cutOff(new Error(reason));
      handlers?.onEnd(reason);
    },
  });
  try {
    const asked = link.request('hello', { version: wireVersion, bench, resume });
    const raw = await within(silence, Promise.race([asked, end]));
    const theirs = versionOf(raw);
    if (theirs !== null && theirs.version !== wireVersion) {
      link.close();
      return otherVersion(title, `${theirs.bench}, wire ${theirs.version}`, bench);
    }
    const parsed = greetings.hello.answer.safeParse(raw);
    if (parsed.success) {
      const listen = (listener: GreetingHandlers): void => {
        handlers = listener;
        for (; refused > 0; refused -= 1) listener.onRefused();
        for (const [method, params] of early.splice(0)) listener.onNotification(method, params);
        if (ended !== null) listener.onEnd(ended);
      };
      return success({ link, hello: parsed.data, listen });
    }
    link.close();
    return noAgent(title);
  } catch (thrown) {
    link.close();
    if (!isRefusal(thrown)) return failure('linkLost', `No agent answers at ${title}: ${reasonOf(thrown)}.`);
    return thrown.code === otherVersionCode ? otherVersion(title, thrown.message, bench) : noAgent(title);
  }
};

/** Reads the far clock often enough to know it well; ends early with the link. */
export const learnClock = async (link: Link, clock: RemoteClock, silence: number): Promise<void> => {
  for (let look = 0; look < firstLooks; look += 1) {
    const { sent, far } = await lookAtClock(link, silence);
    clock.add({ sent, received: performance.now(), far });
  }
};
