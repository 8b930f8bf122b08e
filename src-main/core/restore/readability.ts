import { configSize } from '../pci/registers.ts';
import type { BenchError } from '../result.ts';
import type { EventOf } from './history.ts';

/** From which byte on a reading says nothing. `whole`: all of it was read. */
export type Readability = { readonly kind: 'whole' } | Silent | Partly;

/**
 * `allOnes`: the device did not answer. `refused`: nobody could read it, with the error, where one was kept. `damaged`: the
 * journal's copy is not whole, and the device may well have answered.
 */
export type Silent =
  | { readonly kind: 'nothing'; readonly because: 'allOnes' | 'damaged' }
  | { readonly kind: 'nothing'; readonly because: 'refused'; readonly error: BenchError | null };

interface Partly {
  readonly kind: 'upTo';
  /** Bytes from the start that were read. */
  readonly offset: number;
  /** `short`: the reading ends there. `allOnes`: from there on ones, where the device had others before. */
  readonly because: 'short' | 'allOnes';
}

export type ReadBytes = Pick<EventOf<'reading'>, 'config' | 'unread'>;

/** Shorter runs of ones can be a register; a capability that does not answer is never that short. */
const shortestSilence = 64;

const allOnes = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0xff) return false;
  return true;
};

const silentFrom = (config: Uint8Array): number => {
  let silent = config.length;
  while (silent > 0 && config[silent - 1] === 0xff) silent -= 1;
  const start = (silent + 3) & ~3;
  return config.length - start < shortestSilence ? config.length : start;
};

const isSilent = (config: Uint8Array): boolean =>
  allOnes(config, 0, Math.min(config.length, configSize.header));

/** Up to where a reading is something else than ones, 0 when it is nothing else from the start on. */
export const extentOf = (config: Uint8Array): number => (isSilent(config) ? 0 : silentFrom(config));

/** How much of a reading is evidence; `first` is the first reading of the same device, which says what there was. */
export const readabilityOf = ({ config, unread }: ReadBytes, first: Uint8Array): Readability => {
  if (config === null || config.length === 0) {
    if (unread?.kind === 'damaged') return { kind: 'nothing', because: 'damaged' };
    return { kind: 'nothing', because: 'refused', error: unread?.error ?? null };
  }
  if (isSilent(config)) return { kind: 'nothing', because: 'allOnes' };
  if (config.length < first.length) return { kind: 'upTo', offset: config.length, because: 'short' };
  const start = silentFrom(config);
  if (start === config.length || allOnes(first, start, first.length)) return { kind: 'whole' };
  return { kind: 'upTo', offset: start, because: 'allOnes' };
};

export const readableBytes = (readability: Readability, length: number): number =>
  readability.kind === 'whole' ? length : readability.kind === 'nothing' ? 0 : readability.offset;
