import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { failure, success, type Result } from '../../../core/result.ts';
import type { Recipe } from './recipe.ts';

/** An unpacked kernel: the places of its parts. */
export interface KernelTree {
  /** As `uname -r` says. */
  readonly release: string;
  readonly vmlinuz: string;
  /** `lib/modules/<release>`. */
  readonly modules: string;
  /** What a module is built against; null where the kernel came without. */
  readonly headers: string | null;
}

const firstThere = async (paths: readonly string[]): Promise<string | null> => {
  for (const path of paths) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return null;
};

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/**
 * The parts of a kernel below `root`, where Debian's packages put them: up to 6.x the image is in /boot, in 7.x it lies
 * beside the modules, below /usr.
 */
export const locateKernel = async (root: string): Promise<Result<KernelTree>> => {
  const absent = (what: string) =>
    failure(
      'imageNotBuilt',
      `${root} holds no ${what}; unpack the image, modules, headers and kbuild packages of one kernel there.`,
    );
  for (const folder of [join(root, 'lib/modules'), join(root, 'usr/lib/modules')]) {
    const releases = await namesIn(folder);
    const [release] = releases;
    if (release === undefined) continue;
    if (releases.length > 1) {
      return failure(
        'imageNotBuilt',
        `${folder} holds several kernels (${releases.join(', ')}); leave one there.`,
      );
    }
    const modules = join(folder, release);
    const vmlinuz = await firstThere([
      join(root, 'boot', `vmlinuz-${release}`),
      join(modules, 'vmlinuz'),
      join(root, 'usr/lib/modules', release, 'vmlinuz'),
    ]);
    if (vmlinuz === null) return absent(`vmlinuz of ${release}`);
    const headers = await firstThere([join(root, 'usr/src', `linux-headers-${release}`)]);
    return success({ release, vmlinuz, modules, headers });
  }
  return absent('kernel modules');
};

/**
 * How make is told to build against headers. Debian's Makefile there includes that of the common headers by its installed
 * place, and sets KBUILD_OUTPUT to its own (7.x); here both lie below another root, which may be somebody else's.
 */
export const headerWords = async (headers: string): Promise<readonly string[]> => {
  const text = await readFile(join(headers, 'Makefile'), 'utf8');
  const common = /^include \/usr\/src\/([^/\s]+)\/Makefile$/m.exec(text)?.[1];
  return [
    ...['-C', headers],
    ...(common === undefined ? [] : ['-f', join(headers, '..', common, 'Makefile')]),
    ...(/^KBUILD_OUTPUT=/m.test(text) ? [`KBUILD_OUTPUT=${headers}`] : []),
  ];
};

/** modprobe takes - and _ for the same. */
const moduleKey = (path: string): string =>
  basename(path)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_');

const versionOf = (release: string): readonly number[] =>
  /^(\d+)\.(\d+)/.exec(release)?.slice(1).map(Number) ?? [];

const isLater = (release: string, version: string): boolean => {
  const [major = 0, minor = 0] = versionOf(release);
  const [lastMajor = 0, lastMinor = 0] = versionOf(version);
  return major > lastMajor || (major === lastMajor && minor > lastMinor);
};

export interface ModuleFile {
  readonly name: string;
  /** `.ko`, or `.ko.xz`. */
  readonly path: string;
}

/** The files of the recipe's modules in their order, without those that this kernel has built in or does not have. */
export const findModules = async (
  { release, modules }: KernelTree,
  wanted: Recipe['modules'],
): Promise<Result<readonly ModuleFile[]>> => {
  const listed = await readdir(join(modules, 'kernel'), { recursive: true });
  const files = new Map(
    listed.filter((path) => /\.ko(\.xz)?$/.test(path)).map((path) => [moduleKey(path), path]),
  );
  const builtIn = await readFile(join(modules, 'modules.builtin'), 'utf8');
  const present = new Set(builtIn.trimEnd().split('\n').map(moduleKey));
  const found: ModuleFile[] = [];
  for (const { name, until } of wanted) {
    const key = moduleKey(name);
    if (present.has(key) || (until !== undefined && isLater(release, until))) continue;
    const path = files.get(key);
    if (path === undefined) {
      return failure('imageNotBuilt', `The kernel ${release} has no module ${name}, which the guest needs.`);
    }
    found.push({ name, path: join(modules, 'kernel', path) });
  }
  return success(found);
};
