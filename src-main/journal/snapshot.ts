import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { failure, success, type Result } from '../core/result.ts';

/** A config space has 256 or 4096 bytes; what inflates to more is not one. */
const largestSnapshot = 64 * 1024;

/** The bytes of a config space for a `snapshot` line: raw DEFLATE, then base64. 4096 bytes come to about 300. */
export const encodeSnapshot = (bytes: Uint8Array): string => deflateRawSync(bytes).toString('base64');

export const decodeSnapshot = (text: string): Result<Uint8Array> => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return failure('journalDamaged', 'The snapshot in the journal is not base64.');
  }
  try {
    return success(
      new Uint8Array(inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: largestSnapshot })),
    );
  } catch {
    return failure('journalDamaged', 'The snapshot in the journal does not inflate to a config space.');
  }
};
