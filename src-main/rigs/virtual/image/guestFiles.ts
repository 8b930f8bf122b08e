import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { success, type Result } from '../../../core/result.ts';
import { moduleName } from './compileModule.ts';
import type { ModuleFile } from './kernelTree.ts';
import type { ArchiveEntry } from './newcArchive.ts';
import type { Recipe } from './recipe.ts';
import { runTool } from './runTool.ts';

/** Where on this machine the parts of the guest's first root are. */
export interface GuestParts {
  readonly init: string;
  /** Unpacked user packages. */
  readonly userRoot: string;
  readonly modules: readonly ModuleFile[];
  /** The notify driver, where the guest has one. */
  readonly notifyModule: string | null;
  readonly node: string;
  readonly agent: string;
  /** What the agent loads, by its path from there. */
  readonly besideAgent: readonly { readonly path: string; readonly file: string }[];
}

const directory = (path: string): ArchiveEntry => ({ path, kind: 'directory' });
const link = (path: string, target: string): ArchiveEntry => ({ path, kind: 'link', target });
const file = (path: string, content: string | Uint8Array, mode = 0o644): ArchiveEntry => ({
  path,
  kind: 'file',
  content: typeof content === 'string' ? { file: content } : content,
  mode,
});

/** Koffi's own documentation, sources and tools, and its binaries for other C libraries, are not run. */
const notRun = /^(doc|vendor|lib)\/|^cnoke|\.(md|txt|cc|hh|h|S|asm|d\.ts)$|^musl_/;

/** koffi as Node finds it beside the agent. */
export const koffiFiles = async (packages: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const name of ['koffi', '@koromix/koffi-linux-x64']) {
    const entries = await readdir(join(packages, name), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name).slice(packages.length + 1);
      if (!entry.isFile() || notRun.test(path.slice(name.length + 1))) continue;
      if (/\.(js|cjs|json|node)$/.test(path)) found.push(path);
    }
  }
  return found.sort();
};

const moduleContent = async ({ path }: ModuleFile, unpacked: string): Promise<Result<Uint8Array>> => {
  if (!path.endsWith('.xz')) return success(await readFile(path));
  const made = await runTool('sh', ['-c', 'xz --decompress --stdout "$1" > "$2"', 'sh', path, unpacked], {
    purpose: 'unpack a kernel module',
    advice: 'the Debian package "xz-utils" brings xz',
  });
  return made.ok ? success(await readFile(unpacked)) : made;
};

/** Everything that the guest's first root holds. `scratch`: a folder that is removed afterwards. */
export const guestFiles = async (
  recipe: Recipe,
  parts: GuestParts,
  scratch: string,
): Promise<Result<readonly ArchiveEntry[]>> => {
  const entries: ArchiveEntry[] = [
    ...['dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp'].map(directory),
    // Opened for init's standard streams before devtmpfs is there.
    { path: 'dev/console', kind: 'characterDevice', major: 5, minor: 1 },
    file('init', parts.init, 0o755),
    file('bin/busybox', join(parts.userRoot, 'bin/busybox'), 0o755),
    ...recipe.applets.map((applet) => link(`bin/${applet}`, 'busybox')),
    file('bin/node', parts.node, 0o755),
    ...recipe.libraries.map((path) => file(path, join(parts.userRoot, path), 0o755)),
    file('agent/agent.mjs', parts.agent),
    ...parts.besideAgent.map(({ path, file: from }) => file(`agent/${path}`, from)),
    ...(parts.notifyModule === null ? [] : [file(`modules/extra/${moduleName}.ko`, parts.notifyModule)]),
    file('modules/order', Buffer.from(parts.modules.map(({ name }) => `${name}\n`).join(''))),
  ];
  for (const module of parts.modules) {
    const content = await moduleContent(module, join(scratch, `${module.name}.ko`));
    if (!content.ok) return content;
    entries.push(file(`modules/${module.name}.ko`, content.value));
  }
  return success(entries);
};
