/**
 * How a register is described: a table of fields, from which decode.ts makes names and values. A layout only says
 * which registers a capability has; it never reads bytes except to learn that (counts, optional parts).
 */

export interface FieldSpecification {
  /** Whole words, camelCase. */
  readonly name: string;
  /** What `lspci -vvv` calls it, where lspci shows it. */
  readonly label?: string;
  /** Unsigned, at most 32 bits. */
  readonly mask: number;
  readonly bitOffset: number;
  readonly bitWidth: number;
  /** The value in words; `whole` is the value of the register, for a field that another field scales. */
  readonly meaning?: (value: number, whole: number) => string;
}

export interface RegisterSpecification {
  /** From the start of the capability (or of the header). */
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4;
  readonly name: string;
  readonly label?: string;
  readonly fields: readonly FieldSpecification[];
}

/** What a layout may ask about the capability it lays out. */
export interface LayoutContext {
  readonly config: Uint8Array;
  /** Where the capability starts. */
  readonly offset: number;
  /** Bytes it takes; where nothing says so, up to the next capability, and at most 64. */
  readonly length: number;
  /** Port type of the PCI Express capability (`portType`), if the function has one. */
  readonly port: number | undefined;
}

export type Layout = (context: LayoutContext) => readonly RegisterSpecification[];

export type Meaning = (value: number, whole: number) => string;

/** A field of bits `high` to `low`. */
export const bits = (
  high: number,
  low: number,
  name: string,
  label?: string,
  meaning?: Meaning,
): FieldSpecification => ({
  name,
  ...(label === undefined ? {} : { label }),
  mask: (2 ** (high + 1) - 2 ** low) >>> 0,
  bitOffset: low,
  bitWidth: high - low + 1,
  ...(meaning === undefined ? {} : { meaning }),
});

/** A field of one bit. */
export const flag = (bit: number, name: string, label?: string): FieldSpecification =>
  bits(bit, bit, name, label);

export const register = (
  offset: number,
  width: 1 | 2 | 4,
  name: string,
  label: string | undefined,
  fields: readonly FieldSpecification[],
): RegisterSpecification => ({ offset, width, name, ...(label === undefined ? {} : { label }), fields });

/** A register that is one number. */
export const plain = (
  offset: number,
  width: 1 | 2 | 4,
  name: string,
  label?: string,
  meaning?: Meaning,
): RegisterSpecification =>
  register(offset, width, name, label, [bits(width * 8 - 1, 0, 'value', label, meaning)]);

/** The same registers `distance` bytes on, with a prefix such as `VC1`; for structures that repeat. */
export const repeated = (
  registers: readonly RegisterSpecification[],
  count: number,
  distance: number,
  prefix: string,
): readonly (readonly RegisterSpecification[])[] =>
  Array.from({ length: count }, (_, index) =>
    registers.map((one) => ({
      ...one,
      offset: one.offset + index * distance,
      name: `${prefix}${index}.${one.name}`,
      ...(one.label === undefined ? {} : { label: `${prefix}${index} ${one.label}` }),
    })),
  );

export const conventionalHead: RegisterSpecification = register(0, 2, 'capabilityHeader', undefined, [
  bits(7, 0, 'id'),
  bits(15, 8, 'next'),
]);

export const extendedHead: RegisterSpecification = register(0, 4, 'capabilityHeader', undefined, [
  bits(15, 0, 'id'),
  bits(19, 16, 'version'),
  bits(31, 20, 'next'),
]);

/** A meaning from a list of words by value. */
export const oneOf =
  (...words: readonly string[]): Meaning =>
  (value) =>
    words[value] ?? `reserved value ${value}`;

export const unit =
  (text: string, factor = 1): Meaning =>
  (value) =>
    `${value * factor}${text}`;

export const hexadecimal =
  (digits: number): Meaning =>
  (value) =>
    value.toString(16).padStart(digits, '0');
