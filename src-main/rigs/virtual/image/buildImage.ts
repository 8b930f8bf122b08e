import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../../core/result.ts';
import { buildRootNames, finishBuildRoot, probeBuildRoot, wantsBuildRoot } from './buildRoot.ts';
import type { ModuleTools } from './compileModule.ts';
import { DebianPackages, fileHash, unpackPackages } from './debianPackages.ts';
import { guestFiles } from './guestFiles.ts';
import { writeKernel } from './guestKernel.ts';
import { guestPrograms } from './guestPrograms.ts';
import {
  formatManifest,
  manifestFile,
  readManifest,
  type ImageManifest,
  type PinnedPackage,
} from './imageManifest.ts';
import { benchInputs, imageFolder, imageIn, initOf, type BenchParts, type RigImage } from './imageStore.ts';
import { findModules, locateKernel, type KernelTree } from './kernelTree.ts';
import { writeNewcArchive } from './newcArchive.ts';
import { readRecipe, type Recipe } from './recipe.ts';

/** Where the kernel comes from: a release of Debian, or a folder with an unpacked one. */
export type KernelSource =
  { readonly kind: 'release'; readonly name: string } | { readonly kind: 'folder'; readonly path: string };

export interface BuildWishes {
  /** `~/.cache/recovery-bench/rigs`. */
  readonly cache: string;
  readonly parts: BenchParts;
  /** The bench's node_modules. */
  readonly packages: string;
  readonly kernel: KernelSource;
  /** `pinned`: the packages of the image that is there, if there is one; `newest`: what the release has today. */
  readonly versions: 'pinned' | 'newest';
  /** One short line for each thing that takes time. */
  readonly onProgress: (text: string) => void;
}

/** `unchanged`: the image was there already, made of the same. */
export interface BuiltImage {
  readonly image: RigImage;
  readonly result: 'built' | 'unchanged';
}

type Pins = Pick<ImageManifest, 'kernelPackages' | 'userPackages' | 'toolPackages' | 'buildPackages'>;

const combinedHash = (packages: readonly PinnedPackage[]): string =>
  createHash('sha256')
    .update(packages.map(({ sha256 }) => sha256).join('\n'))
    .digest('hex')
    .slice(0, 16);

/** Where packages lie unpacked, which is shared by every image that has the same. */
export const unpackedFolder = (cache: string, packages: readonly PinnedPackage[]): string =>
  join(cache, 'unpacked', combinedHash(packages));

class ImageBuild {
  readonly #wishes: BuildWishes;
  readonly #recipe: Recipe;
  readonly #updated = new Map<string, DebianPackages>();

  constructor(wishes: BuildWishes, recipe: Recipe) {
    this.#wishes = wishes;
    this.#recipe = recipe;
  }

  /** The release with its lists fetched, once a build. */
  async #release(name: string): Promise<Result<DebianPackages>> {
    const known = this.#updated.get(name);
    if (known !== undefined) return success(known);
    const release = this.#archive(name);
    if (!release.ok) return release;
    this.#wishes.onProgress(`fetching the package lists of ${name}`);
    const updated = await release.value.update();
    if (!updated.ok) return updated;
    this.#updated.set(name, release.value);
    return release;
  }

  #archive(name: string): Result<DebianPackages> {
    const sources = Object.hasOwn(this.#recipe.suites, name) ? this.#recipe.suites[name] : undefined;
    const { debianArchitecture } = this.#recipe;
    if (sources !== undefined)
      return success(new DebianPackages(this.#wishes.cache, debianArchitecture, name, sources));
    const names = Object.keys(this.#recipe.suites).join(', ');
    return failure(
      'malformedInput',
      `There is no kernel "${name}": name one of ${names}, or a folder with an unpacked one.`,
    );
  }

  /** Whether the kernel module is compiled with the tools of its kernel's release. */
  buildsInRoot(): boolean {
    const { parts, kernel } = this.#wishes;
    const suite = kernel.kind === 'release' ? kernel.name : null;
    return wantsBuildRoot(parts.architecture, suite, this.#recipe.userSuite);
  }

  /** Which packages the image is made of. */
  async pins(before: ImageManifest | null): Promise<Result<Pins>> {
    const { kernel, versions } = this.#wishes;
    // An image that was made with the machine's own compiler pinned no other.
    const whole = before !== null && (before.buildPackages !== undefined || !this.buildsInRoot());
    if (whole && versions === 'pinned') return success(before);
    const { kernelPackages, userSuite, userPackages, toolPackages } = this.#recipe;
    const own = await this.#release(userSuite);
    if (!own.ok) return own;
    const user = await own.value.pin(userPackages, 'nothing');
    if (!user.ok) return user;
    const tools = await own.value.pin(toolPackages, 'nothing');
    if (!tools.ok) return tools;
    const found: Pins = { kernelPackages: [], userPackages: user.value, toolPackages: tools.value };
    if (kernel.kind === 'folder') return success(found);
    const release = await this.#release(kernel.name);
    if (!release.ok) return release;
    if (Array.isArray(kernelPackages)) {
      const kernels = await release.value.pin(kernelPackages, 'dependencies');
      if (!kernels.ok) return kernels;
      // The two that are named first hold nothing; they depend on those of today's version.
      const real = kernels.value.filter(({ name }) => !kernelPackages.includes(name));
      if (!this.buildsInRoot()) return success({ ...found, kernelPackages: real });
      const build = await release.value.pinWhole(buildRootNames(real));
      return build.ok ? success({ ...found, kernelPackages: real, buildPackages: build.value }) : build;
    }
    const newest = await release.value.newestKernel(kernelPackages.newest);
    if (!newest.ok) return newest;
    const kernels = await release.value.pin([newest.value], 'dependencies');
    return kernels.ok ? success({ ...found, kernelPackages: kernels.value }) : kernels;
  }

  /** The folder with these packages unpacked. */
  async unpacked(release: string, packages: readonly PinnedPackage[]): Promise<Result<string>> {
    const { cache, onProgress } = this.#wishes;
    const folder = unpackedFolder(cache, packages);
    // Written last, so that a folder without it is not whole.
    const seal = join(folder, '.whole');
    const whole = await readFile(seal).then(
      () => true,
      () => false,
    );
    if (whole) return success(folder);
    const paths: string[] = [];
    let archive = this.#archive(release);
    for (const [index, wanted] of packages.entries()) {
      if (!archive.ok) return archive;
      onProgress(`package ${index + 1} of ${packages.length}: ${wanted.name} ${wanted.version}`);
      let path = await archive.value.fetch(wanted);
      if (!path.ok && !this.#updated.has(release)) {
        // The lists of an earlier build do not know where the file is today.
        archive = await this.#release(release);
        if (!archive.ok) return archive;
        path = await archive.value.fetch(wanted);
      }
      if (!path.ok) return path;
      paths.push(path.value);
    }
    onProgress('unpacking');
    await rm(folder, { recursive: true, force: true });
    const unpacked = await unpackPackages(paths, folder);
    if (!unpacked.ok) return unpacked;
    await writeFile(seal, '');
    return success(folder);
  }

  /** What the kernel module is compiled with, unpacked. */
  async tools({ toolPackages, buildPackages }: Pins): Promise<Result<ModuleTools>> {
    const { kernel } = this.#wishes;
    if (buildPackages !== undefined && kernel.kind === 'release') {
      const root = await this.unpacked(kernel.name, buildPackages);
      if (!root.ok) return root;
      await finishBuildRoot(root.value);
      return success({ kind: 'buildRoot', root: root.value });
    }
    const root = await this.unpacked(this.#recipe.userSuite, toolPackages);
    if (!root.ok) return root;
    return success({ kind: 'machine', libraries: join(root.value, 'usr/lib/x86_64-linux-gnu') });
  }

  async kernel(pins: Pins): Promise<Result<KernelTree>> {
    const { kernel } = this.#wishes;
    if (kernel.kind === 'folder') return locateKernel(kernel.path);
    const root = await this.unpacked(kernel.name, pins.kernelPackages);
    if (!root.ok) return root;
    return locateKernel(root.value);
  }
}

/** The name of the image, which for an unpacked kernel is only known when its folder was looked at. */
const nameOf = async (kernel: KernelSource): Promise<Result<string>> => {
  if (kernel.kind === 'release') return success(kernel.name);
  const tree = await locateKernel(kernel.path);
  return tree.ok ? success(tree.value.release.toLowerCase()) : tree;
};

/** Makes the image in a scratch folder and puts it in place of an earlier one when it is whole. */
const build = async (wishes: BuildWishes, scratch: string): Promise<Result<BuiltImage>> => {
  const { cache, parts, packages, onProgress } = wishes;
  const recipe = await readRecipe(parts.recipe);
  const name = await nameOf(wishes.kernel);
  if (!name.ok) return name;
  const folder = imageFolder(cache, parts.architecture, name.value);
  const before = await readManifest(folder);
  const work = new ImageBuild(wishes, recipe);
  const inRoot = work.buildsInRoot();
  const programs = await guestPrograms(parts, packages, inRoot ? 'buildRoot' : 'machine', recipe);
  if (!programs.ok) return programs;
  const { compiler } = programs.value;
  const inputs = { ...(await benchInputs(parts)), ...programs.value.inputs };

  const pins = await work.pins(before);
  if (!pins.ok) return pins;
  const { kernelPackages, userPackages, toolPackages, buildPackages } = pins.value;
  const built = buildPackages === undefined ? {} : { buildPackages };
  const made = { kernelPackages, userPackages, toolPackages, ...built, compiler, inputs };
  if (before !== null && wishes.kernel.kind === 'release') {
    const same = JSON.stringify({ ...before, ...made }) === JSON.stringify(before);
    if (same) return success({ image: imageIn(folder, before), result: 'unchanged' });
  }

  // Before much is downloaded for nothing.
  const allowed = inRoot ? await probeBuildRoot() : success(undefined);
  if (!allowed.ok) return allowed;
  const kernel = await work.kernel(pins.value);
  if (!kernel.ok) return kernel;
  const userRoot = await work.unpacked(recipe.userSuite, userPackages);
  if (!userRoot.ok) return userRoot;
  const tools = await work.tools(pins.value);
  if (!tools.ok) return tools;
  const modules = await findModules(kernel.value, recipe.modules);
  if (!modules.ok) return modules;
  onProgress(`compiling what runs in the guest, for ${kernel.value.release}`);
  const roots = { tools: tools.value, cache, scratch };
  const compiled = await programs.value.make({ kernel: kernel.value, ...roots });
  if (!compiled.ok) return compiled;

  onProgress('writing the initramfs');
  const guest = {
    init: initOf(parts),
    userRoot: userRoot.value,
    modules: modules.value,
    agent: parts.agent,
    ...compiled.value,
  };
  const files = await guestFiles(recipe, guest, scratch);
  if (!files.ok) return files;
  const image = join(scratch, 'image');
  await mkdir(image);
  const initramfs = await writeNewcArchive(join(image, 'initramfs.cpio'), files.value);
  const vmlinuz = join(image, 'vmlinuz');
  await writeKernel(kernel.value.vmlinuz, vmlinuz, scratch);
  const manifest: ImageManifest = {
    format: 2,
    architecture: parts.architecture,
    name: name.value,
    release: kernel.value.release,
    ...made,
    outputs: { vmlinuz: await fileHash(vmlinuz), initramfs },
  };
  await writeFile(join(image, manifestFile), formatManifest(manifest));
  await mkdir(join(folder, '..'), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(image, folder);
  return success({ image: imageIn(folder, manifest), result: 'built' });
};

/**
 * Makes the image of a guest: kernel and first root, with the agent and what that needs in it. Only the cache is written to. What
 * fails leaves the image that was there as it was.
 */
export const buildImage = async (wishes: BuildWishes): Promise<Result<BuiltImage>> => {
  let scratch: string | null = null;
  try {
    await mkdir(wishes.cache, { recursive: true });
    scratch = await mkdtemp(join(wishes.cache, 'building-'));
    return await build(wishes, scratch);
  } catch (thrown) {
    const { code, path, message } = thrown as NodeJS.ErrnoException;
    if (code === undefined) throw thrown;
    return failure('imageNotBuilt', `The bench cannot build the image: ${code} at ${path ?? message}.`);
  } finally {
    if (scratch !== null) await rm(scratch, { recursive: true, force: true });
  }
};
