import type { Command } from 'commander';
import { success, type Result } from '../core/result.ts';
import type { Rig } from '../rigs/rig.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { checkPlatform, findTopology, openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import { defaultProfile, profiles } from '../rigs/simulated/kernel/profile.ts';
import { parseRigOptions, type CommandContext, type ParsedRigOptions, type RigOptions } from './context.ts';
import type { RigName } from './rigName.ts';

export interface RigTopologyOptions extends RigOptions {
  readonly topology?: string;
}

export interface OpenedRig {
  readonly rig: Rig;
  readonly runs: string | null;
  readonly json: boolean;
  readonly seed: number;
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

/** The rig that the options name, for the commands that bring no scenario. */
export const openRig = async (
  context: CommandContext,
  options: RigTopologyOptions,
): Promise<Result<OpenedRig>> => {
  const parsed = parseRigOptions(context, options);
  if (!parsed.ok) return parsed;
  const { rig: name, runs, json, seed } = parsed.value;
  const opened = openSimulated(name, parsed.value, options.topology, context.now());
  return opened.ok ? success({ rig: opened.value, runs, json, seed }) : opened;
};
