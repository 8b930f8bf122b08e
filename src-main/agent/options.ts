import { parseArgs } from 'node:util';
import { failure, success, type Result } from '../core/result.ts';

/** Where a console reaches the agent. */
export type AgentPlace =
  | { readonly kind: 'stdio' }
  /** A character device, or a Unix socket on which a console listens. */
  | { readonly kind: 'channel'; readonly path: string }
  /** A Unix socket on which the agent itself listens, and then ends. */
  | { readonly kind: 'listen'; readonly path: string }
  /** Another agent's socket, to which standard input and output are handed on. `words`: what that one serves. */
  | { readonly kind: 'attach'; readonly path: string; readonly words: readonly string[] };

/** What an agent serves, and over what. */
export interface AgentWishes {
  readonly place: AgentPlace;
  /** Null: the machine that the agent runs on. */
  readonly simulated: {
    readonly profile: string;
    readonly topology: string | null;
    readonly speed: number;
    readonly seed: number;
  } | null;
  /** Milliseconds, before the wait for an ack is added. */
  readonly grace: number;
}

export const agentUsage = `Serves the devices of this machine to a Recovery Bench, over standard input and output.

  node agent.mjs [--channel PATH | --attach PATH | --listen PATH] [--grace SECONDS]
                 [--simulated PROFILE[:TOPOLOGY] [--speed FACTOR] [--seed NUMBER]]

  --channel PATH    a character device such as /dev/virtio-ports/agent.0, or a Unix socket on which a bench listens
  --attach PATH     standard input and output reach the agent that listens on this Unix socket; where there is none, one
                    is started that outlives them: a link may be lost, and the devices stay open
  --listen PATH     be that agent: it ends when the bench has done with it, or when nobody has come back in time
  --simulated NAME  a simulated machine instead of this one, such as notify-6.1 or notify-6.1:multi-function
  --speed FACTOR    simulated: virtual seconds per real one (default: 1)
  --seed NUMBER     simulated: the same seed behaves the same (default: 1)
  --grace SECONDS   how long devices stay open when the link is lost, besides the longest wait for an ack (default: 60)
`;

const numberFrom = (name: string, text: string, least: number, most: number): Result<number> => {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most
    ? success(value)
    : failure('malformedInput', `--${name} takes a number from ${least} to ${most}, not "${text}".`);
};

const definition = {
  channel: { type: 'string' },
  attach: { type: 'string' },
  listen: { type: 'string' },
  simulated: { type: 'string' },
  speed: { type: 'string' },
  seed: { type: 'string' },
  grace: { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], options: definition, strict: true });

type Values = ReturnType<typeof parse>['values'];

const placeOf = (values: Values): Result<AgentPlace> => {
  const { channel, attach, listen } = values;
  if ([channel, attach, listen].filter((path) => path !== undefined).length > 1) {
    return failure('malformedInput', 'Of --channel, --attach and --listen an agent takes one.');
  }
  if (channel !== undefined) return success({ kind: 'channel', path: channel });
  if (listen !== undefined) return success({ kind: 'listen', path: listen });
  if (attach === undefined) return success({ kind: 'stdio' });
  const words = (['simulated', 'speed', 'seed', 'grace'] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  return success({ kind: 'attach', path: attach, words });
};

/** `help` and `version` are answered and nothing is served. */
export const parseAgentWords = (words: readonly string[]): Result<AgentWishes | 'help' | 'version'> => {
  let values: Values;
  try {
    ({ values } = parse(words));
  } catch (thrown) {
    return failure('malformedInput', thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (values.help === true) return success('help');
  if (values.version === true) return success('version');
  const place = placeOf(values);
  if (!place.ok) return place;
  const grace = numberFrom('grace', values.grace ?? '60', 0, 86_400);
  if (!grace.ok) return grace;
  const speed = numberFrom('speed', values.speed ?? '1', 0.001, 1_000_000);
  if (!speed.ok) return speed;
  const seed = numberFrom('seed', values.seed ?? '1', 0, 0xffff_ffff);
  if (!seed.ok) return seed;
  if (values.simulated === undefined && (values.speed !== undefined || values.seed !== undefined)) {
    return failure('malformedInput', '--speed and --seed are for --simulated; a real machine has its own.');
  }
  const [profile = '', topology = null, ...rest] = values.simulated?.split(':') ?? [];
  if (rest.length > 0) {
    return failure('malformedInput', `"${values.simulated}" is not PROFILE or PROFILE:TOPOLOGY.`);
  }
  return success({
    place: place.value,
    simulated:
      values.simulated === undefined
        ? null
        : { profile, topology, speed: speed.value, seed: Math.floor(seed.value) },
    grace: grace.value * 1_000,
  });
};
