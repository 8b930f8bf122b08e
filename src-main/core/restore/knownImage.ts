/** What is known of the bytes of a config space, or of a save of it, at one time. */
export interface KnownImage {
  readonly value: Uint8Array;
  /** One for each byte. */
  readonly state: Uint8Array;
}

/**
 * `open`: not known, and the next reading tells. `known`. `lost`: not known, and no reading can tell any more, because
 * the hardware has been written since.
 */
export const byteState = { open: 0, known: 1, lost: 2 } as const;

export const openImage = (size: number): KnownImage => ({
  value: new Uint8Array(size),
  state: new Uint8Array(size),
});

export const copyOf = ({ value, state }: KnownImage): KnownImage => ({
  value: value.slice(),
  state: state.slice(),
});

/** A reading tells the open bytes, up to where it was readable. */
export const tell = ({ value, state }: KnownImage, reading: Uint8Array, readable: number): void => {
  const end = Math.min(readable, value.length);
  for (let at = state.indexOf(byteState.open); at !== -1 && at < end;) {
    value[at] = reading[at] ?? 0;
    state[at] = byteState.known;
    at = state.indexOf(byteState.open, at + 1);
  }
};

/** Bytes that a later reading cannot tell any more. */
export const lose = ({ state }: KnownImage, from: number, to: number): void => {
  // Most often no byte is open, and the platform finds that out faster than a loop.
  for (let at = state.indexOf(byteState.open, from); at !== -1 && at < to;) {
    state[at] = byteState.lost;
    at = state.indexOf(byteState.open, at + 1);
  }
};

/** Bytes that were known, and have changed to something that the next reading tells. */
export const reopen = ({ state }: KnownImage, from: number, to: number): void => {
  state.fill(byteState.open, from, Math.min(to, state.length));
};

/** Bits of a register that are known. */
export const knownBits = ({ state }: KnownImage, offset: number, width: number): number => {
  let bits = 0;
  for (let byte = 0; byte < width; byte += 1) {
    if (state[offset + byte] === byteState.known) bits |= 0xff << (8 * byte);
  }
  return bits >>> 0;
};
