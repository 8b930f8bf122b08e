import type { Command } from 'commander';
import { failure, success, type Result } from '../core/result.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import type { SimulatedRig } from '../rigs/simulated/simulatedRig.ts';
import { defaultProfile, profiles } from '../rigs/simulated/kernel/profile.ts';
import { parseRigOptions, type CommandContext, type RigOptions } from './context.ts';
import { openSimulatedRig, parseTopology } from './rigName.ts';

export interface RigTopologyOptions extends RigOptions {
  readonly topology?: string;
}

export interface OpenedRig {
  readonly rig: SimulatedRig;
  readonly runs: string | null;
  readonly json: boolean;
  readonly seed: number;
}

export const topologyNames = Object.keys(topologies).join(', ');

export const withTopology = (command: Command): Command =>
  command.option('--topology <name>', `simulated rigs: ${topologyNames} (default: the profile’s)`);

export const openRig = (context: CommandContext, options: RigTopologyOptions): Result<OpenedRig> => {
  const parsed = parseRigOptions(context, options);
  if (!parsed.ok) return parsed;
  const { profile, pace, seed, runs, json } = parsed.value;
  const topology = options.topology === undefined ? success(null) : parseTopology(options.topology);
  if (!topology.ok) return topology;
  const { platform, name } = profile ?? profiles[defaultProfile];
  if (topology.value !== null && topologies[topology.value].platform !== platform) {
    return failure(
      'malformedInput',
      `The devices of the topology "${topology.value}" are of another platform than simulated:${name}.`,
    );
  }
  const wallStart = context.now();
  const rig = openSimulatedRig({
    profile,
    topology: topology.value,
    pace,
    seed,
    wallStart,
    ackTimeout: null,
  });
  return success({ rig, runs, json, seed });
};
