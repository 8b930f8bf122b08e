/**
 * Little-endian reads of configuration space, whatever the host's byte order. A byte outside the array reads as zero,
 * so no caller can be made to throw; callers check lengths where "not there" and "zero" differ.
 */
export const byteAt = (bytes: Uint8Array, offset: number): number => bytes[offset] ?? 0;

export const wordAt = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);

export const longAt = (bytes: Uint8Array, offset: number): number =>
  (wordAt(bytes, offset) | (wordAt(bytes, offset + 2) << 16)) >>> 0;

export const valueAt = (bytes: Uint8Array, offset: number, width: 1 | 2 | 4): number =>
  width === 1 ? byteAt(bytes, offset) : width === 2 ? wordAt(bytes, offset) : longAt(bytes, offset);
