import type { ParsedOf } from '../../../preload/contract/commands.ts';
import { missingCase } from '../../core/exhaustive.ts';
import { success, type Result } from '../../core/result.ts';
import { formatSshTarget, parseSshTarget } from '../../core/ssh/sshTarget.ts';
import { probeLinuxRig } from '../../rigs/opening/linuxProbe.ts';
import type { RigWish } from '../../rigs/opening/openRig.ts';
import { guestTopologyNamed } from '../../rigs/virtual/guestTopology.ts';
import { kernelCommandLine } from '../../rigs/virtual/kernelCommandLine.ts';
import { parseVirtualRigName } from '../../rigs/virtual/virtualRigName.ts';
import { profileNamed } from '../../rigs/simulated/kernel/profile.ts';
import {
  checkPlatform,
  findTopology,
  type SimulatedRigWishes,
} from '../../rigs/simulated/openSimulatedRig.ts';
import type { Bench } from '../bench.ts';

type Asked<Kind> = Extract<ParsedOf<'addRig'>, { kind: Kind }>;

export interface CheckedWish {
  readonly wish: RigWish;
  /** What it is called until it has a title of its own. */
  readonly title: string;
}

export const simulatedWish = (
  { options }: Bench,
  wishes: Omit<SimulatedRigWishes, 'pace' | 'wallStart'>,
): RigWish => ({
  kind: 'simulated',
  ...wishes,
  pace: { kind: 'paced', factor: options.pace ?? 1 },
  wallStart: options.now(),
});

const checkSimulated = (bench: Bench, asked: Asked<'simulated'>): Result<CheckedWish> => {
  const profile = profileNamed(asked.profile);
  if (!profile.ok) return profile;
  const topology = findTopology(asked.topology);
  if (!topology.ok) return topology;
  const fits = checkPlatform(profile.value, topology.value);
  if (!fits.ok) return fits;
  const { seed, ackTimeout } = asked;
  const wish = simulatedWish(bench, { profile: profile.value, topology: topology.value, seed, ackTimeout });
  return success({ wish, title: profile.value.title });
};

const checkVirtual = (asked: Asked<'virtual'>): Result<CheckedWish> => {
  const { machine, kernel, driver, moduleParameters } = asked;
  const topology = guestTopologyNamed(asked.topology, machine);
  if (!topology.ok) return topology;
  const name = parseVirtualRigName([`${machine}@${kernel}`, topology.value.name]);
  if (!name.ok) return name;
  const bootable = kernelCommandLine({ topology: topology.value, driver, moduleParameters });
  if (!bootable.ok) return bootable;
  const title = `Virtual ${machine}, ${topology.value.title}`;
  return success({ wish: { kind: 'virtual', name: name.value, driver, moduleParameters }, title });
};

/** What was asked for, as something that can be opened; a wish that cannot come true is refused here already. */
export const checkWish = async (bench: Bench, asked: ParsedOf<'addRig'>): Promise<Result<CheckedWish>> => {
  switch (asked.kind) {
    case 'simulated':
      return checkSimulated(bench, asked);
    case 'virtual':
      return checkVirtual(asked);
    case 'local': {
      const probed = await probeLinuxRig();
      return probed.ok ? success({ wish: { kind: 'local' }, title: 'This machine' }) : probed;
    }
    case 'remote': {
      const { commandLine } = asked;
      return success({ wish: { kind: 'remote', commandLine }, title: commandLine });
    }
    case 'ssh': {
      const target = parseSshTarget(asked.target);
      return target.ok
        ? success({ wish: { kind: 'ssh', target: target.value }, title: formatSshTarget(target.value) })
        : target;
    }
    default:
      return missingCase(asked);
  }
};
