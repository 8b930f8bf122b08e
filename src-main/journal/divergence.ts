import type { Divergence } from './replay.ts';

/** One sentence for the screen. */
export const sentenceOfDivergence = ({ seq, device, expected, actual }: Divergence): string => {
  const made = actual === null ? 'nothing of it: the device is not armed there' : actual.phase;
  return `Line ${seq} says that ${device} became ${expected.phase} (${expected.reason ?? 'no reason'}); the core makes ${made}.`;
};
