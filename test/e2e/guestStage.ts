import { execFile } from 'node:child_process';
import { accessSync, constants, copyFileSync, cpSync, linkSync, mkdirSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot, rigCache } from '../../src-main/commands/places.ts';
import type { GuestArchitecture } from '../../src-main/rigs/virtual/guestArchitecture.ts';
import type { Stage } from './stage.ts';

const run = promisify(execFile);

/** The programs that make a guest and start it, and the Debian packages that bring them. */
const common = { setpriv: 'util-linux', make: 'make', 'apt-get': 'apt', xz: 'xz-utils' };
const programs: Readonly<Record<GuestArchitecture, Readonly<Record<string, string>>>> = {
  x86: { 'qemu-system-x86_64': 'qemu-system-x86', gcc: 'gcc', ...common },
  s390x: {
    'qemu-system-s390x': 'qemu-system-misc',
    's390x-linux-gnu-gcc': 'gcc-s390x-linux-gnu',
    ...common,
  },
};

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** What these tests need and this machine lacks, in words; empty when they can run. */
export const missingGuestTools = (architecture: GuestArchitecture = 'x86'): readonly string[] =>
  Object.entries(programs[architecture]).flatMap(([name, from]) =>
    onPath(name) ? [] : [`${name} (package ${from})`],
  );

/** Files that another user may read: by another name where that is possible, for an image is big. */
const share = (from: string, to: string): void => {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
};

/**
 * Makes the image of a guest as a person would, by `rbench rig build`, and puts it and the agent where the staged app finds
 * them, also as another user. Answers the environment that the app is started with.
 */
export const stageGuest = async (
  stage: Stage,
  architecture: GuestArchitecture = 'x86',
): Promise<Readonly<Record<string, string>>> => {
  const root = packageRoot();
  const { stdout } = await run('npm', ['run', '-s', 'rbench', '--', 'rig', 'build', architecture, '--json'], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  });
  const { folder: built } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { folder: string };
  const staged = join(stage.app, 'cache');
  const image = join(staged, 'rigs', relative(rigCache(process.env), built));
  mkdirSync(image, { recursive: true });
  for (const name of ['vmlinuz', 'initramfs.cpio', 'manifest.json']) {
    share(join(built, name), join(image, name));
  }
  cpSync(join(root, 'out', 'agent'), join(stage.app, 'out', 'agent'), { recursive: true });
  await run('chmod', ['-R', 'a+rX', staged, join(stage.app, 'out', 'agent')]);
  return { RECOVERY_BENCH_CACHE: staged };
};
