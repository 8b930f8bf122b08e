import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { success, type Result } from '../../../core/result.ts';
import { addOnName, compileAddOn, crossCompilerVersion } from './compileAddOn.ts';
import { compileModule, compilerVersion, type ModuleTools } from './compileModule.ts';
import { fileHash } from './debianPackages.ts';
import { koffiFiles, type GuestParts } from './guestFiles.ts';
import { findGuestNode, packagedNode, packageHash, strippedNode } from './guestNode.ts';
import type { ImageInputs } from './imageManifest.ts';
import type { BenchParts } from './imageStore.ts';
import type { KernelTree } from './kernelTree.ts';
import type { NodePackage, Recipe } from './recipe.ts';

/** Where the packages are unpacked, when the programs are made. */
export interface ProgramRoots {
  readonly kernel: KernelTree;
  /** What a kernel module is compiled with. */
  readonly tools: ModuleTools;
  readonly cache: string;
  readonly scratch: string;
}

/** What differs between the architectures: Node, what calls the kernel for it, and what is compiled. */
export interface GuestPrograms {
  readonly compiler: string;
  /** Beside those of `benchInputs`. */
  readonly inputs: Pick<ImageInputs, 'node' | 'koffi'>;
  make(roots: ProgramRoots): Promise<Result<Pick<GuestParts, 'notifyModule' | 'node' | 'besideAgent'>>>;
}

/** Stands for a compiler that is among the packages of the image. */
const ownCompiler: Result<string> = success('that of the build packages');

/** x86: the bench's own Node and koffi, and the notify driver by this machine's compiler or that of its kernel. */
const benchPrograms = async (
  module: string,
  packages: string,
  tools: ModuleTools['kind'],
): Promise<Result<GuestPrograms>> => {
  const compiler = tools === 'buildRoot' ? ownCompiler : await compilerVersion();
  if (!compiler.ok) return compiler;
  const node = await findGuestNode(packages);
  if (!node.ok) return node;
  const nodeHash = await fileHash(node.value);
  const beside = await koffiFiles(packages);
  const koffi = createHash('sha256');
  for (const path of beside) koffi.update(path).update(await readFile(join(packages, path)));
  return success({
    compiler: compiler.value,
    inputs: { node: nodeHash, koffi: koffi.digest('hex') },
    make: async ({ kernel, tools, cache, scratch }) => {
      const notifyModule = await compileModule(module, kernel, tools, scratch);
      if (!notifyModule.ok) return notifyModule;
      return success({
        notifyModule: notifyModule.value,
        node: await strippedNode(node.value, nodeHash, cache),
        besideAgent: beside.map((path) => ({ path: `node_modules/${path}`, file: join(packages, path) })),
      });
    },
  });
};

/** s390x: npm's Node, and the bench's add-on by a cross-compiler. */
const foreignPrograms = async (
  addOn: string,
  packages: string,
  node: NodePackage,
): Promise<Result<GuestPrograms>> => {
  const compiler = await crossCompilerVersion(addOn);
  if (!compiler.ok) return compiler;
  return success({
    compiler: compiler.value,
    inputs: { node: packageHash(node) },
    make: async ({ cache, scratch }) => {
      const built = await compileAddOn(addOn, packages, scratch);
      if (!built.ok) return built;
      const program = await packagedNode(node, cache, scratch);
      if (!program.ok) return program;
      return success({
        notifyModule: null,
        node: program.value,
        besideAgent: [{ path: addOnName, file: built.value }],
      });
    },
  });
};

/** `packages`: the bench's node_modules. */
export const guestPrograms = (
  parts: BenchParts,
  packages: string,
  tools: ModuleTools['kind'],
  { node }: Recipe,
): Promise<Result<GuestPrograms>> => {
  switch (parts.architecture) {
    case 'x86':
      return benchPrograms(parts.module, packages, tools);
    case 's390x':
      // A defect of the installation, as a recipe that is not whole.
      if (node === undefined) throw new Error('The recipe of s390x names no Node.');
      return foreignPrograms(parts.addOn, packages, node);
  }
};
