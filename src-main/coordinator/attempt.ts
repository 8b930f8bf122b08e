import { failure, type BenchError, type Result } from '../core/result.ts';
import { errnoMember } from '../journal/fileErrors.ts';

/** What a rig threw, which it never should (a defect of an adapter, a torn connection), as the value it should be. */
export const thrownError = (what: string, thrown: unknown): BenchError => {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  return failure('kernelRefused', `The rig broke off at "${what}": ${said}`, errnoMember(thrown)).error;
};

/** Asks something of a rig; whatever happens, the answer is a value. */
export const attempt = async <Value>(
  what: string,
  ask: () => Promise<Result<Value>>,
): Promise<Result<Value>> => {
  try {
    return await ask();
  } catch (thrown) {
    return { ok: false, error: thrownError(what, thrown) };
  }
};
