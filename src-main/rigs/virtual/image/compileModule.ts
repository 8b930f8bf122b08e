import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../../core/result.ts';
import { compileInRoot } from './buildRoot.ts';
import { headerWords, type KernelTree } from './kernelTree.ts';
import { runTool } from './runTool.ts';

export const moduleName = 'vfio-pci-notify';

/** The first line of `gcc --version`: another compiler gives another module. */
export const compilerVersion = async (): Promise<Result<string>> => {
  const said = await runTool('gcc', ['--version'], {
    purpose: 'compile the kernel module',
    advice: 'its answer is in the details',
  });
  return said.ok ? success(said.value.split('\n')[0] ?? '') : said;
};

/** Whose compiler builds the module; `libraries`: where those are that objtool is linked with. */
export type ModuleTools =
  | { readonly kind: 'machine'; readonly libraries: string }
  | { readonly kind: 'buildRoot'; readonly root: string };

const compileOnMachine = async (
  headers: string,
  folder: string,
  libraries: string,
): Promise<Result<string>> => {
  const words = [...(await headerWords(headers)), `M=${folder}`];
  const compiler = ['CC=gcc', 'HOSTCC=gcc'];
  // Without debug information, and without the path of the copy, the module is the same wherever it is built.
  const flags = `KCFLAGS=-g0 -ffile-prefix-map=${folder}=.`;
  return runTool('make', [...words, ...compiler, flags, 'modules'], {
    purpose: 'compile the kernel module',
    advice:
      'its output is in the details; a kernel that is newer than this machine wants a newer compiler (--json shows it)',
    environment: { LD_LIBRARY_PATH: libraries },
  });
};

/** Builds the notify driver for a kernel in a copy of its sources, and answers the path of the module. */
export const compileModule = async (
  source: string,
  { release, headers }: KernelTree,
  tools: ModuleTools,
  scratch: string,
): Promise<Result<string>> => {
  if (headers === null) {
    const what = 'unpack the headers and kbuild packages of the kernel as well';
    return failure('imageNotBuilt', `The kernel ${release} came without its headers; ${what}.`);
  }
  const folder = join(scratch, 'module');
  await cp(source, folder, { recursive: true });
  const built =
    tools.kind === 'buildRoot'
      ? await compileInRoot(tools.root, release, folder)
      : await compileOnMachine(headers, folder, tools.libraries);
  if (!built.ok) {
    await rm(folder, { recursive: true, force: true });
    return built;
  }
  return success(join(folder, `${moduleName}.ko`));
};
