import { missingCase } from '../exhaustive.ts';
import { byteAt } from './bytes.ts';
import { portTypeOf, walkCapabilities } from './capabilities.ts';
import type { CapabilityEntry, WalkProblem } from './capabilities.ts';
import { conventionalLayouts, extendedLayouts } from './layouts/by-id.ts';
import { bridgeHeader, endpointHeader, unknownHeader } from './layouts/header.ts';
import { conventionalHead, extendedHead } from './layouts/specification.ts';
import type { RegisterSpecification } from './layouts/specification.ts';
import { rawDwords } from './layouts/vendor-specific.ts';
import { configOffset, configSize, headerTypeMask, multiFunctionBit } from './registers.ts';

export type HeaderKind = 'endpoint' | 'bridge' | 'cardBus' | 'unknown';

/** The registers of the header or of one capability, not yet read. */
export interface PlacedBlock {
  /** What the register offsets count from. */
  readonly base: number;
  readonly registers: readonly RegisterSpecification[];
}

export interface PlacedCapability extends PlacedBlock {
  readonly entry: CapabilityEntry;
  /** False: no layout for this id, so the registers are dwords without fields. */
  readonly known: boolean;
}

export interface Placement {
  readonly headerKind: HeaderKind;
  readonly multiFunction: boolean;
  readonly header: PlacedBlock;
  readonly capabilities: readonly PlacedCapability[];
  readonly problems: readonly WalkProblem[];
}

/** How much of a capability without a length is shown when nothing follows it. */
const longestGuess = 64;

/** Which register lies where in these bytes. Registers may reach beyond them. */
export const placeRegisters = (config: Uint8Array): Placement => {
  const { capabilities, problems } = walkCapabilities(config);
  const port = portTypeOf(config, capabilities);
  const starts = capabilities.map((entry) => entry.offset).sort((a, b) => a - b);
  const type = byteAt(config, configOffset.headerType);
  const headerKind = (['endpoint', 'bridge', 'cardBus'] as const)[type & headerTypeMask] ?? 'unknown';
  return {
    headerKind,
    multiFunction: (type & multiFunctionBit) !== 0,
    header: { base: 0, registers: headerLayout(headerKind) },
    capabilities: capabilities.map((entry) => placeCapability(config, entry, port, starts)),
    problems,
  };
};

const headerLayout = (kind: HeaderKind): readonly RegisterSpecification[] => {
  switch (kind) {
    case 'endpoint':
      return endpointHeader;
    case 'bridge':
      return bridgeHeader;
    case 'cardBus':
    case 'unknown':
      return unknownHeader;
    default:
      return missingCase(kind);
  }
};

const placeCapability = (
  config: Uint8Array,
  entry: CapabilityEntry,
  port: number | undefined,
  starts: readonly number[],
): PlacedCapability => {
  const { offset } = entry;
  const length = entry.length ?? guessLength(config, entry, starts);
  const layout = (entry.extended ? extendedLayouts : conventionalLayouts).get(entry.id);
  const registers = layout?.({ config, offset, length, port }) ?? unknownLayout(entry, length);
  return { base: offset, registers, entry, known: layout !== undefined };
};

/** Up to the next capability or the end of the space, but not more than a screenful of dwords. */
const guessLength = (config: Uint8Array, entry: CapabilityEntry, starts: readonly number[]): number => {
  const spaceEnd = entry.extended ? config.length : Math.min(config.length, configSize.conventional);
  const end = starts.find((start) => start > entry.offset) ?? spaceEnd;
  return Math.min(end, spaceEnd, entry.offset + longestGuess) - entry.offset;
};

const unknownLayout = (entry: CapabilityEntry, length: number): readonly RegisterSpecification[] =>
  entry.extended
    ? [extendedHead, ...rawDwords(4, length)]
    : [conventionalHead, { offset: 2, width: 2, name: 'raw02', fields: [] }, ...rawDwords(4, length)];
