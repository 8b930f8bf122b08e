import { parseArgs } from 'node:util';
import { failure, success, type Result } from '../core/result.ts';

/** What an agent serves, and over what. */
export interface AgentWishes {
  /** Null: standard input and output. */
  readonly channel: string | null;
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

  node agent.mjs [--channel PATH] [--simulated PROFILE[:TOPOLOGY] [--speed FACTOR] [--seed NUMBER]] [--grace SECONDS]

  --channel PATH    a character device such as /dev/virtio-ports/agent.0, or a Unix socket on which a bench listens
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
  simulated: { type: 'string' },
  speed: { type: 'string' },
  seed: { type: 'string' },
  grace: { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], options: definition, strict: true });

/** `help` and `version` are answered and nothing is served. */
export const parseAgentWords = (words: readonly string[]): Result<AgentWishes | 'help' | 'version'> => {
  let values: ReturnType<typeof parse>['values'];
  try {
    ({ values } = parse(words));
  } catch (thrown) {
    return failure('malformedInput', thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (values.help === true) return success('help');
  if (values.version === true) return success('version');
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
    channel: values.channel ?? null,
    simulated:
      values.simulated === undefined
        ? null
        : { profile, topology, speed: speed.value, seed: Math.floor(seed.value) },
    grace: grace.value * 1_000,
  });
};
