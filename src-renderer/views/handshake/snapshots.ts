import { ref, watch, type Ref } from 'vue';
import type { JournalLine, LineOf } from '../../../src-main/core/journal/line.ts';
import { diffConfigSpaces } from '../../../src-main/core/pci/diff.ts';

/** The bytes of a snapshot line: base64 of raw DEFLATE. Null when they cannot be read. */
export const inflateSnapshot = async (text: string): Promise<Uint8Array | null> => {
  try {
    const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return null;
  }
};

interface Pair {
  readonly before: LineOf<'snapshot'>;
  readonly after: LineOf<'snapshot'>;
}

/** What the device's own view said when it was armed, and the newest one of this recovery. */
export const snapshotPair = (
  lines: readonly JournalLine[],
  openedAt: number,
  recovery: number,
): Pair | null => {
  let before: LineOf<'snapshot'> | null = null;
  let after: LineOf<'snapshot'> | null = null;
  for (const line of lines) {
    if (line.type !== 'snapshot' || line.view !== 'hardware') continue;
    if (line.moment === 'armed' && line.at <= openedAt) before = line;
    if (line.recovery === recovery && line.at >= openedAt) after = line;
  }
  return before === null || after === null ? null : { before, after };
};

/** How many registers differ between the two snapshots; null while that is not known. */
export const useRegistersChanged = (pair: () => Pair | null): Ref<number | null> => {
  const changed = ref<number | null>(null);
  watch(
    () => {
      const found = pair();
      return found === null ? null : `${found.before.bytes} ${found.after.bytes}`;
    },
    async (key) => {
      const found = pair();
      if (key === null || found === null) {
        changed.value = null;
        return;
      }
      const [before, after] = await Promise.all([
        inflateSnapshot(found.before.bytes),
        inflateSnapshot(found.after.bytes),
      ]);
      const now = pair();
      if (now?.after !== found.after) return;
      changed.value = before === null || after === null ? null : diffConfigSpaces(before, after).length;
    },
    { immediate: true },
  );
  return changed;
};
