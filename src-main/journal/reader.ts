import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { failure, success, type Result } from '../core/result.ts';
import { errnoMember, explainThrown } from './fileErrors.ts';
import { createScanner, type JournalSink, type ScanSummary } from './scanner.ts';

/** About 600 lines: a few ms of work between two reads, in which the event loop gets its turn. */
const chunkBytes = 256 * 1024;

const unreadable = (path: string, thrown: unknown): ReturnType<typeof failure> =>
  failure('journalUnreadable', `The journal ${path} cannot be read: ${explainThrown(thrown)}.`, {
    ...errnoMember(thrown),
    details: { path },
  });

/** Only what the file answers is caught: what a sink throws is the sink's affair and passes through. */
const answerOf = async <Value>(path: string, ask: () => Promise<Value>): Promise<Result<Value>> => {
  try {
    return success(await ask());
  } catch (thrown) {
    return unreadable(path, thrown);
  }
};

const scanFile = async (
  path: string,
  handle: FileHandle,
  sink: JournalSink,
): Promise<Result<ScanSummary>> => {
  const stat = await answerOf(path, () => handle.stat());
  if (!stat.ok) return stat;
  if (!stat.value.isFile()) return unreadable(path, 'it is not a file');
  const scanner = createScanner(sink);
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    const read = await answerOf(path, () => handle.read(chunk, 0, chunkBytes, null));
    if (!read.ok) return read;
    if (read.value.bytesRead === 0) return success(scanner.end());
    scanner.push(chunk.subarray(0, read.value.bytesRead));
  }
};

/**
 * Reads a journal from its beginning to its present end, in memory that does not grow with the file. Damage is not an
 * error: it goes to the sink as findings, and all that is whole is delivered. What the sink throws passes through.
 */
export const readJournal = async (path: string, sink: JournalSink): Promise<Result<ScanSummary>> => {
  // Without O_NONBLOCK the open of a FIFO waits for somebody who writes to it.
  const opened = await answerOf(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (!opened.ok) return opened;
  try {
    return await scanFile(path, opened.value, sink);
  } finally {
    await opened.value.close();
  }
};
