import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const path = z.string().regex(/^[\w+.-]+(\/[\w+.-]+)*$/);

/** What an image is made of: `resources/rig-images/<architecture>/recipe.json`, beside the `init` of the guest. */
const recipeSchema = z.strictObject({
  /** Debian's name of the guest's architecture. */
  debianArchitecture: z.enum(['amd64', 's390x']),
  /** Where the packages of a kernel's name come from. */
  suites: z.record(
    z.string(),
    z.array(z.strictObject({ archive: z.enum(['debian', 'debian-security']), suite: z.string() })).min(1),
  ),
  /**
   * Followed to what they depend on, as far as that is the kernel itself. `newest`: of the packages with such a name,
   * the one of the newest kernel; `*` stands for its release.
   */
  kernelPackages: z.union([
    z.array(z.string()).min(1),
    z.strictObject({ newest: z.string().regex(/^[\w-]+\*[\w-]+$/) }),
  ]),
  /** Which of the suites the user and tool packages come from. */
  userSuite: z.string(),
  /** What the agent and `init` need to run. */
  userPackages: z.array(z.string()).min(1),
  /**
   * npm's package with Node for the guest, and its integrity as npm has it; without one the guest gets the bench's own Node.
   * Debian's Node before 24 has neither a start-up snapshot nor a code cache in it, and starts at half the speed.
   */
  node: z
    .strictObject({
      package: z.string().regex(/^node-linux-\w+$/),
      version: z.string().regex(/^\d+\.\d+\.\d+$/),
      integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]+=*$/),
    })
    .optional(),
  /** Libraries that the kernel's own build tools need on this machine (objtool reads ELF). */
  toolPackages: z.array(z.string()),
  /** In the user packages, and at the same path in the guest. */
  libraries: z.array(path).min(1),
  /** In the order in which they are loaded. `until`: later kernels do not have the module. */
  modules: z.array(z.strictObject({ name: z.string(), until: z.string().optional() })).min(1),
  /** Of busybox. */
  applets: z.array(z.string()).min(1),
});

export type Recipe = z.output<typeof recipeSchema>;
export type NodePackage = NonNullable<Recipe['node']>;

/** Rejects where the bench's own resources are not whole: a defect of the installation. */
export const readRecipe = async (folder: string): Promise<Recipe> =>
  recipeSchema.parse(JSON.parse(await readFile(join(folder, 'recipe.json'), 'utf8')));
