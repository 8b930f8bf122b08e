import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { success, type Result } from '../../../core/result.ts';
import type { GuestArchitecture } from '../guestArchitecture.ts';
import type { PinnedPackage } from './imageManifest.ts';
import { runTool } from './runTool.ts';

/*
 * A build root: the compiler, headers and tools of the kernel's own release, unpacked into a folder that is the root of
 * the compile. A kernel's headers name the compiler that the kernel was built with and give it options that older ones do
 * not know, and their objtool and modpost are linked with the C library of their own release: a host that is older can
 * run neither.
 */

/** What Kbuild calls, beside the compiler, which the headers depend on. */
const calledByKbuild = [
  ...['binutils', 'coreutils', 'dash', 'diffutils', 'dpkg', 'findutils', 'grep', 'make', 'mawk'],
  ...['perl-base', 'sed'],
];

/** The packages of a build root, by their names; what they depend on belongs to it too. */
export const buildRootNames = (kernelPackages: readonly PinnedPackage[]): readonly string[] => [
  ...kernelPackages.map(({ name }) => name).filter((name) => name.startsWith('linux-headers-')),
  ...calledByKbuild,
];

/**
 * Whether a module is compiled in the root of its kernel's release: where that is another one than `userSuite`, the
 * oldest of a recipe and the one that any host can build for. On s390x no module is compiled.
 */
export const wantsBuildRoot = (
  architecture: GuestArchitecture,
  kernelSuite: string | null,
  userSuite: string,
): boolean => architecture === 'x86' && kernelSuite !== null && kernelSuite !== userSuite;

const purpose = 'compile the kernel module with the tools of its own release';

/** `--kill-child`: what runs inside ends with unshare, however that ends. */
const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child'];

/** Whether this machine lets its users have a root of their own (user_namespaces(7)). */
export const probeBuildRoot = async (): Promise<Result<void>> => {
  const tried = await runTool('unshare', [...namespaces, '--mount-proc', 'true'], {
    purpose,
    advice:
      'this machine does not let you make user namespaces with a /proc of their own: allow them (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or build as root',
  });
  return tried.ok ? success(undefined) : tried;
};

/** In a root whose /usr is merged, and what the installation of a package would have made. */
const links = [
  ['bin', 'usr/bin'],
  ['lib', 'usr/lib'],
  ['lib64', 'usr/lib64'],
  ['sbin', 'usr/sbin'],
  ['usr/bin/sh', 'dash'],
  ['usr/bin/awk', 'mawk'],
] as const;

const moduleFolder = 'module';

/** Makes of unpacked packages a root that programs can run in. It may have been made before. */
export const finishBuildRoot = async (root: string): Promise<void> => {
  for (const folder of ['dev', 'proc', 'tmp', moduleFolder]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const [path, target] of links) {
    await symlink(target, join(root, path)).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EEXIST') throw thrown;
    });
  }
};

// The root is shared by builds: what one of them writes lies in its own folder, or in memory.
const inRoot = `set -e
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/${moduleFolder}"
root=$1
shift 2
exec env -i PATH=/usr/bin:/usr/sbin LC_ALL=C chroot "$root" "$@"`;

/** Builds the module whose sources are in `folder`, there. */
export const compileInRoot = async (root: string, release: string, folder: string): Promise<Result<void>> => {
  const make = [
    ...['make', '-C', `/usr/src/linux-headers-${release}`, `M=/${moduleFolder}`],
    // The module is the same wherever it is built; BTF would be made of a vmlinux, which the headers do not have.
    ...['KCFLAGS=-g0', 'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'],
  ];
  const built = await runTool('unshare', [...namespaces, 'sh', '-c', inRoot, 'sh', root, folder, ...make], {
    purpose,
    advice: 'its output is in the details (--json shows it)',
    // Debian's own path for everybody, where chroot and mount are.
    environment: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  return built.ok ? success(undefined) : built;
};
