import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { JournalLine } from '../core/journal/line.ts';
import { failure, success, type Result } from '../core/result.ts';
import { errnoMember, explainThrown } from '../journal/fileErrors.ts';
import { createScanner } from '../journal/scanner.ts';

const chunkBytes = 128 * 1024;

/** Takes a line; `index` counts from 0 where the section begins. Answers whether more are wanted. */
export type Visit = (line: JournalLine, index: number) => boolean;

const scan = async (
  handle: FileHandle,
  byteOffset: number,
  repeated: ReadonlySet<number>,
  visit: Visit,
): Promise<void> => {
  let index = 0;
  let more = true;
  const scanner = createScanner({
    line: (line, place) => {
      if (!more || repeated.has(byteOffset + place.byteOffset)) return;
      more = visit(line, index);
      index += 1;
    },
    finding: () => undefined,
  });
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (let position = byteOffset; more;) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) {
      scanner.end();
      return;
    }
    position += bytesRead;
    scanner.push(chunk.subarray(0, bytesRead));
  }
};

/**
 * Whole lines of a journal from a byte on, until the visitor has enough. What is damaged was reported when the run was
 * read; `repeated` are the places of lines that came before and are left out, which a section cannot know by itself.
 */
export const readSection = async (
  path: string,
  byteOffset: number,
  repeated: ReadonlySet<number>,
  visit: Visit,
): Promise<Result<void>> => {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await scan(handle, byteOffset, repeated, visit);
      return success(undefined);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    return failure('journalUnreadable', `The journal ${path} cannot be read: ${explainThrown(thrown)}.`, {
      ...errnoMember(thrown),
      details: { path },
    });
  }
};
