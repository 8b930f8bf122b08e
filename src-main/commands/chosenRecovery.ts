import { recordedRecoveries, type RecordedRecovery } from '../core/restore/recordings.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { RecordedDevice } from './recordedDevice.ts';

/** The recovery that `--recovery` names, or the last one of the device. */
export const chosenRecovery = (
  { lines, device }: RecordedDevice,
  wish: string | undefined,
): Result<RecordedRecovery> => {
  const recoveries = recordedRecoveries(lines);
  const last = recoveries.at(-1);
  if (last === undefined) {
    return failure('malformedInput', `${device} was neither armed nor recovered in this run.`);
  }
  if (wish === undefined) return success(last);
  // Recoveries are counted from 1 again with each arming; the last one of a number is meant.
  const found = recoveries.findLast(({ number }) => String(number) === wish);
  const numbers = recoveries.flatMap(({ number }) => number ?? []).join(', ') || 'none';
  return found === undefined
    ? failure('malformedInput', `${device} has no recovery "${wish}" in this run; it has ${numbers}.`)
    : success(found);
};
