import { failure, success, type Result } from '../../src-main/core/result.ts';

/** A config space has 256 or 4096 bytes; what inflates to more is not one (src-main/journal/snapshot.ts). */
const largest = 64 * 1024;

const damaged = (message: string): Result<Uint8Array> => failure('journalDamaged', message);

export const bytesOfBase64 = (text: string): Result<Uint8Array> => {
  try {
    return success(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
  } catch {
    return damaged('These bytes are not base64.');
  }
};

const inflated = async (packed: Uint8Array): Promise<Uint8Array | null> => {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  // What is wrong with the bytes comes out of the reader; the writer's word would be a second one.
  writer.write(new Uint8Array(packed)).catch(() => undefined);
  writer.close().catch(() => undefined);
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.readable.getReader();
  const whole = new Uint8Array(largest);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole.slice(0, length);
    if (length + value.length > largest) {
      await reader.cancel();
      return null;
    }
    whole.set(value, length);
    length += value.length;
  }
};

/** The bytes of a `snapshot` line: base64 of raw DEFLATE, unpacked by the platform. */
export const inflateSnapshot = async (text: string): Promise<Result<Uint8Array>> => {
  const packed = bytesOfBase64(text);
  if (!packed.ok) return packed;
  try {
    const bytes = await inflated(packed.value);
    return bytes === null ? damaged('The snapshot is too large to be a config space.') : success(bytes);
  } catch {
    return damaged('The snapshot does not inflate to a config space.');
  }
};
