import type { ErrorCode } from '../core/result.ts';
import { refused } from './refusal.ts';

/** What an operation of Node on a file of the kernel threw, as an error; what has no errno is thrown on. */
export const fileFailure = (
  thrown: unknown,
  message: string,
  code?: ErrorCode,
): ReturnType<typeof refused> => {
  if (thrown instanceof Error && 'errno' in thrown && typeof thrown.errno === 'number') {
    return refused(Math.abs(thrown.errno), message, code);
  }
  throw thrown;
};
