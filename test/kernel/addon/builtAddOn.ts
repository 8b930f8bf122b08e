import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const sources = join(import.meta.dirname, '../../../resources/native');

/** Debian's packages with what compiles the add-on. */
const packages = { x64: 'make, gcc, libc6-dev', s390x: 'make, gcc-s390x-linux-gnu, libc6-dev-s390x-cross' };

/** The add-on for an architecture, built from its source; a sentence in place of its path where no compiler is. */
export const builtAddOn = (
  architecture: keyof typeof packages,
): { readonly path: string; readonly missing: string | null } => {
  const folder = mkdtempSync(join(tmpdir(), 'add-on-'));
  const words = ['-C', sources, `ARCHITECTURE=${architecture}`, `OUTPUT=${folder}`];
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, `syscalls-${architecture}.node`);
  if (spawnSync('make', [...words, 'compiler']).status !== 0) {
    return {
      path,
      missing: `the add-on cannot be built for ${architecture}: install ${packages[architecture]}`,
    };
  }
  const { status, stderr } = spawnSync('make', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return { path, missing: null };
};

/** For the name of a suite that may be skipped. */
export const because = (missing: string | null): string => (missing === null ? '' : ` (${missing})`);

/** What is missing is a reason to skip on somebody's machine, and a failure in continuous integration. */
export const skipped = (missing: string | null): boolean => missing !== null && process.env['CI'] !== 'true';
