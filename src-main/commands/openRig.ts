import type { Command } from 'commander';
import { missingCase } from '../core/exhaustive.ts';
import { failure, success, type Result } from '../core/result.ts';
import { openRig as openWishedRig, type RigWish } from '../rigs/opening/openRig.ts';
import type { OpeningNeeds } from '../rigs/opening/openVirtual.ts';
import type { Rig } from '../rigs/rig.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { checkPlatform, findTopology } from '../rigs/simulated/openSimulatedRig.ts';
import { defaultProfile, profiles, type KernelProfile } from '../rigs/simulated/kernel/profile.ts';
import {
  agreementOf,
  parseRigOptions,
  type CommandContext,
  type KernelTraceWish,
  type ParsedRigOptions,
  type RigOptions,
} from './context.ts';
import type { Ask } from './output.ts';
import { rigPlaces } from './places.ts';
import type { RigName } from './rigName.ts';
import { plainGuestOf } from './virtualRigs.ts';

export interface RigTopologyOptions extends RigOptions {
  readonly topology?: string;
}

export interface OpenedRig {
  readonly rig: Rig;
  readonly runs: string | null;
  readonly json: boolean;
  /** Null where the rig has none. */
  readonly seed: number | null;
}

export const topologyNames = Object.keys(topologies).join(', ');

export const withTopology = (command: Command): Command =>
  command.option('--topology <name>', `simulated rigs: ${topologyNames} (default: the profile’s)`);

/** A command builds no image by the way; it says how to. */
export const commandNeeds = (
  environment: NodeJS.ProcessEnv,
  say: (text: string) => void,
  agree: Ask | null,
  kernelTrace: KernelTraceWish,
): OpeningNeeds => ({
  places: rigPlaces(environment),
  image: 'asItIs',
  kernelTrace,
  onProgress: (text) => say(`${text}\n`),
  ...(agree === null ? {} : { agree }),
});

const simulatedWish = (
  profile: KernelProfile | null,
  { pace, seed }: ParsedRigOptions,
  topologyName: string | undefined,
  wallStart: number,
): Result<RigWish> => {
  const topology = topologyName === undefined ? success(null) : findTopology(topologyName);
  if (!topology.ok) return topology;
  if (topology.value !== null) {
    const fits = checkPlatform(profile ?? profiles[defaultProfile], topology.value);
    if (!fits.ok) return fits;
  }
  return success({
    kind: 'simulated',
    profile,
    topology: topology.value,
    pace,
    seed,
    wallStart,
    ackTimeout: null,
  });
};

const wishOf = (
  name: RigName,
  context: CommandContext,
  parsed: ParsedRigOptions,
  topologyName: string | undefined,
): Result<RigWish> => {
  if (name.kind !== 'simulated' && topologyName !== undefined) {
    return failure(
      'malformedInput',
      '--topology is for simulated rigs; a guest has its own in its name, such as virtual:x86:switch.',
    );
  }
  switch (name.kind) {
    case 'simulated':
      return simulatedWish(name.profile, parsed, topologyName, context.now());
    case 'virtual':
      return success({ kind: 'virtual', name: name.wanted, ...plainGuestOf(name.wanted.architecture) });
    case 'local':
    case 'remote':
    case 'ssh':
      return success(name);
    default:
      return missingCase(name);
  }
};

/** The seed as a run records it: only a simulated rig has chance. */
export const seedOf = (name: RigName, seed: number): number | null =>
  name.kind === 'simulated' ? seed : null;

/** The rig that the options name, for the commands that bring no scenario. */
export const openRig = async (
  context: CommandContext,
  options: RigTopologyOptions,
): Promise<Result<OpenedRig>> => {
  const parsed = parseRigOptions(context, options);
  if (!parsed.ok) return parsed;
  const { rig: name, runs, json, seed, kernelTrace } = parsed.value;
  const wish = wishOf(name, context, parsed.value, options.topology);
  if (!wish.ok) return wish;
  const { environment, streams } = context;
  const agree = agreementOf(streams, options);
  const opened = await openWishedRig(wish.value, commandNeeds(environment, streams.err, agree, kernelTrace));
  return opened.ok ? success({ rig: opened.value.rig, runs, json, seed: seedOf(name, seed) }) : opened;
};
