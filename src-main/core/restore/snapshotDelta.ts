import { failure, success, type Result } from '../result.ts';
import { fromBase64, toBase64 } from './base64.ts';

/**
 * A config space as a journal line keeps it: what differs from the snapshot before it of the same device and view, or
 * from zeros for the first one. Most of a config space is zero, and between two snapshots of a recovery a few dozen
 * bytes change, so a line is short without a compressor.
 *
 * Layout, after the mark and in base64: length of the space (2 bytes, big-endian), checksum of the snapshot that it
 * builds upon (4 bytes, 0 for none), then runs: how many bytes stay (2), how many are given (2), and those bytes.
 */
const mark = '~';
const headBytes = 6;
const runHead = 4;
const largestSpace = 4096;

/** FNV-1a, 32 bits: tells a delta from one that builds upon another snapshot; no defence against malice. */
const checksumOf = (bytes: Uint8Array): number => {
  let sum = 0x811c_9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x0100_0193);
  // 0 says that there is none.
  return sum >>> 0 || 1;
};

/** Does `bytes` of a snapshot line hold a delta, and not the packed bytes of journals of before? */
export const isSnapshotDelta = (text: string): boolean => text.startsWith(mark);

const put16 = (into: number[], value: number): void => {
  into.push(value >>> 8, value & 0xff);
};

/** Two runs with fewer equal bytes between them are one: a head costs as much. */
const shortestGap = runHead;

/** `previous` is the snapshot before it of the same view; null for the first. At most 4096 bytes. */
export const encodeSnapshotDelta = (previous: Uint8Array | null, next: Uint8Array): string => {
  const out: number[] = [];
  put16(out, next.length);
  const sum = previous === null ? 0 : checksumOf(previous);
  put16(out, sum >>> 16);
  put16(out, sum & 0xffff);
  const before = (at: number): number => previous?.[at] ?? 0;
  let kept = 0;
  for (let at = 0; at < next.length;) {
    if (next[at] === before(at)) {
      at += 1;
      continue;
    }
    let end = at + 1;
    for (let ahead = end; ahead < next.length && ahead - end < shortestGap; ahead += 1) {
      if (next[ahead] !== before(ahead)) end = ahead + 1;
    }
    put16(out, at - kept);
    put16(out, end - at);
    for (let byte = at; byte < end; byte += 1) out.push(next[byte] ?? 0);
    kept = end;
    at = end;
  }
  return mark + toBase64(Uint8Array.from(out));
};

const damaged = (what: string): Result<never> =>
  failure('journalDamaged', `The snapshot in the journal ${what}.`);

/** Fails with `journalDamaged` for what is no delta, or one that builds upon another snapshot than `previous`. */
export const decodeSnapshotDelta = (previous: Uint8Array | null, text: string): Result<Uint8Array> => {
  const bytes = isSnapshotDelta(text) ? fromBase64(text.slice(mark.length)) : null;
  if (bytes === null || bytes.length < headBytes) return damaged('is no delta of a config space');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint16(0);
  const sum = view.getUint32(2);
  if (length > largestSpace) return damaged(`would have ${length} bytes; a config space has at most 4096`);
  if (sum !== (previous === null || sum === 0 ? 0 : checksumOf(previous))) {
    return damaged('builds upon a snapshot that is not there: a line before it is missing');
  }
  const next = new Uint8Array(length);
  if (sum !== 0 && previous !== null) next.set(previous.subarray(0, length));
  let target = 0;
  for (let at = headBytes; at < bytes.length;) {
    if (at + runHead > bytes.length) return damaged('ends in the middle of a run');
    const start = target + view.getUint16(at);
    const count = view.getUint16(at + 2);
    at += runHead;
    if (at + count > bytes.length || start + count > length) return damaged('has a run beyond its end');
    next.set(bytes.subarray(at, at + count), start);
    target = start + count;
    at += count;
  }
  return success(next);
};
