import { computed, type ComputedRef } from 'vue';
import type { JournalLine, LineOf } from '../../../src-main/core/journal/line.ts';
import { diffConfigSpaces } from '../../../src-main/core/pci/diff.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import { useInflated } from '../../snapshots/useInflated.ts';
import type { RegistersSince } from './known.ts';

interface Pair {
  readonly before: LineOf<'snapshot'>;
  readonly after: LineOf<'snapshot'>;
}

/** What the device's own view said when it was armed, and the newest one of this recovery. */
export const snapshotPair = (
  lines: readonly JournalLine[],
  openedAt: Microseconds,
  recovery: number,
): Pair | null => {
  let before: LineOf<'snapshot'> | null = null;
  let after: LineOf<'snapshot'> | null = null;
  for (const line of lines) {
    if (line.type === 'armed' && line.at > openedAt && after !== null) break;
    if (line.type !== 'snapshot' || line.view !== 'hardware') continue;
    if (line.moment === 'armed' && line.at <= openedAt) before = line;
    if (line.recovery === recovery && line.at >= openedAt) after = line;
  }
  return before === null || after === null ? null : { before, after };
};

export const useRegistersChanged = (pair: () => Pair | null): ComputedRef<RegistersSince> => {
  const packed = computed(() => {
    const found = pair();
    return found === null ? [] : [found.before.bytes, found.after.bytes];
  });
  const inflated = useInflated(() => packed.value);
  return computed(() => {
    const [before, after] = packed.value.map((text) => inflated.value.get(text));
    if (!before?.ok || !after?.ok) return null;
    // A device that is cut off answers ones everywhere: those are no changes of registers.
    if (after.value.every((byte) => byte === 0xff)) return 'allOnes';
    return diffConfigSpaces(before.value, after.value).length;
  });
};
