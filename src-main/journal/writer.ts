import { join } from 'node:path';
import type { Microseconds } from '../core/recovery/phase.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import { encodeLine } from './codec.ts';
import { errnoMember, errnoOfThrown, explainThrown } from './fileErrors.ts';
import { systemFiles, writeWhole, type JournalFile, type JournalFiles } from './files.ts';
import {
  journalSchema,
  longestLine,
  type JournalBody,
  type RunBody,
  type WriterIdentity,
} from '../core/journal/line.ts';
import { journalSuffix, randomSuffix, runIdOf } from './runId.ts';
import { thisProcess } from './writerIdentity.ts';

/** What a line of a run may say; the first line is the writer's own. */
export type RecordBody = Exclude<JournalBody, RunBody>;

/**
 * Appends to one journal. After `append` has answered with a number, the line is the kernel's: it survives the death
 * of this process. After `appendDurable` it is the disk's: it survives a power cut.
 *
 * A line that cannot be written is cut off again, and from then on every append answers `journalUnwritable`: what
 * cannot be recorded must not be done.
 */
export interface JournalWriter {
  readonly run: string;
  readonly path: string;
  /** `at`: now on the rig's monotonic clock. Answers the line's sequence number. */
  append(at: Microseconds, body: RecordBody): Result<number>;
  /** The same, and fdatasync: for phase changes and approvals. */
  appendDurable(at: Microseconds, body: RecordBody): Result<number>;
  /** Why nothing can be recorded any more, or null. */
  broken(): BenchError | null;
  /** Syncs and closes. A second call is fine. */
  close(): Result<void>;
}

export interface JournalOptions {
  /** Made when missing, with its parents. */
  readonly directory: string;
  readonly header: Pick<RunBody, 'bench' | 'rig' | 'scenario' | 'seed'>;
  /** Now on the rig's monotonic clock, for the first line. */
  readonly at: Microseconds;
  /** The wall clock, in ms since the epoch. */
  readonly now: () => number;
  /** Four hexadecimal digits for the run's name. */
  readonly suffix?: () => string;
  readonly files?: JournalFiles;
  readonly writer?: WriterIdentity;
}

/** Tries for a name that is not taken; two runs in one second share it only once in 65,536 times. */
const nameAttempts = 16;

const unwritable = (path: string, thrown: unknown): ReturnType<typeof failure> =>
  failure(
    'journalUnwritable',
    `The journal ${path} cannot be written: ${explainThrown(thrown)}. What cannot be recorded is not done; remedy this and start a new run.`,
    { ...errnoMember(thrown), details: { path } },
  );

const createWriter = (run: string, path: string, file: JournalFile, now: () => number) => {
  let length = 0;
  let last = 0;
  let trouble: BenchError | null = null;
  let open = true;

  const fail = (thrown: unknown): Result<never> => {
    const failed = unwritable(path, thrown);
    trouble = failed.error;
    try {
      file.truncate(length);
    } catch {
      // What is left of the line is a torn last line, which every reader recognises.
    }
    return failed;
  };

  const record = (at: Microseconds, body: JournalBody, durable: boolean): Result<number> => {
    if (trouble !== null) return { ok: false, error: trouble };
    if (!open) return failure('journalUnwritable', `The journal ${path} is closed.`, { details: { path } });
    if (!Number.isSafeInteger(at)) {
      return failure('malformedInput', `A journal line needs its moment in whole microseconds, not ${at}.`);
    }
    const seq = last + 1;
    let bytes: Buffer;
    try {
      bytes = Buffer.from(`${encodeLine({ seq, at, wall: new Date(now()).toISOString() }, body)}\n`);
    } catch (thrown) {
      return failure(
        'malformedInput',
        `The "${body.type}" line holds what JSON cannot: ${explainThrown(thrown)}.`,
      );
    }
    if (bytes.length > longestLine) {
      return failure(
        'malformedInput',
        `The "${body.type}" line has ${bytes.length} bytes; a journal takes lines of up to ${longestLine}.`,
      );
    }
    try {
      writeWhole(file, bytes);
      if (durable) file.sync();
    } catch (thrown) {
      return fail(thrown);
    }
    length += bytes.length;
    last = seq;
    return success(seq);
  };

  const close = (): Result<void> => {
    if (!open) return done;
    open = false;
    let result: Result<void> = done;
    try {
      if (trouble === null) file.sync();
    } catch (thrown) {
      result = fail(thrown);
    }
    try {
      file.close();
    } catch (thrown) {
      result = result.ok ? unwritable(path, thrown) : result;
    }
    return result;
  };

  const writer: JournalWriter = {
    run,
    path,
    append: (at, body) => record(at, body, false),
    appendDurable: (at, body) => record(at, body, true),
    broken: () => trouble,
    close,
  };
  return { writer, record };
};

const openUnderNewName = (
  { directory, now, suffix = randomSuffix }: JournalOptions,
  files: JournalFiles,
): { run: string; path: string; file: JournalFile } => {
  for (let attempt = 1; ; attempt += 1) {
    const run = runIdOf(now(), suffix());
    const path = join(directory, run + journalSuffix);
    try {
      return { run, path, file: files.openNew(path) };
    } catch (thrown) {
      if (attempt === nameAttempts || errnoOfThrown(thrown)?.name !== 'EEXIST') throw thrown;
    }
  }
};

/** Begins a run: a new file whose first line is on the disk. When that fails, no file is left behind. */
export const createJournal = (options: JournalOptions): Result<JournalWriter> => {
  const { directory, header, at, now, files = systemFiles, writer: identity = thisProcess() } = options;
  let opened: ReturnType<typeof openUnderNewName>;
  try {
    files.makeDirectory(directory);
    opened = openUnderNewName(options, files);
  } catch (thrown) {
    return unwritable(directory, thrown);
  }
  const { run, path, file } = opened;
  const { writer, record } = createWriter(run, path, file, now);
  const first = record(at, { type: 'run', schema: journalSchema, run, ...header, writer: identity }, true);
  if (!first.ok) {
    writer.close();
    try {
      files.remove(path);
    } catch {
      // The first error is the one to act on; a journal without a first line is listed as such.
    }
    return first;
  }
  try {
    files.syncDirectory(directory);
  } catch {
    // Some file systems cannot sync a directory (EINVAL); the run is recorded all the same.
  }
  return success(writer);
};
