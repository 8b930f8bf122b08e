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
  /** Where the line after the last one begins, if that is known. */
  end = 0;

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

const answerOf = async <Value>(
  path: string,
  read: (handle: FileHandle) => Promise<Value>,
): Promise<Result<Value>> => {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return success(await read(handle));
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

/** Up to `count` whole lines of a journal from a place on. What is damaged was reported when the run was opened. */
export const readLines = (
  path: string,
  place: LinePlace,
  count: number,
): Promise<Result<readonly JournalLine[]>> => answerOf(path, (handle) => scanFrom(handle, place, count));

const newline = 0x0a;

/** Goes on with the index of a journal that is undamaged and grows, until it knows this many lines. Decodes nothing. */
export const indexNewLines = (path: string, index: LineIndex, wanted: number): Promise<Result<void>> =>
  answerOf(path, async (handle) => {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let position = index.end;
    while (index.lines < wanted) {
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position);
      if (bytesRead === 0) return;
      const bytes = chunk.subarray(0, bytesRead);
      for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) {
        index.add(index.end);
        index.end = position + at + 1;
      }
      position += bytesRead;
    }
  });
