import { statSync } from 'node:fs';
import { missingCase } from '../core/exhaustive.ts';
import { done, type Result } from '../core/result.ts';
import { openSyscalls } from '../kernel/openSyscalls.ts';
import type { Rig } from '../rigs/rig.ts';
import { Agent } from './agent.ts';
import { attach } from './attach.ts';
import { openCharacterChannel } from './characterChannel.ts';
import { serveListening } from './listening.ts';
import { agentUsage, parseAgentWords, type AgentPlace, type AgentWishes } from './options.ts';
import { openServedRig } from './servedRig.ts';
import { stdioChannel } from './stdio.ts';
import { connectTo } from './unixSocket.ts';

/** As of `commands/exit.ts`. */
const exitCodes = { fine: 0, usage: 2, trouble: 3 } as const;

/** How long closing the devices may take before the process ends all the same, and the kernel closes them. */
const closePatience = 10_000;
/** Between two tries to reach a Unix socket. */
const socketPause = 200;

const log = (text: string): void => {
  process.stderr.write(`rbench-agent: ${text}\n`);
};

/** Until the first request to end, whatever else goes on. */
const endingSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, resolve);
  });

/** Connects again whenever the other side has gone; the devices stay open for the grace time meanwhile. */
const serveSocket = async (agent: Agent, path: string): Promise<never> => {
  for (;;) {
    const channel = await connectTo(path);
    if (channel !== null) await agent.serve(channel);
    await new Promise((resolve) => setTimeout(resolve, socketPause));
  }
};

const serveChannel = async (agent: Agent, path: string, ending: Promise<unknown>): Promise<Result<void>> => {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() === true) {
    await Promise.race([serveSocket(agent, path), ending]);
    return done;
  }
  const kernel = openSyscalls();
  if (!kernel.ok) return kernel;
  const opened = openCharacterChannel({
    ...kernel.value,
    path,
    connected: (conversation) => void agent.serve(conversation),
  });
  if (!opened.ok) return opened;
  const why = await Promise.race([opened.value.ended, ending.then(() => null)]);
  if (why !== null) log(why);
  await opened.value.stop();
  return done;
};

type ServedPlace = Exclude<AgentPlace, { kind: 'attach' }>;

/** Serves until there is nothing to serve any more, or says why it cannot. */
const serve = async (agent: Agent, place: ServedPlace, ending: Promise<unknown>): Promise<Result<void>> => {
  switch (place.kind) {
    case 'stdio':
      await Promise.race([agent.serve(stdioChannel()), ending]);
      return done;
    case 'channel':
      return serveChannel(agent, place.path, ending);
    case 'listen':
      return serveListening(agent, place.path, ending);
    default:
      return missingCase(place);
  }
};

const within = (milliseconds: number, work: Promise<void>): Promise<void> =>
  Promise.race([work, new Promise<void>((resolve) => setTimeout(resolve, milliseconds))]);

const runWith = async (wishes: AgentWishes, place: ServedPlace, rig: Rig, bench: string): Promise<number> => {
  const rate = wishes.simulated?.speed ?? 1;
  const agent = new Agent({ rig, rate, bench, grace: wishes.grace, log });
  const served = await serve(agent, place, endingSignal());
  await within(closePatience, agent.close());
  if (served.ok) return exitCodes.fine;
  log(served.error.message);
  return exitCodes.trouble;
};

/** The agent, from its words to its exit code. Standard output belongs to the wire; everything else goes to stderr. */
export const runAgent = async (words: readonly string[], bench: string): Promise<number> => {
  const parsed = parseAgentWords(words);
  if (!parsed.ok) {
    log(parsed.error.message);
    return exitCodes.usage;
  }
  if (parsed.value === 'help' || parsed.value === 'version') {
    process.stdout.write(parsed.value === 'help' ? agentUsage : `${bench}\n`);
    return exitCodes.fine;
  }
  const wishes = parsed.value;
  const { place } = wishes;
  if (place.kind === 'attach') {
    const attached = await attach(place.path, place.words);
    if (!attached.ok) log(attached.error.message);
    return attached.ok ? exitCodes.fine : exitCodes.trouble;
  }
  const opened = await openServedRig(wishes);
  if (!opened.ok) {
    log(opened.error.message);
    return opened.error.code === 'malformedInput' ? exitCodes.usage : exitCodes.trouble;
  }
  return runWith(wishes, place, opened.value, bench);
};
