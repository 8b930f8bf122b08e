import { configSize } from '../pci/registers.ts';

/** From which byte on a reading says nothing. `whole`: all of it was read. */
export type Readability = { readonly kind: 'whole' } | { readonly kind: 'nothing' } | Partly;

interface Partly {
  readonly kind: 'upTo';
  /** Bytes from the start that were read. */
  readonly offset: number;
  /** `short`: the reading ends there. `allOnes`: from there on ones, where the device had others before. */
  readonly because: 'short' | 'allOnes';
}

/** Shorter runs of ones can be a register; a capability that does not answer is never that short. */
const shortestSilence = 64;

const allOnes = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0xff) return false;
  return true;
};

/** How much of `config` is evidence; `first` is the first reading of the same device, which says what there was. */
export const readabilityOf = (config: Uint8Array | null, first: Uint8Array): Readability => {
  if (config === null || config.length === 0) return { kind: 'nothing' };
  if (allOnes(config, 0, Math.min(config.length, configSize.header))) return { kind: 'nothing' };
  if (config.length < first.length) return { kind: 'upTo', offset: config.length, because: 'short' };
  let silent = config.length;
  while (silent > 0 && config[silent - 1] === 0xff) silent -= 1;
  const start = (silent + 3) & ~3;
  if (config.length - start < shortestSilence || allOnes(first, start, first.length))
    return { kind: 'whole' };
  return { kind: 'upTo', offset: start, because: 'allOnes' };
};

export const readableBytes = (readability: Readability, length: number): number =>
  readability.kind === 'whole' ? length : readability.kind === 'nothing' ? 0 : readability.offset;
