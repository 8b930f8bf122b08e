import type { Command } from 'commander';
import { missingCase } from '../core/exhaustive.ts';
import { failure, success, type Result } from '../core/result.ts';
import { openRemoteCommand } from '../rigs/remote/remoteCommand.ts';
import type { Rig } from '../rigs/rig.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { checkPlatform, findTopology, openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import { defaultProfile, profiles } from '../rigs/simulated/kernel/profile.ts';
import { parseRigOptions, type CommandContext, type ParsedRigOptions, type RigOptions } from './context.ts';
import { benchVersion } from './places.ts';
import type { RigName } from './rigName.ts';
import { openVirtual, plainGuest } from './virtualRigs.ts';

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

type Named<Kind extends RigName['kind']> = Extract<RigName, { kind: Kind }>;

const openSimulated = (
  { profile }: Named<'simulated'>,
  { pace, seed }: ParsedRigOptions,
  topologyName: string | undefined,
  wallStart: number,
): Result<Rig> => {
  const topology = topologyName === undefined ? success(null) : findTopology(topologyName);
  if (!topology.ok) return topology;
  if (topology.value !== null) {
    const fits = checkPlatform(profile ?? profiles[defaultProfile], topology.value);
    if (!fits.ok) return fits;
  }
  return success(
    openSimulatedRig({ profile, topology: topology.value, pace, seed, wallStart, ackTimeout: null }),
  );
};

const openNamed = async (
  name: RigName,
  context: CommandContext,
  parsed: ParsedRigOptions,
  topologyName: string | undefined,
): Promise<Result<Rig>> => {
  if (name.kind !== 'simulated' && topologyName !== undefined) {
    return failure(
      'malformedInput',
      '--topology is for simulated rigs; a guest has its own in its name, such as virtual:x86:switch.',
    );
  }
  switch (name.kind) {
    case 'simulated':
      return openSimulated(name, parsed, topologyName, context.now());
    case 'virtual':
      return openVirtual({
        ...plainGuest,
        name: name.wanted,
        environment: context.environment,
        onProgress: (text) => context.streams.err(`${text}\n`),
      });
    case 'remote':
      return openRemoteCommand({
        commandLine: name.commandLine,
        bench: benchVersion(),
        log: (line) => context.streams.err(`${line}\n`),
      });
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
  const { rig: name, runs, json, seed } = parsed.value;
  const opened = await openNamed(name, context, parsed.value, options.topology);
  return opened.ok ? success({ rig: opened.value, runs, json, seed: seedOf(name, seed) }) : opened;
};
