import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { guestArchitectures } from '../guestArchitecture.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const pinnedPackage = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/),
  version: z.string().regex(/^[\w.+:~-]+$/),
  sha256,
});
export type PinnedPackage = z.output<typeof pinnedPackage>;

/**
 * What an image was made of: with the same packages, the same inputs of the bench's own and the same compiler it comes
 * out the same, byte for byte.
 */
const manifestSchema = z.strictObject({
  format: z.literal(2),
  architecture: z.enum(guestArchitectures),
  /** The image's name: that of a release, or of an unpacked kernel. */
  name: z.string(),
  /** As `uname -r` says in the guest. */
  release: z.string(),
  /** Empty where the kernel was brought along. */
  kernelPackages: z.array(pinnedPackage),
  userPackages: z.array(pinnedPackage),
  toolPackages: z.array(pinnedPackage),
  /** What the kernel module was compiled with, where that is not the compiler of the machine. */
  buildPackages: z.array(pinnedPackage).optional(),
  compiler: z.string(),
  /** SHA-256 of what the bench itself puts in. */
  inputs: z.strictObject({
    recipe: sha256,
    init: sha256,
    agent: sha256,
    /** x86: sources of the kernel module, Node's program, koffi. */
    module: sha256.optional(),
    node: sha256.optional(),
    koffi: sha256.optional(),
    /** s390x: sources of the add-on. */
    addOn: sha256.optional(),
  }),
  /** SHA-256 of what came out. */
  outputs: z.strictObject({ vmlinuz: sha256, initramfs: sha256 }),
});
export type ImageManifest = z.output<typeof manifestSchema>;
export type ImageInputs = ImageManifest['inputs'];

export const manifestFile = 'manifest.json';

/** The manifest in a folder; null where there is none, or one of another format. */
export const readManifest = async (folder: string): Promise<ImageManifest | null> => {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(await readFile(join(folder, manifestFile), 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

export const formatManifest = (manifest: ImageManifest): string => `${JSON.stringify(manifest, null, 2)}\n`;
