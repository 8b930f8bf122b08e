import { valueAt } from '../../../src-main/core/pci/bytes.ts';
import {
  decodeConfigSpace,
  type DecodedField,
  type DecodedRegister,
} from '../../../src-main/core/pci/decode.ts';
import { hex, hexOf, offsetOf } from '../../snapshots/hex.ts';
import { upperHalvesOf } from '../../snapshots/upperHalves.ts';

export interface FieldRow {
  readonly name: string;
  /** `15:12` or `3`. */
  readonly bits: string;
  /** The value in words or as a number. */
  readonly value: string;
  /** What it was at the moment it is compared with; null when the same, or nothing is compared. */
  readonly was: string | null;
}

export interface RegisterRow {
  /** Unique: a damaged list may decode two registers at one offset. */
  readonly key: string;
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly name: string;
  readonly value: number;
  /** One line for all fields, flags as `lspci` prints them. */
  readonly summary: string;
  readonly fields: readonly FieldRow[];
  readonly was: number | null;
}

export interface BlockRow {
  readonly key: string;
  readonly name: string;
  /** Where it starts; `[100]` for an extended capability, as `lspci` writes it. */
  readonly place: string;
  readonly known: boolean;
  readonly registers: readonly RegisterRow[];
}

export interface ConfigTable {
  readonly blocks: readonly BlockRow[];
  readonly problems: ReturnType<typeof decodeConfigSpace>['problems'];
}

const isFlag = (field: DecodedField): boolean => field.bitWidth === 1 && field.meaning === undefined;

const valueOf = (field: DecodedField): string => {
  if (field.meaning !== undefined) return field.meaning;
  if (field.bitWidth === 1) return field.value === 1 ? '+' : '−';
  return field.value < 10 ? `${field.value}` : `0x${field.value.toString(16)}`;
};

const bitsOf = ({ bitOffset, bitWidth }: DecodedField): string =>
  bitWidth === 1 ? `${bitOffset}` : `${bitOffset + bitWidth - 1}:${bitOffset}`;

const nameOf = ({ label, name }: DecodedField): string => label ?? name;

const inSummary = (field: DecodedField): string => {
  if (isFlag(field)) return `${nameOf(field)}${field.value === 1 ? '+' : '−'}`;
  if (field.name === 'value' || field.name === 'address') return valueOf(field);
  return `${nameOf(field)} ${valueOf(field)}`;
};

/** Long lists of flags, as those of AER, say only which are set. */
const mostFlags = 12;

const summaryOf = ({ fields, value, width }: DecodedRegister): string => {
  const many = fields.filter(isFlag).length > mostFlags;
  const told = fields.filter((field) => !(many && isFlag(field) && field.value === 0));
  // A BAR's address says in words what its type bits are.
  const address = told.find(({ name, meaning }) => name === 'address' && meaning?.includes(' at ') === true);
  const words = (address === undefined ? told : [address]).map(inSummary).join(' ');
  if (many && words === '') return 'none set';
  // A register that is one number has it in the column before.
  return words === hexOf(value, width) ? '' : words;
};

const rowOf = (
  register: DecodedRegister,
  key: string,
  other: DecodedRegister | null,
  otherValue: number | null,
  upper: string | undefined,
): RegisterRow => {
  const { offset, width, value } = register;
  const isNumber = register.fields.length === 1 && register.fields[0]?.name === 'value';
  const fields = upper !== undefined || isNumber ? [] : register.fields;
  return {
    key,
    offset,
    width,
    name: upper ?? register.label ?? register.name,
    value,
    summary: upper !== undefined ? '' : summaryOf(register),
    fields: fields.map((field, index) => {
      const before = other?.fields[index];
      const changed = before !== undefined && before.value !== field.value;
      return {
        name: nameOf(field),
        bits: bitsOf(field),
        value: valueOf(field),
        was: changed ? valueOf(before) : null,
      };
    }),
    was: otherValue !== null && otherValue !== value ? otherValue : null,
  };
};

/** The registers of a reading, block by block; with `before`, what each was then. */
export const configTable = (bytes: Uint8Array, before: Uint8Array | null): ConfigTable => {
  const decoded = decodeConfigSpace(bytes);
  const upper = upperHalvesOf(bytes);
  // The same layout over the other bytes: a reset may have left zeros where the capability list was.
  const compared = before === null ? null : decodeConfigSpace(before);
  const others = new Map<string, DecodedRegister>();
  const blocksOf = (config: typeof decoded) => [
    { at: 'header', registers: config.header.registers },
    ...config.capabilities.map((one) => ({
      at: `${one.extended ? 'e' : 'c'}${one.id} ${one.offset}`,
      registers: one.registers,
    })),
  ];
  for (const { at, registers } of compared === null ? [] : blocksOf(compared)) {
    for (const register of registers) others.set(`${at} ${register.offset} ${register.name}`, register);
  }
  const rowsOf = (at: string, registers: readonly DecodedRegister[]): readonly RegisterRow[] =>
    registers
      .toSorted((one, two) => one.offset - two.offset)
      .map((register) => {
        const { offset, width, name } = register;
        const readable = before !== null && offset + width <= before.length;
        return rowOf(
          register,
          `${at} ${offset} ${name}`,
          others.get(`${at} ${offset} ${name}`) ?? null,
          readable ? valueAt(before, offset, width) : null,
          at === 'header' ? upper.get(offset) : undefined,
        );
      });
  const header: BlockRow = {
    key: 'header',
    name: decoded.header.kind === 'unknown' ? 'Header' : `Header, ${decoded.header.kind}`,
    place: '000',
    known: true,
    registers: rowsOf('header', decoded.header.registers),
  };
  const capabilities = decoded.capabilities.map((one): BlockRow => {
    const key = `${one.extended ? 'e' : 'c'}${one.id} ${one.offset}`;
    const version = one.version === undefined ? '' : ` v${one.version}`;
    return {
      key,
      name: `${one.name}${version}`,
      place: one.extended ? offsetOf(one.offset) : hex(one.offset, 2),
      known: one.known,
      registers: rowsOf(key, one.registers),
    };
  });
  return { blocks: [header, ...capabilities], problems: decoded.problems };
};

const matches = (row: RegisterRow, block: BlockRow, words: readonly string[]): boolean => {
  const fields = row.fields.map(({ name, value }) => `${name} ${value}`).join(' ');
  const text =
    `${block.name} ${row.name} ${offsetOf(row.offset)} ${hexOf(row.value, row.width)} ${row.summary} ${fields}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

/** The registers that hold all the words, and with `onlyDifferent` those that differ; blocks without any are left out. */
export const filteredBlocks = (
  blocks: readonly BlockRow[],
  search: string,
  onlyDifferent: boolean,
): readonly BlockRow[] => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && !onlyDifferent) return blocks;
  return blocks
    .map((block) => ({
      ...block,
      registers: block.registers.filter(
        (row) => (!onlyDifferent || row.was !== null) && matches(row, block, words),
      ),
    }))
    .filter(({ registers }) => registers.length > 0);
};
