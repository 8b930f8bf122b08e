import { tracedName, type TracedFunction } from './functions.ts';

/** Where the kernel has a function: the name with the compiler's suffix, and the module it is in. */
export interface FunctionSymbol {
  readonly symbol: string;
  readonly module: string | null;
}

/** What GCC appends to a copy of a function: with arguments removed, some of them constant, or without its first checks. */
const suffixed = /^([A-Za-z_]\w*)((?:\.(?:isra|constprop|part|llvm)\.\d+)+)$/;

/** The name in the source; null for a symbol that is no function of its own, such as `….cold`. */
export const sourceName = (symbol: string): string | null => {
  if (/^\w+$/.test(symbol)) return symbol;
  return suffixed.exec(symbol)?.[1] ?? null;
};

/** Whether the arguments of the source are still the arguments of this copy. */
export const keepsArguments = (symbol: string): boolean => !/\.(isra|constprop)\./.test(symbol);

/**
 * The symbols of each function in a text such as available_filter_functions: a symbol a line, and for a function of a
 * module its name in brackets. A function may have several: `pci_restore_state` checks whether there is anything to
 * restore, and `pci_restore_state.part.0`, which some callers call at once, restores it.
 */
export const symbolsOf = (
  text: string,
  wanted: readonly TracedFunction[],
): ReadonlyMap<string, readonly FunctionSymbol[]> => {
  const byName = new Map<string, TracedFunction[]>();
  for (const one of wanted) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  const found = new Map<string, FunctionSymbol[]>();
  for (const line of text.split('\n')) {
    const end = line.indexOf(' ');
    const symbol = end === -1 ? line : line.slice(0, end);
    const dot = symbol.indexOf('.');
    const candidates = byName.get(dot === -1 ? symbol : symbol.slice(0, dot));
    if (candidates === undefined || sourceName(symbol) === null) continue;
    const module = /\[(\w+)\]/.exec(line)?.[1] ?? null;
    for (const one of candidates) {
      if (one.module !== undefined && one.module !== module) continue;
      found.set(tracedName(one), [...(found.get(tracedName(one)) ?? []), { symbol, module }]);
    }
  }
  return found;
};
