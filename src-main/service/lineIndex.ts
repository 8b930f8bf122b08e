/** Lines between two entries of an index. */
const stride = 256;

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
