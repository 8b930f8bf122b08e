/** Where a whole line stands in the order of sequence numbers. */
export type Place = 'next' | 'afterGap' | 'late' | 'again';

interface Gap {
  /** Sequence numbers that have not come, both ends included. */
  ranges: readonly { readonly from: number; readonly to: number }[];
  /** Damaged lines that stand in the gap and are probably some of them. */
  readonly damaged: number;
}

/** More gaps than this are a file of noise; the oldest are then no longer told apart from lines that came twice. */
const gapsKept = 1_000;

/** Follows the sequence numbers of a journal, so that deleted, repeated and swapped lines are told apart. */
export const createSequence = () => {
  let last = 0;
  let damagedSince = 0;
  const gaps: Gap[] = [];

  const fill = (seq: number): boolean => {
    for (const gap of gaps) {
      const range = gap.ranges.find(({ from, to }) => from <= seq && seq <= to);
      if (range === undefined) continue;
      gap.ranges = gap.ranges.flatMap((each) =>
        each !== range
          ? [each]
          : [
              { from: each.from, to: seq - 1 },
              { from: seq + 1, to: each.to },
            ].filter(({ from, to }) => from <= to),
      );
      return true;
    }
    return false;
  };

  return {
    /** The number that the next line should have. */
    expected: (): number => last + 1,
    damagedLine: (): void => {
      damagedSince += 1;
    },
    place: (seq: number): Place => {
      if (seq <= last) return fill(seq) ? 'late' : 'again';
      const place = seq === last + 1 ? 'next' : 'afterGap';
      if (place === 'afterGap') {
        gaps.push({ ranges: [{ from: last + 1, to: seq - 1 }], damaged: damagedSince });
        if (gaps.length > gapsKept) gaps.shift();
      }
      last = seq;
      damagedSince = 0;
      return place;
    },
    /** What has not come and is not explained by damaged lines in its place. */
    missing: (): readonly { readonly from: number; readonly to: number }[] =>
      gaps.flatMap(({ ranges, damaged }) =>
        ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0) > damaged ? ranges : [],
      ),
  };
};
