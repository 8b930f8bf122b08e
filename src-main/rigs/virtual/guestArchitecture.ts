/** The architectures that a guest can have, by the words of `virtual:` and of `resources/rig-images`. */
export const guestArchitectures = ['x86', 's390x'] as const;
export type GuestArchitecture = (typeof guestArchitectures)[number];

/**
 * The image that is meant when none is named. For s390x the newest kernel that the archive has: mediated recovery is
 * younger than Debian's releases.
 */
export const defaultKernels: Readonly<Record<GuestArchitecture, string>> = {
  x86: 'bookworm',
  s390x: 'newest',
};
