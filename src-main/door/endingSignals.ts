/**
 * A signal within this time of the first, in milliseconds, is the first: Ctrl+C reaches this process from the terminal
 * and once more from npm, which passes on what it gets.
 */
const sameKey = 1_000;

/** Tells the first request to end this process, and the second. The disposer leaves signals to Node again. */
export const onEndingSignal = (
  first: (signal: NodeJS.Signals) => void,
  again: (signal: NodeJS.Signals) => void,
): (() => void) => {
  let since: number | null = null;
  const hear = (signal: NodeJS.Signals): void => {
    if (since === null) {
      since = performance.now();
      first(signal);
    } else if (performance.now() - since > sameKey) again(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, hear);
  return () => {
    for (const signal of signals) process.off(signal, hear);
  };
};
