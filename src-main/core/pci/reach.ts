import { walkCapabilities } from './capabilities.ts';
import { configSize } from './registers.ts';

/** What AER has behind its shortest form when an error comes with prefixes: the TLP prefix log (PCIe 7.8.4.12). */
const slack = 64;

/**
 * How many bytes of a config space can ever hold anything, as far as one whole reading of it tells: the conventional
 * 256, and on from there to a little behind the last extended capability. All of them where a capability does not say how
 * long it is, a list cannot be followed, or something stands behind the last one. A multiple of 4.
 */
export const reachOf = (config: Uint8Array): number => {
  if (config.length <= configSize.conventional) return config.length;
  const { capabilities, problems } = walkCapabilities(config);
  let reach: number = configSize.conventional;
  for (const { extended, offset, length } of capabilities) {
    if (extended && length === undefined) return config.length;
    if (extended) reach = Math.max(reach, offset + (length ?? 0));
  }
  const end = Math.min(config.length, Math.ceil((reach + slack) / 4) * 4);
  return problems.length > 0 || config.subarray(end).some((byte) => byte !== 0) ? config.length : end;
};
