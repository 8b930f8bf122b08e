import { done, failure, success, type Result } from '../core/result.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import type { GuestArchitecture } from '../rigs/virtual/guestArchitecture.ts';
import type { GuestTopology, GuestTopologyName } from '../rigs/virtual/guestTopology.ts';
import { findImage, type RigImage } from '../rigs/virtual/image/imageStore.ts';
import type { BootWishes } from '../rigs/virtual/kernelCommandLine.ts';
import { formatVirtualRigName, type VirtualRigName } from '../rigs/virtual/virtualRigName.ts';
import { profiles } from '../rigs/simulated/kernel/profile.ts';
import type { Scenario } from '../scenarios/load.ts';
import { benchParts, rigCache } from './places.ts';

export const imageOf = (
  { architecture, kernel }: Pick<VirtualRigName, 'architecture' | 'kernel'>,
  environment: NodeJS.ProcessEnv,
): Promise<Result<RigImage>> => findImage(rigCache(environment), kernel, benchParts(architecture));

/** A guest as it is without a scenario: on x86 with the notify driver as posted. */
export const plainGuest = { driver: 'vfio-pci-notify', moduleParameters: {} } as const;
export const plainGuestOf = (
  architecture: GuestArchitecture,
): Pick<BootWishes, 'driver' | 'moduleParameters'> =>
  architecture === 'x86' ? plainGuest : { driver: 'vfio-pci', moduleParameters: {} };

/** The simulated topologies that a guest can have as well, with the same addresses. */
const sameTopology: Readonly<Record<string, GuestTopologyName>> = {
  single: 'single',
  multiFunction: 'multiFunction',
  sharedSwitch: 'switch',
};

export interface ScenarioBoot extends Pick<BootWishes, 'driver' | 'moduleParameters'> {
  readonly topology: GuestTopology['name'];
}

/** The kernels of the profiles are named by their first two numbers. */
const seriesOf = (release: string): string => /^\d+\.\d+/.exec(release)?.[0] ?? release;

const bootZpci = (name: string, needs: Scenario['needs'], rig: string): Result<ScenarioBoot> => {
  if (needs.protocol !== 'mediated' && needs.protocol !== 'legacy') {
    const why = `${rig} does not offer the ${needs.protocol} protocol; an s390x kernel has legacy or mediated.`;
    return failure('protocolUnavailable', why);
  }
  return needs.topology === 'zpci'
    ? success({ topology: 'zpci', driver: 'vfio-pci', moduleParameters: {} })
    : failure(
        'notSupported',
        `${name} needs the devices of "${needs.topology}", which ${rig} does not have.`,
      );
};

/** What no guest can do, or cannot do in this story, as a sentence; null where it can do all of it. */
const cannotPlay = ({ needs, steps }: Pick<Scenario, 'needs' | 'steps'>): string | null => {
  for (const { kind, value } of steps) {
    if (kind === 'enableTph') return 'no device of QEMU has a TPH capability';
    if (kind === 'inject' && value.kind === 'unplug' && needs.protocol === 'notify') {
      return 'a guest’s kernel lets a device go only when its wait is over, and QEMU takes none out before';
    }
  }
  return null;
};

/** Whether a scenario goes as it is written on a kernel of this release. */
export const checkWrittenFor = (
  { name, needs }: Pick<Scenario, 'name' | 'needs'>,
  release: string,
): Result<void> => {
  const series = seriesOf(release);
  const versions = [...new Set(needs.profiles.map((profile) => profiles[profile].version))];
  return versions.some((version) => version === series)
    ? done
    : failure(
        'notSupported',
        `${name} is written for Linux ${versions.join(', ')}; the guest’s is ${series}.`,
      );
};

/**
 * How a guest has to be booted for a scenario. A scenario that is written for other kernels only is played all the same:
 * who names a rig wants to see what it does. `ackTimeout` stands in for the scenario's.
 */
export const bootForScenario = (
  { name, needs, steps }: Pick<Scenario, 'name' | 'needs' | 'steps'>,
  wanted: VirtualRigName,
  release: string,
  ackTimeout: Microseconds | null,
): Result<ScenarioBoot> => {
  const rig = formatVirtualRigName(wanted);
  if (wanted.architecture === 's390x') return bootZpci(name, needs, rig);
  if (needs.protocol !== 'notify' && needs.protocol !== 'legacy') {
    return failure(
      'protocolUnavailable',
      `${rig} does not offer the ${needs.protocol} protocol; no x86 kernel does.`,
    );
  }
  const topology = sameTopology[needs.topology];
  if (topology === undefined) {
    return failure(
      'notSupported',
      `${name} needs the devices of "${needs.topology}", which ${rig} does not have.`,
    );
  }
  const why = cannotPlay({ needs, steps });
  if (why !== null) return failure('notSupported', `${name} cannot be played on ${rig}: ${why}.`);
  if (wanted.topology !== null && wanted.topology !== topology) {
    return failure('malformedInput', `${name} needs the topology ${topology}; leave out the one in ${rig}.`);
  }
  if (needs.protocol === 'legacy') return success({ topology, driver: 'vfio-pci', moduleParameters: {} });
  const written = needs.profiles.map((profile) => profiles[profile]);
  const profile = written.find(({ version }) => version === seriesOf(release)) ?? written[0];
  const timeout = ackTimeout ?? needs.ackTimeout ?? null;
  const moduleParameters = {
    ...(timeout === null ? {} : { ack_timeout_ms: String(Math.round(timeout / 1_000)) }),
    ...(profile?.notify === 'restoreOpenSnapshot' ? { restore_snapshot: 'Y' } : {}),
  };
  return success({ topology, driver: 'vfio-pci-notify', moduleParameters });
};
