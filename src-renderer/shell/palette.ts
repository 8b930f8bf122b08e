/** Something that the command palette leads to or does. */
export interface PaletteItem {
  readonly id: string;
  readonly group: 'Action' | 'Page' | 'Tab' | 'Device' | 'Scenario' | 'Run';
  readonly text: string;
  /** More to find it by, shown quietly. */
  readonly detail: string;
  readonly run: () => void;
}

const order: readonly PaletteItem['group'][] = ['Action', 'Page', 'Tab', 'Device', 'Scenario', 'Run'];

/** 0 is best; null does not match. Every word has to be somewhere. */
const rankOf = (item: PaletteItem, words: readonly string[]): number | null => {
  const text = item.text.toLowerCase();
  const all = `${text} ${item.detail.toLowerCase()} ${item.group.toLowerCase()}`;
  let rank = 0;
  for (const word of words) {
    if (!all.includes(word)) return null;
    if (text.startsWith(word)) continue;
    rank += text.includes(` ${word}`) ? 1 : text.includes(word) ? 2 : 4;
  }
  return rank;
};

/** The best matches, best first; without words the first of each group in turn. */
export const paletteMatches = (
  items: readonly PaletteItem[],
  query: string,
  most: number,
): readonly PaletteItem[] => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return items
    .flatMap((item) => {
      const rank = rankOf(item, words);
      return rank === null ? [] : [{ item, rank }];
    })
    .sort(
      (left, right) =>
        left.rank - right.rank || order.indexOf(left.item.group) - order.indexOf(right.item.group),
    )
    .slice(0, most)
    .map(({ item }) => item);
};
