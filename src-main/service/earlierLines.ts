import type { JournalLine } from '../core/journal/line.ts';
import { success, type Result } from '../core/result.ts';
import type { HeldRig } from './heldRig.ts';

/** Up to `count` lines with numbers below `before`, the newest of them, oldest first. */
export const earlierLines = async (
  { lines }: HeldRig,
  before: number,
  count: number,
): Promise<Result<readonly JournalLine[]>> => success(lines.before(before, count));
