import { errnoFromNumber, type Errno } from '../core/errno.ts';

/** The errno of what node:fs threw, or undefined when it was something else. */
export const errnoOfThrown = (thrown: unknown): Errno | undefined => {
  if (!(thrown instanceof Error) || !('errno' in thrown) || typeof thrown.errno !== 'number')
    return undefined;
  return errnoFromNumber(Math.abs(thrown.errno));
};

const explanations: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  EFBIG: 'the file may not grow further (EFBIG, see "ulimit -f")',
  EIO: 'the disk answers with an error (EIO)',
  EACCES: 'the permission is missing (EACCES)',
  EPERM: 'the permission is missing (EPERM)',
  EROFS: 'the file system is read-only (EROFS)',
  ENOENT: 'there is no such file or directory (ENOENT)',
  ENOTDIR: 'a part of the path is not a directory (ENOTDIR)',
  EISDIR: 'it is a directory (EISDIR)',
  EEXIST: 'it exists already (EEXIST)',
  EMFILE: 'too many files are open (EMFILE)',
};

/** "the disk is full (ENOSPC)": the middle of a sentence. */
export const explainThrown = (thrown: unknown): string => {
  const errno = errnoOfThrown(thrown);
  if (errno === undefined) return thrown instanceof Error ? thrown.message : String(thrown);
  return explanations[errno.name] ?? `the system answers ${errno.name}`;
};

/** The `errno` member of an error as a value, if there is one. */
export const errnoMember = (thrown: unknown): { errno?: Errno } => {
  const errno = errnoOfThrown(thrown);
  return errno === undefined ? {} : { errno };
};
