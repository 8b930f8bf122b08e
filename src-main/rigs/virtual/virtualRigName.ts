import { failure, success, type Result } from '../../core/result.ts';
import { guestTopologyNamed, type GuestTopologyName } from './guestTopology.ts';

/** Kernels that are made from Debian's packages; any other name is that of an unpacked kernel's image. */
export const defaultKernel = 'bookworm';

/** A guest that can be started: `virtual:x86`, `virtual:x86@sid:switch`. */
export interface VirtualRigName {
  readonly architecture: 'x86';
  /** The name of the image, which is that of the Debian release its kernel comes from. */
  readonly kernel: string;
  /** null: the one that the scenario asks for, or `single`. */
  readonly topology: GuestTopologyName | null;
}

/** An image's name is a folder's name. */
export const imageNamePattern = /^[a-z0-9][a-z0-9.+-]{0,63}$/;

/** The words after `virtual:`. */
export const parseVirtualRigName = (words: readonly string[]): Result<VirtualRigName> => {
  const [machine, topologyName, ...rest] = words;
  const [architecture, kernel = defaultKernel, ...more] = (machine ?? 'x86').split('@');
  if (architecture !== 'x86' || rest.length > 0 || more.length > 0 || !imageNamePattern.test(kernel)) {
    return failure(
      'unknownRig',
      `There is no rig "virtual:${words.join(':')}"; use virtual:x86, virtual:x86@KERNEL or virtual:x86:TOPOLOGY.`,
    );
  }
  if (topologyName === undefined) return success({ architecture, kernel, topology: null });
  const topology = guestTopologyNamed(topologyName);
  return topology.ok ? success({ architecture, kernel, topology: topology.value.name }) : topology;
};

export const formatVirtualRigName = ({ architecture, kernel, topology }: VirtualRigName): string =>
  `virtual:${architecture}${kernel === defaultKernel ? '' : `@${kernel}`}${topology === null ? '' : `:${topology}`}`;
