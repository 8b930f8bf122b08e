import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Microseconds } from '../core/recovery/phase.ts';
import { failure, success, type Result } from '../core/result.ts';
import { decodeLine } from './codec.ts';
import { errnoMember, errnoOfThrown, explainThrown } from './fileErrors.ts';
import { longestLine, type JournalLine, type LineOf, type WriterIdentity } from '../core/journal/line.ts';
import { isRunId, journalSuffix } from './runId.ts';
import { isAlive } from './writerIdentity.ts';

export interface RunEntry {
  readonly run: string;
  readonly path: string;
  readonly bytes: number;
  /** Null when the first line is damaged or of another version. */
  readonly header: LineOf<'run'> | null;
  /** The sequence number of the last whole line near the end of the file: how many lines there are, unless some are missing. */
  readonly lines: number | null;
  /** Of that line. */
  readonly lastWall: string | null;
  /** Of that line, on the rig's clock. */
  readonly lastAt: Microseconds | null;
  /**
   * `ended`: in good order. `recording`: its writer is alive. `interrupted`: its writer is gone without an end line.
   * `unreadable`: nothing near its ends could be read.
   */
  readonly status: 'ended' | 'recording' | 'interrupted' | 'unreadable';
  readonly outcome: string | null;
}

/** Most lines fit the first; the second holds the longest line that a journal may have. */
const windows = [16 * 1024, longestLine + 1];

const newline = 0x0a;

const readAt = async (handle: FileHandle, position: number, length: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
};

const firstLine = async (handle: FileHandle): Promise<LineOf<'run'> | null> => {
  for (const length of windows) {
    const bytes = await readAt(handle, 0, length);
    const end = bytes.indexOf(newline);
    if (end === -1 && bytes.length === length) continue;
    const decoded = decodeLine(end === -1 ? bytes : bytes.subarray(0, end));
    return decoded.ok && decoded.line.type === 'run' ? decoded.line : null;
  }
  return null;
};

/** From the end backwards, past a torn tail, to the first line that is whole. */
const lastLine = async (handle: FileHandle, size: number): Promise<JournalLine | null> => {
  for (const length of windows) {
    const from = Math.max(0, size - length);
    const bytes = await readAt(handle, from, size - from);
    for (let to = bytes.length; to > 0;) {
      const before = bytes.lastIndexOf(newline, to - 1);
      // What begins before the window cannot be judged in it.
      if (before === -1 && from > 0) break;
      const decoded = decodeLine(bytes.subarray(before + 1, to));
      if (decoded.ok) return decoded.line;
      to = before;
    }
    if (from === 0) return null;
  }
  return null;
};

const statusOf = (
  header: LineOf<'run'> | null,
  last: JournalLine | null,
  alive: (writer: WriterIdentity) => boolean,
): RunEntry['status'] => {
  if (last?.type === 'end') return 'ended';
  if (header !== null && alive(header.writer)) return 'recording';
  return header === null && last === null ? 'unreadable' : 'interrupted';
};

/** One run of a directory, by its first and last line; null when there is no such file. */
export const runEntry = async (
  directory: string,
  run: string,
  alive: (writer: WriterIdentity) => boolean = isAlive,
): Promise<RunEntry | null> => {
  const path = join(directory, run + journalSuffix);
  const nothing = { run, path, header: null, lines: null, lastWall: null, lastAt: null, outcome: null };
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    // Gone between the listing and now, or never there.
    if (errnoOfThrown(thrown)?.name === 'ENOENT') return null;
    return { ...nothing, bytes: 0, status: 'unreadable' };
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return null;
    const header = await firstLine(handle);
    const last = await lastLine(handle, stat.size);
    return {
      ...nothing,
      bytes: stat.size,
      header,
      lines: last?.seq ?? null,
      lastWall: last?.wall ?? null,
      lastAt: last?.at ?? null,
      status: statusOf(header, last, alive),
      outcome: last?.type === 'end' ? last.outcome : null,
    };
  } catch {
    return { ...nothing, bytes: 0, status: 'unreadable' };
  } finally {
    await handle.close();
  }
};

/**
 * The runs of a directory, newest first, by the first and the last line of each: it costs the same for a journal of
 * ten lines and of ten million. A directory that does not exist holds no runs.
 */
export const listRuns = async (
  directory: string,
  alive: (writer: WriterIdentity) => boolean = isAlive,
): Promise<Result<readonly RunEntry[]>> => {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (thrown) {
    if (errnoOfThrown(thrown)?.name === 'ENOENT') return success([]);
    return failure(
      'journalUnreadable',
      `The runs in ${directory} cannot be listed: ${explainThrown(thrown)}.`,
      { ...errnoMember(thrown), details: { path: directory } },
    );
  }
  const runs = names
    .filter((name) => name.endsWith(journalSuffix))
    .map((name) => name.slice(0, -journalSuffix.length))
    .filter(isRunId)
    .sort()
    .reverse();
  const entries: RunEntry[] = [];
  for (const run of runs) {
    const entry = await runEntry(directory, run, alive);
    if (entry !== null) entries.push(entry);
  }
  return success(entries);
};

/** The path of a run's journal. A text that is no run id never becomes a part of a path. */
export const pathOfRun = (directory: string, run: string): Result<string> =>
  isRunId(run)
    ? success(join(directory, run + journalSuffix))
    : failure('unknownRun', `"${run}" is not the name of a run; they look like 2026-11-21T02-31-07Z-5f0a.`);
