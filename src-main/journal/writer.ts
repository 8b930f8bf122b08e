import { join } from 'node:path';
import type { Microseconds } from '../core/recovery/phase.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import { encodeLine } from './codec.ts';
import { errnoMember, errnoOfThrown, explainThrown } from './fileErrors.ts';
import { backgroundFiles, systemFiles, writeWhole, type JournalFile, type JournalFiles } from './files.ts';
import { GroupSync } from './groupSync.ts';
import {
  journalSchema,
  longestLine,
  type JournalBody,
  type JournalLine,
  type RunBody,
  type WriterIdentity,
} from '../core/journal/line.ts';
import { journalSuffix, randomSuffix, runIdOf } from './runId.ts';
import { thisProcess } from './writerIdentity.ts';

/** What a line of a run may say; the first line is the writer's own. */
export type RecordBody = Exclude<JournalBody, RunBody>;

/**
 * Appends to one journal. After an append has answered with a number, the line is the kernel's: it survives the death
 * of this process. A durable line is the disk's, and survives a power cut, once `synced` has nothing outstanding.
 *
 * A line that cannot be written, or whose own sync has failed before the append returned, is cut off again. Lines whose
 * sync failed later stay: they happened, and others have been told of them. In each case every further append answers
 * `journalUnwritable`: what cannot be recorded must not be done.
 */
export interface JournalWriter {
  readonly run: string;
  readonly path: string;
  /** The first line, which the writer writes itself. */
  readonly head: JournalLine | null;
  /** `at`: now on the rig's monotonic clock. Answers the line's sequence number. */
  append(at: Microseconds, body: RecordBody): Result<number>;
  /** The same, for phase changes and approvals: a sync is asked for, and what the line announces waits for `synced`. */
  appendDurable(at: Microseconds, body: RecordBody): Result<number>;
  /**
   * Settles when every durable line so far is on the disk, or cannot get there; never rejects. Null when they are there
   * already, as they always are with files that sync before they return.
   */
  synced(): Promise<Result<void>> | null;
  /** Why nothing can be recorded any more, or null. */
  broken(): BenchError | null;
  /** Syncs all lines and closes. Takes no line from the call on. A second call answers as the first. */
  close(): Promise<Result<void>>;
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
  let head: JournalLine | null = null;
  let trouble: BenchError | null = null;
  let closing: Promise<Result<void>> | null = null;

  const breakOff = (thrown: unknown): { readonly ok: false; readonly error: BenchError } => {
    const failed = unwritable(path, thrown);
    trouble ??= failed.error;
    return failed;
  };

  const syncs = new GroupSync(() => file.sync(), breakOff);

  const cutOff = (thrown: unknown): Result<never> => {
    const failed = breakOff(thrown);
    try {
      file.truncate(length);
    } catch {
      // What is left of the line is a torn last line, which every reader recognises.
    }
    return failed;
  };

  const record = (at: Microseconds, body: JournalBody, durable: boolean): Result<number> => {
    if (trouble !== null) return { ok: false, error: trouble };
    if (closing !== null)
      return failure('journalUnwritable', `The journal ${path} is closed.`, { details: { path } });
    if (!Number.isSafeInteger(at)) {
      return failure('malformedInput', `A journal line needs its moment in whole microseconds, not ${at}.`);
    }
    const envelope = { seq: last + 1, at, wall: new Date(now()).toISOString() };
    let bytes: Buffer;
    try {
      bytes = Buffer.from(`${encodeLine(envelope, body)}\n`);
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
      if (durable) syncs.request();
    } catch (thrown) {
      return cutOff(thrown);
    }
    length += bytes.length;
    last = envelope.seq;
    head ??= { ...envelope, ...body };
    return success(envelope.seq);
  };

  const close = async (): Promise<Result<void>> => {
    let result: Result<void> = done;
    const whole = trouble === null;
    if (whole) {
      try {
        syncs.request();
      } catch (thrown) {
        result = cutOff(thrown);
      }
    }
    // Also when the journal is broken: the descriptor must not be closed under a sync.
    const outstanding = syncs.outstanding();
    if (outstanding !== null) {
      const synced = await outstanding;
      if (whole) result = synced;
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
    get head() {
      return head;
    },
    append: (at, body) => record(at, body, false),
    appendDurable: (at, body) => record(at, body, true),
    synced: () => syncs.outstanding(),
    broken: () => trouble,
    close: () => (closing ??= close()),
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

interface Begun {
  readonly writer: JournalWriter;
  /** Settles when the name of the file is on the disk. */
  readonly named: void | Promise<void>;
  readonly remove: () => void;
}

const begin = (options: JournalOptions, files: JournalFiles): Result<Begun> => {
  const { directory, header, at, now, writer: identity = thisProcess() } = options;
  let opened: ReturnType<typeof openUnderNewName>;
  try {
    files.makeDirectory(directory);
    opened = openUnderNewName(options, files);
  } catch (thrown) {
    return unwritable(directory, thrown);
  }
  const { run, path, file } = opened;
  const { writer, record } = createWriter(run, path, file, now);
  const remove = (): void => {
    try {
      files.remove(path);
    } catch {
      // The first error is the one to act on; a journal without a first line is listed as such.
    }
  };
  const first = record(at, { type: 'run', schema: journalSchema, run, ...header, writer: identity }, true);
  if (!first.ok) {
    void writer.close();
    remove();
    return first;
  }
  try {
    return success({ writer, named: files.syncDirectory(directory), remove });
  } catch {
    // Some file systems cannot sync a directory (EINVAL); the run is recorded all the same.
    return success({ writer, named: undefined, remove });
  }
};

/**
 * Begins a run: a new file whose first line is on the disk, with files that sync before they return. When that fails,
 * no file is left behind.
 */
export const createJournal = (options: JournalOptions): Result<JournalWriter> => {
  const begun = begin(options, options.files ?? systemFiles);
  return begun.ok ? success(begun.value.writer) : begun;
};

/** The same without ever holding up the main thread for a disk: syncs go on beside it, the first one is awaited. */
export const beginJournal = async (options: JournalOptions): Promise<Result<JournalWriter>> => {
  const begun = begin(options, options.files ?? backgroundFiles);
  if (!begun.ok) return begun;
  const { writer, named, remove } = begun.value;
  const first = await (writer.synced() ?? done);
  // Some file systems cannot sync a directory; see above.
  await Promise.resolve(named).catch(() => undefined);
  if (first.ok) return success(writer);
  await writer.close();
  remove();
  return first;
};
