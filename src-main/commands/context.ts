import type { Command } from 'commander';
import { failure, success, type BenchError, type Result } from '../core/result.ts';
import type { Pace } from '../rigs/simulated/simulatedClock.ts';
import type { ExitCode } from './exit.ts';
import { reportError, type Ask, type Streams } from './output.ts';
import { runDirectory } from './places.ts';
import { parsePace, parseRigName, rigNameForms, type RigName } from './rigName.ts';

/** The world of one invocation. */
export interface CommandContext {
  readonly streams: Streams;
  readonly environment: NodeJS.ProcessEnv;
  /** Milliseconds since 1970: when virtual time begins on the wall clock. */
  readonly now: () => number;
  exit: ExitCode;
}

/** Runs a command's body and keeps its exit code. */
export const finish = async (
  context: CommandContext,
  body: () => Promise<ExitCode> | ExitCode,
): Promise<void> => {
  context.exit = await body();
};

/** Says why, on standard error, and gives the exit code. */
export const fail = (context: CommandContext, error: BenchError, json: boolean): ExitCode =>
  reportError(context.streams, error, json);

/** The options that every command with a rig takes. */
export interface RigOptions {
  readonly rig: string;
  readonly seed?: string;
  readonly speed?: string;
  readonly runs?: string;
  readonly journal: boolean;
  readonly json?: boolean;
  readonly copyAgent?: boolean;
  readonly kernelTrace: boolean;
}

/** Watching costs a guest about two seconds at its first opening. */
export const noKernelTraceWords =
  'do not watch the functions of a real kernel, which delays the first opening';

export const withRigOptions = (command: Command): Command =>
  command
    .option('--rig <rig>', rigNameForms, 'simulated')
    .option('--seed <number>', 'seed of a simulated rig: the same seed gives the same run (default: 1)')
    .option('--speed <factor>', 'simulated: virtual seconds per real second, or "max" (default: "max")')
    .option('--runs <directory>', 'where the journal of the run is kept')
    .option('--no-journal', 'record nothing')
    .option('--no-kernel-trace', noKernelTraceWords)
    .option('--copy-agent', 'ssh rigs: copy the agent there without asking, when it is not there')
    .option('--json', 'one JSON object a line');

/** Who agrees that the agent is copied to another machine: the command line, or who sits at the terminal. */
export const agreementOf = (streams: Streams, options: Pick<RigOptions, 'copyAgent'>): Ask | null =>
  options.copyAgent === true ? () => Promise.resolve(true) : (streams.ask ?? null);

export type KernelTraceWish = 'watched' | 'unwatched';

export interface ParsedRigOptions {
  readonly rig: RigName;
  /** Of a simulated rig; a real kernel has its own. */
  readonly pace: Pace;
  readonly seed: number;
  readonly runs: string | null;
  readonly json: boolean;
  readonly kernelTrace: KernelTraceWish;
}

const parseSeed = (text: string): Result<number> => {
  const seed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return seed <= 0xffff_ffff
    ? success(seed)
    : failure('malformedInput', `The seed "${text}" is no whole number from 0 to 4294967295.`);
};

export const parseRigOptions = (context: CommandContext, options: RigOptions): Result<ParsedRigOptions> => {
  const rig = parseRigName(options.rig);
  if (!rig.ok) return rig;
  if (rig.value.kind !== 'simulated' && (options.speed ?? options.seed) !== undefined) {
    return failure(
      'malformedInput',
      '--speed and --seed are for simulated rigs; a real kernel keeps its own time.',
    );
  }
  const pace = parsePace(options.speed ?? 'max');
  if (!pace.ok) return pace;
  const seed = parseSeed(options.seed ?? '1');
  if (!seed.ok) return seed;
  return success({
    rig: rig.value,
    pace: pace.value,
    seed: seed.value,
    runs: options.journal ? (options.runs ?? runDirectory(context.environment)) : null,
    json: options.json === true,
    kernelTrace: options.kernelTrace ? 'watched' : 'unwatched',
  });
};
