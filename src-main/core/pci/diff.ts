import { valueAt } from './bytes.ts';
import { decodeRegister } from './decode.ts';
import type { DecodedField } from './decode.ts';
import type { RegisterSpecification } from './layouts/specification.ts';
import { placeRegisters } from './placement.ts';
import type { PlacedBlock } from './placement.ts';

export interface FieldChange {
  readonly name: string;
  readonly label?: string;
  readonly before: number;
  readonly after: number;
  readonly beforeMeaning?: string;
  readonly afterMeaning?: string;
}

/** A register whose value differs. */
export interface RegisterChange {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  /** `Header`, the name of a capability, or `Unknown` for bytes that no register covers. */
  readonly owner: string;
  readonly name: string;
  readonly label?: string;
  readonly before: number;
  readonly after: number;
  /** The fields that differ. May be empty: bits outside every field, or a register nobody described. */
  readonly fields: readonly FieldChange[];
}

/**
 * What differs between two readings of one configuration space, by offset. Where the capability lists differ, as after
 * a reset that left zeros, the registers of both readings count, and those of `before` come first. Bytes that only one
 * reading has are not compared.
 */
export const diffConfigSpaces = (before: Uint8Array, after: Uint8Array): readonly RegisterChange[] => {
  const length = Math.min(before.length, after.length);
  const changed = new Uint8Array(length);
  for (let offset = 0; offset < length; offset += 1) {
    if (before[offset] !== after[offset]) changed[offset] = 1;
  }
  if (!changed.includes(1)) return [];

  const changes: RegisterChange[] = [];
  for (const { owner, base, registers } of [...ownedBlocks(before), ...ownedBlocks(after)]) {
    for (const register of registers) {
      const offset = base + register.offset;
      const end = offset + register.width;
      // Each changed byte is told once, so a register that was told for `before` is not told again for `after`.
      if (end > length || !changed.subarray(offset, end).includes(1)) continue;
      changed.fill(0, offset, end);
      changes.push(changeOf(owner, register, offset, before, after));
    }
  }
  for (let offset = 0; offset < length; offset += 4) {
    const bytes = changed.subarray(offset, offset + 4);
    if (!bytes.includes(1)) continue;
    // The last dword of a reading whose length is not a multiple of 4 goes byte by byte.
    const width = bytes.length === 4 ? 4 : 1;
    for (let at = offset; at < offset + bytes.length; at += width) {
      const name = `raw${at.toString(16).padStart(3, '0')}`;
      if (width === 4 || changed[at] === 1) {
        changes.push(changeOf('Unknown', { offset: at, width, name, fields: [] }, at, before, after));
      }
    }
  }
  return changes.sort((a, b) => a.offset - b.offset);
};

const ownedBlocks = (config: Uint8Array): readonly (PlacedBlock & { readonly owner: string })[] => {
  const placement = placeRegisters(config);
  return [
    { ...placement.header, owner: 'Header' },
    ...placement.capabilities.map(({ base, registers, entry }) => ({ base, registers, owner: entry.name })),
  ];
};

const changeOf = (
  owner: string,
  register: RegisterSpecification,
  offset: number,
  before: Uint8Array,
  after: Uint8Array,
): RegisterChange => {
  const from = decodeRegister(register, offset, valueAt(before, offset, register.width));
  const to = decodeRegister(register, offset, valueAt(after, offset, register.width));
  const fields: FieldChange[] = [];
  for (const [index, field] of from.fields.entries()) {
    const other = to.fields[index];
    if (other !== undefined && other.value !== field.value) fields.push(fieldChange(field, other));
  }
  return {
    offset,
    width: register.width,
    owner,
    name: register.name,
    ...(register.label === undefined ? {} : { label: register.label }),
    before: from.value,
    after: to.value,
    fields,
  };
};

const fieldChange = (from: DecodedField, to: DecodedField): FieldChange => ({
  name: from.name,
  ...(from.label === undefined ? {} : { label: from.label }),
  before: from.value,
  after: to.value,
  ...(from.meaning === undefined ? {} : { beforeMeaning: from.meaning }),
  ...(to.meaning === undefined ? {} : { afterMeaning: to.meaning }),
});
