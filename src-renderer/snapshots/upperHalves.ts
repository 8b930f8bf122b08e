import { baseAddressesOf } from '../../src-main/core/pci/base-addresses.ts';
import { decodeConfigSpace } from '../../src-main/core/pci/decode.ts';

/** Names of the registers that hold the upper half of a 64-bit BAR, by offset. */
export const upperHalvesOf = (config: Uint8Array): ReadonlyMap<number, string> =>
  new Map(
    baseAddressesOf(config, decodeConfigSpace(config).header.kind)
      .filter(({ part }) => part === 'upper')
      .map(({ index, offset }) => [offset, `Region ${index - 1}, upper half`]),
  );
