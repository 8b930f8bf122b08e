import { failure, success, type Result } from '../core/result.ts';
import { parseSshTarget, type SshTarget } from '../core/ssh/sshTarget.ts';
import { profileNamed, profileNames, type KernelProfile } from '../rigs/simulated/kernel/profile.ts';
import type { Pace } from '../rigs/simulated/simulatedClock.ts';
import { parseVirtualRigName, type VirtualRigName } from '../rigs/virtual/virtualRigName.ts';

/** What `--rig` names. */
export type RigName =
  /** Without a profile the caller's preference decides. */
  | { readonly kind: 'simulated'; readonly profile: KernelProfile | null }
  | { readonly kind: 'virtual'; readonly wanted: VirtualRigName }
  /** The machine that the bench runs on. */
  | { readonly kind: 'local' }
  /** The command starts an agent whose standard input and output are the wire. */
  | { readonly kind: 'remote'; readonly commandLine: string }
  /** A machine to which ssh brings the agent. */
  | { readonly kind: 'ssh'; readonly target: SshTarget };

/** For the help and the refusal of `--rig`. */
export const rigNameForms =
  'simulated, simulated:PROFILE, virtual:x86, virtual:x86:TOPOLOGY, local, ssh:USER@HOST or remote:COMMAND';

const simulatedRig = (name: string, words: readonly string[]): Result<RigName> => {
  const [profileName, ...rest] = words;
  if (rest.length > 0) return noSuchRig(name);
  if (profileName === undefined) return success({ kind: 'simulated', profile: null });
  const profile = profileNamed(profileName);
  return profile.ok ? success({ kind: 'simulated', profile: profile.value }) : profile;
};

const noSuchRig = (name: string): Result<never> =>
  failure(
    'unknownRig',
    `There is no rig "${name}"; use ${rigNameForms}, with the profiles ${profileNames.join(', ')}.`,
  );

/** The name of a rig as `--rig` takes it. Whether the rig is there is found out by opening it. */
export const parseRigName = (name: string): Result<RigName> => {
  const [kind, ...words] = name.split(':');
  switch (kind) {
    case 'simulated':
      return simulatedRig(name, words);
    case 'virtual': {
      const wanted = parseVirtualRigName(words);
      return wanted.ok ? success({ kind, wanted: wanted.value }) : wanted;
    }
    case 'local':
      return words.length === 0 ? success({ kind }) : noSuchRig(name);
    case 'remote': {
      const commandLine = words.join(':').trim();
      return commandLine === '' ? noSuchRig(name) : success({ kind: 'remote', commandLine });
    }
    case 'ssh': {
      const target = parseSshTarget(words.join(':'));
      return target.ok ? success({ kind, target: target.value }) : target;
    }
    default:
      return noSuchRig(name);
  }
};

/** Slower, the longest wait would overflow a timer of Node (2^31 ms); faster is what "max" is for. */
const slowest = 0.001;
const fastest = 1_000_000;

/** `max`, or how many virtual seconds pass in a real one. */
export const parsePace = (text: string): Result<Pace> => {
  if (text === 'max') return success({ kind: 'unbounded' });
  const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return factor >= slowest && factor <= fastest
    ? success({ kind: 'paced', factor })
    : failure(
        'malformedInput',
        `The speed "${text}" is neither "max" nor a number from ${slowest} to ${fastest}.`,
      );
};
