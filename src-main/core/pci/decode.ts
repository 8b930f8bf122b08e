import { valueAt } from './bytes.ts';
import type { CapabilityEntry, WalkProblem } from './capabilities.ts';
import type { FieldSpecification, RegisterSpecification } from './layouts/specification.ts';
import { placeRegisters } from './placement.ts';
import type { HeaderKind, PlacedBlock } from './placement.ts';

export interface DecodedField {
  readonly name: string;
  /** What `lspci -vvv` calls it, where lspci shows it. */
  readonly label?: string;
  readonly mask: number;
  readonly bitOffset: number;
  readonly bitWidth: number;
  /** The bits, shifted down. */
  readonly value: number;
  /** The value in words, where a number does not say enough: `512 bytes`, `8GT/s`. */
  readonly meaning?: string;
}

export interface DecodedRegister {
  /** From the start of configuration space. */
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4;
  readonly name: string;
  readonly label?: string;
  readonly value: number;
  /** Empty for a register of which nothing is known but its place. */
  readonly fields: readonly DecodedField[];
}

export interface DecodedHeader {
  readonly kind: HeaderKind;
  readonly multiFunction: boolean;
  readonly registers: readonly DecodedRegister[];
}

export interface DecodedCapability extends CapabilityEntry {
  /** False: no layout for this id, so `registers` are dwords without fields. */
  readonly known: boolean;
  readonly registers: readonly DecodedRegister[];
}

export interface DecodedConfig {
  /** Bytes that were decoded. */
  readonly length: number;
  readonly header: DecodedHeader;
  readonly capabilities: readonly DecodedCapability[];
  readonly problems: readonly WalkProblem[];
}

/**
 * Decodes the first 0 to 4096 bytes of a configuration space. Never throws: what is not there is left out, what could
 * not be followed is in `problems`, and what nobody described is shown raw.
 */
export const decodeConfigSpace = (config: Uint8Array): DecodedConfig => {
  const placement = placeRegisters(config);
  return {
    length: config.length,
    header: {
      kind: placement.headerKind,
      multiFunction: placement.multiFunction,
      registers: decodeBlock(config, placement.header),
    },
    capabilities: placement.capabilities.map((block) => ({
      ...block.entry,
      known: block.known,
      registers: decodeBlock(config, block),
    })),
    problems: placement.problems,
  };
};

/** The capability with this id, or `undefined`. */
export const capabilityOf = (
  decoded: DecodedConfig,
  id: number,
  extended: boolean,
): DecodedCapability | undefined =>
  decoded.capabilities.find((entry) => entry.id === id && entry.extended === extended);

const decodeBlock = (config: Uint8Array, { base, registers }: PlacedBlock): readonly DecodedRegister[] => {
  const decoded: DecodedRegister[] = [];
  for (const specification of registers) {
    const offset = base + specification.offset;
    if (offset + specification.width > config.length) continue;
    decoded.push(decodeRegister(specification, offset, valueAt(config, offset, specification.width)));
  }
  return decoded;
};

/** One register with this value, wherever the value came from. */
export const decodeRegister = (
  { name, label, width, fields }: RegisterSpecification,
  offset: number,
  value: number,
): DecodedRegister => {
  const decoded = fields.map((field) => decodeField(field, value));
  return label === undefined
    ? { offset, width, name, value, fields: decoded }
    : { offset, width, name, label, value, fields: decoded };
};

// Hundreds of fields per space: whole literals, because spreading optional properties costs three times as much.
const decodeField = (field: FieldSpecification, whole: number): DecodedField => {
  const { name, label, mask, bitOffset, bitWidth } = field;
  const value = (whole & mask) >>> bitOffset;
  if (field.meaning === undefined) {
    return label === undefined
      ? { name, mask, bitOffset, bitWidth, value }
      : { name, label, mask, bitOffset, bitWidth, value };
  }
  const meaning = field.meaning(value, whole);
  return label === undefined
    ? { name, mask, bitOffset, bitWidth, value, meaning }
    : { name, label, mask, bitOffset, bitWidth, value, meaning };
};
