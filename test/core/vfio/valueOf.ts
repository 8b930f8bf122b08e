import type { Result } from '../../../src-main/core/result.ts';

/** The value of a result that the test expects to be one. */
export const valueOf = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};
