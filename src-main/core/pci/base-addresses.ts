import { longAt } from './bytes.ts';
import type { HeaderKind } from './placement.ts';
import { baseAddressBit, configOffset } from './registers.ts';

export interface BaseAddress {
  readonly index: number;
  readonly offset: number;
  /** `upper`: it holds the upper half of the address of the 64-bit BAR before it (PCI 3.0 6.2.5.1). */
  readonly part: 'io' | 'memory' | 'memory64' | 'upper';
}

const counts: Readonly<Record<HeaderKind, number>> = { endpoint: 6, bridge: 2, cardBus: 0, unknown: 0 };

const partOf = (value: number): BaseAddress['part'] => {
  if ((value & baseAddressBit.ioSpace) !== 0) return 'io';
  return (value & baseAddressBit.memoryType) === baseAddressBit.memoryType64 ? 'memory64' : 'memory';
};

/** What each base address register of a header holds, as the type bits of this reading say. */
export const baseAddressesOf = (config: Uint8Array, kind: HeaderKind): readonly BaseAddress[] => {
  const found: BaseAddress[] = [];
  for (let index = 0; index < counts[kind]; index += 1) {
    const offset = configOffset.baseAddress0 + 4 * index;
    if (offset + 4 > config.length) break;
    const upper = found.at(-1)?.part === 'memory64';
    found.push({ index, offset, part: upper ? 'upper' : partOf(longAt(config, offset)) });
  }
  return found;
};
