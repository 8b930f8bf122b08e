import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rigCache } from '../../../src-main/commands/places.ts';
import { unpackedFolder } from '../../../src-main/rigs/virtual/image/buildImage.ts';
import { readManifest } from '../../../src-main/rigs/virtual/image/imageManifest.ts';
import { imageFolder } from '../../../src-main/rigs/virtual/image/imageStore.ts';
import { defaultKernels } from '../../../src-main/rigs/virtual/guestArchitecture.ts';

/** Node for s390x, one program at a time on this machine: words that start it, before those of its own. */
export interface S390xNode {
  readonly words: readonly [string, ...string[]];
  /** A sentence when it is not there. */
  readonly missing: string | null;
}

/** The Node of the s390x guest with the libraries of its packages, by QEMU's user emulation. */
export const findS390xNode = async (): Promise<S390xNode> => {
  const absent = (missing: string): S390xNode => ({ words: ['false'], missing });
  const cache = rigCache(process.env);
  const manifest = await readManifest(imageFolder(cache, 's390x', defaultKernels.s390x));
  if (manifest === null) return absent('there is no Node for s390x; run "rbench rig build s390x"');
  const root = unpackedFolder(cache, manifest.userPackages);
  const node = join(cache, 'node', manifest.inputs.node ?? 'none');
  if (!existsSync(node)) return absent(`${node} is missing; run "rbench rig build s390x"`);
  if (spawnSync('qemu-s390x', ['--version']).status !== 0) {
    return absent('qemu-s390x is missing; install the Debian package "qemu-user"');
  }
  return { words: ['qemu-s390x', '-L', root, node], missing: null };
};
