import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';

/**
 * The byte order of a rig's processor. Structs that cross the ioctl boundary are in it: little on x86, big on s390x.
 * PCI config space and BARs are little-endian, and the CCDF is big-endian, on every processor; they are not described
 * here.
 */
export type ByteOrder = 'little' | 'big';

export type FieldType = 'u8' | 'u16' | 's32' | 'u32' | 'u64';

/** `[name in the uapi header, type]`; a member of an embedded struct is written with a dot, `header.id`. */
export type FieldSpecification = readonly [name: string, type: FieldType];

type ValueOf<Type extends FieldType> = Type extends 'u64' ? bigint : number;

/** The values of a struct by field name: 64-bit fields as bigint, the others as number. */
export type StructValues<Fields extends readonly FieldSpecification[]> = {
  readonly [Specification in Fields[number] as Specification[0]]: ValueOf<Specification[1]>;
};

export interface StructField {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
  readonly size: number;
}

/** One struct of the uapi: its layout, and how to write and read it. */
export interface Struct<Fields extends readonly FieldSpecification[] = readonly FieldSpecification[]> {
  readonly kind: 'struct';
  /** The name in the uapi header. */
  readonly name: string;
  readonly fields: readonly StructField[];
  /** `sizeof`, with the padding at the end. */
  readonly size: number;
  /** The end of the last field, without that padding: what the kernel calls `minsz` or `offsetofend`. */
  readonly end: number;
  offsetOf(field: Fields[number][0]): number;
  /** `offsetofend`. */
  endOf(field: Fields[number][0]): number;
  /**
   * `size + extraLength` bytes; fields that are not given are 0, as the kernel demands of reserved ones.
   * Throws RangeError when a value does not fit its field: that is a mistake of the calling code, and cutting bits off
   * would send the kernel another request than the one asked for.
   */
  encode(order: ByteOrder, values: Partial<StructValues<Fields>>, extraLength?: number): Uint8Array;
  /** Reads the fields; `malformedStruct` when there are fewer than `end` bytes. Longer input is not an error. */
  decode(order: ByteOrder, bytes: Uint8Array): Result<StructValues<Fields>>;
  /** Reads one field of a struct that may be shorter than we know it, as older kernels give; undefined if not there. */
  read<Name extends Fields[number][0]>(
    order: ByteOrder,
    bytes: Uint8Array,
    field: Name,
  ): StructValues<Fields>[Name & keyof StructValues<Fields>] | undefined;
}

const sizes: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, s32: 4, u32: 4, u64: 8 };

const ranges: Readonly<Record<FieldType, readonly [bigint, bigint]>> = {
  u8: [0n, 0xffn],
  u16: [0n, 0xffffn],
  s32: [-0x8000_0000n, 0x7fff_ffffn],
  u32: [0n, 0xffff_ffffn],
  u64: [0n, 0xffff_ffff_ffff_ffffn],
};

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const readField = (view: DataView, field: StructField, littleEndian: boolean): number | bigint => {
  switch (field.type) {
    case 'u8':
      return view.getUint8(field.offset);
    case 'u16':
      return view.getUint16(field.offset, littleEndian);
    case 's32':
      return view.getInt32(field.offset, littleEndian);
    case 'u32':
      return view.getUint32(field.offset, littleEndian);
    case 'u64':
      return view.getBigUint64(field.offset, littleEndian);
  }
};

const writeField = (
  view: DataView,
  field: StructField,
  value: number | bigint,
  littleEndian: boolean,
): void => {
  switch (field.type) {
    case 'u8':
      return view.setUint8(field.offset, Number(value));
    case 'u16':
      return view.setUint16(field.offset, Number(value), littleEndian);
    case 's32':
      return view.setInt32(field.offset, Number(value), littleEndian);
    case 'u32':
      return view.setUint32(field.offset, Number(value), littleEndian);
    case 'u64':
      return view.setBigUint64(field.offset, BigInt(value), littleEndian);
  }
};

const fits = (value: number | bigint, type: FieldType): boolean => {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  const [lowest, highest] = ranges[type];
  return BigInt(value) >= lowest && BigInt(value) <= highest;
};

const alignUp = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment;

const embeddedIn = (fieldName: string): string | undefined => {
  const dot = fieldName.indexOf('.');
  return dot === -1 ? undefined : fieldName.slice(0, dot);
};

/**
 * Describes a uapi struct once. Fields lie at multiples of their own size and the whole is padded to its widest field:
 * the rule of the x86-64, s390x and powerpc64 ABIs alike, so that one table serves every rig and only the byte order
 * differs.
 */
export const struct = <const Fields extends readonly FieldSpecification[]>(
  name: string,
  specifications: Fields,
): Struct<Fields> => {
  const fields: StructField[] = [];
  let end = 0;
  let alignment = 1;
  let embedded: string | undefined;
  for (const [fieldName, type] of specifications) {
    const prefix = embeddedIn(fieldName);
    if (prefix !== embedded) {
      // An embedded struct starts at a multiple of its own widest field: `err` of vfio_eeh_pe_op at 16, not at 12.
      const members = specifications.filter(
        ([member]) => prefix !== undefined && embeddedIn(member) === prefix,
      );
      end = alignUp(end, Math.max(1, ...members.map(([, memberType]) => sizes[memberType])));
      embedded = prefix;
    }
    const size = sizes[type];
    const offset = alignUp(end, size);
    fields.push({ name: fieldName, type, offset, size });
    end = offset + size;
    alignment = Math.max(alignment, size);
  }
  const size = alignUp(end, alignment);
  const byName = new Map(fields.map((field) => [field.name, field]));

  const fieldNamed = (fieldName: string): StructField => {
    const field = byName.get(fieldName);
    if (field === undefined) throw new RangeError(`${name} has no field ${fieldName}.`);
    return field;
  };

  return {
    kind: 'struct',
    name,
    fields,
    size,
    end,
    offsetOf: (fieldName) => fieldNamed(fieldName).offset,
    endOf: (fieldName) => fieldNamed(fieldName).offset + fieldNamed(fieldName).size,
    encode: (order, values, extraLength = 0) => {
      const bytes = new Uint8Array(size + extraLength);
      const view = viewOf(bytes);
      for (const [fieldName, value] of Object.entries(
        values as Readonly<Record<string, number | bigint | undefined>>,
      )) {
        if (value === undefined) continue;
        const field = fieldNamed(fieldName);
        if (!fits(value, field.type)) {
          throw new RangeError(`${name}.${fieldName} is a ${field.type} and cannot hold ${value}.`);
        }
        writeField(view, field, value, order === 'little');
      }
      return bytes;
    },
    decode: (order, bytes) => {
      if (bytes.length < end) {
        return failure('malformedStruct', `${name} needs ${end} bytes, but there are ${bytes.length}.`, {
          details: { struct: name, neededLength: end, actualLength: bytes.length },
        });
      }
      const view = viewOf(bytes);
      const values = fields.map((field) => [field.name, readField(view, field, order === 'little')] as const);
      return success(Object.fromEntries(values) as StructValues<Fields>);
    },
    read: (order, bytes, fieldName) => {
      const field = fieldNamed(fieldName);
      if (bytes.length < field.offset + field.size) return undefined;
      return readField(viewOf(bytes), field, order === 'little') as never;
    },
  };
};
