import { access, appendFile, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { done, failure, success, type Result } from '../../core/result.ts';
import { fileFailure } from '../fileFailure.ts';
import type { HostTree } from '../sysfs/hostTree.ts';

/** The files of tracefs, by their paths from its root. */
export interface TraceFiles {
  readonly root: string;
  read(path: string): Promise<Result<string>>;
  write(path: string, text: string): Promise<Result<void>>;
  /** Adds to a list that others use too: kprobe_events opened with O_TRUNC would lose the probes of everybody. */
  append(path: string, text: string): Promise<Result<void>>;
  names(path: string): Promise<readonly string[]>;
  makeFolder(path: string): Promise<Result<void>>;
  removeFolder(path: string): Promise<Result<void>>;
}

const filesAt = (root: string): TraceFiles => {
  const attempt = async <Value>(
    what: string,
    path: string,
    run: () => Promise<Value>,
  ): Promise<Result<Value>> => {
    try {
      return success(await run());
    } catch (thrown) {
      return fileFailure(thrown, `The kernel did not let ${what} ${join(root, path)}.`);
    }
  };
  return {
    root,
    read: (path) => attempt('read', path, () => readFile(join(root, path), 'utf8')),
    write: (path, text) => attempt('write', path, () => writeFile(join(root, path), text)),
    append: (path, text) => attempt('write', path, () => appendFile(join(root, path), text)),
    names: (path) => readdir(join(root, path)).catch(() => []),
    makeFolder: (path) => attempt('make', path, () => mkdir(join(root, path))),
    removeFolder: (path) => attempt('remove', path, () => rmdir(join(root, path))),
  };
};

const mayUse = (path: string): Promise<'yes' | 'denied' | 'absent'> =>
  access(path, constants.R_OK | constants.W_OK).then(
    () => 'yes',
    (thrown: NodeJS.ErrnoException) => (thrown.code === 'ENOENT' ? 'absent' : 'denied'),
  );

/** tracefs where it is usually mounted, or why it is of no use. */
export const findTraceFiles = async (tree: HostTree): Promise<Result<TraceFiles>> => {
  let denied: string | null = null;
  for (const place of ['kernel/tracing', 'kernel/debug/tracing']) {
    const root = join(tree.sys, place);
    const use = await mayUse(join(root, 'trace_clock'));
    if (use === 'yes') return success(filesAt(root));
    // A folder that nobody but root may enter tells nobody whether tracefs is mounted there.
    if (use === 'denied') denied ??= root;
  }
  return denied === null
    ? failure(
        'notSupported',
        `There is no tracefs under ${join(tree.sys, 'kernel/tracing')}; "mount -t tracefs tracefs /sys/kernel/tracing" mounts it where the kernel has it.`,
      )
    : failure('permissionDenied', `Only root may trace the kernel; ${denied} is closed to this program.`);
};

/** What a refusal of tracefs means that root may enter. */
export const whyRefused = (result: Extract<Result<unknown>, { ok: false }>): Result<never> =>
  result.error.errno?.name === 'EPERM'
    ? failure(
        'permissionDenied',
        'The kernel is locked down (lockdown=confidentiality) and lets nobody trace it.',
        {
          errno: result.error.errno,
        },
      )
    : result;

export const inTurn = async (steps: readonly (() => Promise<Result<void>>)[]): Promise<Result<void>> => {
  for (const step of steps) {
    const result = await step();
    if (!result.ok) return result;
  }
  return done;
};
