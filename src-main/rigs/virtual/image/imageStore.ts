import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../../core/result.ts';
import { defaultKernels, type GuestArchitecture } from '../guestArchitecture.ts';
import { fileHash } from './debianPackages.ts';
import { readManifest, type ImageInputs, type ImageManifest } from './imageManifest.ts';

/** Where the parts are that the bench itself puts into a guest. */
export type BenchParts = {
  /** `resources/rig-images/<architecture>`. */
  readonly recipe: string;
  /** The bundled agent, one file. */
  readonly agent: string;
} & (
  | {
      readonly architecture: 'x86';
      /** `resources/kernel-module/vfio-pci-notify`. */
      readonly module: string;
    }
  | {
      readonly architecture: 's390x';
      /** `resources/native`. */
      readonly addOn: string;
    }
);

/** An image that a guest can be started from. */
export interface RigImage {
  readonly folder: string;
  readonly vmlinuz: string;
  readonly initramfs: string;
  readonly manifest: ImageManifest;
}

export const imageFolder = (cache: string, architecture: GuestArchitecture, name: string): string =>
  join(cache, architecture, name);

export const imageIn = (folder: string, manifest: ImageManifest): RigImage => ({
  folder,
  vmlinuz: join(folder, 'vmlinuz'),
  initramfs: join(folder, 'initramfs.cpio'),
  manifest,
});

/** The hash of the files of a folder, by their names and contents; what is built in it does not count. */
export const sourceHash = async (folder: string): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort()) {
    if (!/\.[ch]$|^Makefile$|^Kbuild$/.test(name)) continue;
    hash.update(`${name}\0`).update(await readFile(join(folder, name)));
  }
  return hash.digest('hex');
};

/** The guests' first program is the same on every architecture, and lies beside their recipes. */
export const initOf = ({ recipe }: Pick<BenchParts, 'recipe'>): string => join(recipe, '..', 'init');

/** The inputs that change with the bench, and are small. */
export const benchInputs = async (
  parts: BenchParts,
): Promise<Pick<ImageInputs, keyof typeof inputWords>> => ({
  recipe: await fileHash(join(parts.recipe, 'recipe.json')),
  init: await fileHash(initOf(parts)),
  ...(parts.architecture === 'x86'
    ? { module: await sourceHash(parts.module) }
    : { addOn: await sourceHash(parts.addOn) }),
  agent: await fileHash(parts.agent),
});

const inputWords = {
  recipe: 'recipe',
  init: 'init script',
  module: 'kernel module',
  addOn: 'add-on',
  agent: 'agent',
} as const;

const command = (architecture: GuestArchitecture, name: string): string =>
  `run "rbench rig build ${architecture}${name === defaultKernels[architecture] ? '' : ` --kernel ${name}`}"`;

/** The image of this name, if it is there and was made from the parts that the bench has. */
export const findImage = async (
  cache: string,
  name: string,
  parts: BenchParts,
): Promise<Result<RigImage>> => {
  const { architecture } = parts;
  const folder = imageFolder(cache, architecture, name);
  const advice = command(architecture, name);
  const manifest = await readManifest(folder);
  if (manifest === null) {
    return failure(
      'imageNotBuilt',
      `The image "${name}" of the ${architecture} guest is not built; ${advice}.`,
    );
  }
  let inputs;
  try {
    inputs = await benchInputs(parts);
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).path ?? 'a part of the bench';
    return failure(
      'imageNotBuilt',
      `The bench cannot read ${missing}, which is part of the guest; ${advice}.`,
    );
  }
  for (const input of ['recipe', 'init', 'module', 'addOn', 'agent'] as const) {
    if (inputs[input] === manifest.inputs[input]) continue;
    const message = `The image "${name}" was made with another ${inputWords[input]} than this bench has; ${advice}.`;
    return failure('imageNotBuilt', message);
  }
  return success(imageIn(folder, manifest));
};
