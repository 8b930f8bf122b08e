import { failure, success, type Result } from '../../core/result.ts';
import { defaultKernels, guestArchitectures, type GuestArchitecture } from './guestArchitecture.ts';
import { guestTopologyNamed, type GuestTopology } from './guestTopology.ts';

/** Kernels that are made from Debian's packages; any other name is that of an unpacked kernel's image. */
export const defaultKernel = defaultKernels.x86;

/** A guest that can be started: `virtual:x86`, `virtual:x86@sid:switch`, `virtual:s390x`. */
export interface VirtualRigName {
  readonly architecture: GuestArchitecture;
  /** The name of the image, which is that of the suite its kernel comes from. */
  readonly kernel: string;
  /** null: the one that the scenario asks for, or the first of the architecture. */
  readonly topology: GuestTopology['name'] | null;
}

/** An image's name is a folder's name. */
export const imageNamePattern = /^[a-z0-9][a-z0-9.+-]{0,63}$/;

/** The words after `virtual:`. */
export const parseVirtualRigName = (words: readonly string[]): Result<VirtualRigName> => {
  const [machine, topologyName, ...rest] = words;
  const [name, kernelName, ...more] = (machine ?? 'x86').split('@');
  const architecture = guestArchitectures.find((known) => known === name);
  const kernel = kernelName ?? (architecture === undefined ? '' : defaultKernels[architecture]);
  if (architecture === undefined || rest.length > 0 || more.length > 0 || !imageNamePattern.test(kernel)) {
    return failure(
      'unknownRig',
      `There is no rig "virtual:${words.join(':')}"; use virtual:x86, virtual:x86@KERNEL, virtual:x86:TOPOLOGY or virtual:s390x.`,
    );
  }
  if (topologyName === undefined) return success({ architecture, kernel, topology: null });
  const topology = guestTopologyNamed(topologyName, architecture);
  return topology.ok ? success({ architecture, kernel, topology: topology.value.name }) : topology;
};

export const formatVirtualRigName = ({ architecture, kernel, topology }: VirtualRigName): string =>
  `virtual:${architecture}${kernel === defaultKernels[architecture] ? '' : `@${kernel}`}${topology === null ? '' : `:${topology}`}`;
