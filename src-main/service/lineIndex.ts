import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { JournalLine } from '../core/journal/line.ts';
import { failure, success, type Result } from '../core/result.ts';
import { errnoMember, explainThrown } from '../journal/fileErrors.ts';
import { createScanner } from '../journal/scanner.ts';

/** Lines between two entries of an index. */
const stride = 256;
const chunkBytes = 128 * 1024;

/** Where to begin reading, and how many lines to pass over there. */
export interface LinePlace {
  readonly byteOffset: number;
  readonly skip: number;
}

/** Where every 256th line of a journal begins: a few bytes for each, however long the journal. */
export class LineIndex {
  readonly #offsets: number[] = [];
  #lines = 0;

  get lines(): number {
    return this.#lines;
  }

  /** The next line begins here. */
  add(byteOffset: number): void {
    if (this.#lines % stride === 0) this.#offsets.push(byteOffset);
    this.#lines += 1;
  }

  /** Of the line with this index from 0; a line after the last known one is looked for behind it. */
  placeOf(line: number): LinePlace {
    const entry = Math.min(Math.floor(line / stride), this.#offsets.length - 1);
    return entry < 0
      ? { byteOffset: 0, skip: line }
      : { byteOffset: this.#offsets[entry] ?? 0, skip: line - entry * stride };
  }
}

const scanFrom = async (handle: FileHandle, place: LinePlace, count: number): Promise<JournalLine[]> => {
  const lines: JournalLine[] = [];
  let passed = 0;
  const scanner = createScanner({
    line: (line) => {
      passed += 1;
      if (passed > place.skip && lines.length < count) lines.push(line);
    },
    finding: () => undefined,
  });
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let position = place.byteOffset;
  while (lines.length < count) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) {
      scanner.end();
      break;
    }
    position += bytesRead;
    scanner.push(chunk.subarray(0, bytesRead));
  }
  return lines;
};

/** Up to `count` whole lines of a journal from a place on. What is damaged was reported when the run was opened. */
export const readLines = async (
  path: string,
  place: LinePlace,
  count: number,
): Promise<Result<readonly JournalLine[]>> => {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return success(await scanFrom(handle, place, count));
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
