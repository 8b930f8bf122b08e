/** Edit distance (insert, delete, replace, swap of neighbours), given up above `limit`. */
const distance = (left: string, right: string, limit: number): number => {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(
        Math.min(
          (last[column] ?? limit) + 1,
          (current[column - 1] ?? limit) + 1,
          (last[column - 1] ?? limit) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? limit) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? limit + 1;
};

/** Up to five words that are spelt like `key`, or contain it, the nearest first. */
export const nearest = (
  key: string,
  words: readonly { readonly key: string; readonly written: string }[],
): readonly string[] => {
  // A text that is much longer than any word is no misspelling of one.
  if (key.length < 2 || key.length > 60) return [];
  const limit = Math.max(1, Math.floor(key.length / 3));
  const ranked = words
    .map(({ key: word, written }) => {
      const contains = key.length >= 4 && (word.includes(key) || (word.length >= 4 && key.includes(word)));
      return { written, rank: Math.min(distance(key, word, limit), contains ? limit : limit + 1) };
    })
    .filter(({ rank }) => rank <= limit)
    .sort((left, right) => left.rank - right.rank || (left.written < right.written ? -1 : 1));
  return [...new Set(ranked.map(({ written }) => written))].slice(0, 5);
};
