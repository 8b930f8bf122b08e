import { failure, success, type Result } from '../core/result.ts';
import { profileNamed, profileNames, type KernelProfile } from '../rigs/simulated/kernel/profile.ts';
import type { Pace } from '../rigs/simulated/simulatedClock.ts';

/** `simulated` or `simulated:profile`. Without a profile the caller's preference decides. */
export const parseRigName = (name: string): Result<{ profile: KernelProfile | null }> => {
  const [kind, profileName, ...rest] = name.split(':');
  if (kind !== 'simulated' || rest.length > 0) {
    return failure(
      'unknownRig',
      `There is no rig "${name}"; use simulated or simulated:PROFILE, with ${profileNames.join(', ')}.`,
    );
  }
  if (profileName === undefined) return success({ profile: null });
  const profile = profileNamed(profileName);
  return profile.ok ? success({ profile: profile.value }) : profile;
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
