import type { Command } from 'commander';
import { success, type Result } from '../core/result.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { checkPlatform, findTopology, openSimulatedRig } from '../rigs/simulated/openSimulatedRig.ts';
import type { SimulatedRig } from '../rigs/simulated/simulatedRig.ts';
import { defaultProfile, profiles } from '../rigs/simulated/kernel/profile.ts';
import { parseRigOptions, type CommandContext, type RigOptions } from './context.ts';

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
  const topology = options.topology === undefined ? success(null) : findTopology(options.topology);
  if (!topology.ok) return topology;
  if (topology.value !== null) {
    const fits = checkPlatform(profile ?? profiles[defaultProfile], topology.value);
    if (!fits.ok) return fits;
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
