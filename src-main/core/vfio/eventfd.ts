import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';
import { viewOf } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** The counter that one read of an eventfd gives (eventfd(2)): how many signals since the last read. Host order. */
export const decodeEventfdCounter = (order: ByteOrder, bytes: Uint8Array): Result<bigint> =>
  bytes.length === 8
    ? success(viewOf(bytes).getBigUint64(0, order === 'little'))
    : failure('malformedStruct', `A read of an eventfd gives 8 bytes, not ${bytes.length}.`);
