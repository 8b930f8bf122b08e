import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteOrder, FieldType, Struct } from '../../../src-main/core/vfio/struct.ts';
import { struct } from '../../../src-main/core/vfio/struct.ts';
import { everyStruct } from './everyStruct.ts';
import { hexOf } from './hex.ts';

const orders: readonly ByteOrder[] = ['little', 'big'];

const arbitraryOf = (type: FieldType): fc.Arbitrary<number | bigint> => {
  switch (type) {
    case 'u8':
      return fc.integer({ min: 0, max: 0xff });
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff });
    case 's32':
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'u64':
      return fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  }
};

const valuesOf = (description: Struct): fc.Arbitrary<Record<string, number | bigint>> =>
  fc.record(Object.fromEntries(description.fields.map((field) => [field.name, arbitraryOf(field.type)])));

const example = struct('example', [
  ['small', 'u8'],
  ['wide', 'u64'],
  ['half', 'u16'],
  ['signed', 's32'],
]);

describe('a struct description', () => {
  it('lays fields out at multiples of their size and pads the end to the widest', () => {
    expect(example.fields.map((field) => [field.name, field.offset, field.size])).toEqual([
      ['small', 0, 1],
      ['wide', 8, 8],
      ['half', 16, 2],
      ['signed', 20, 4],
    ]);
    expect(example).toMatchObject({ end: 24, size: 24 });
    expect(
      struct('padded', [
        ['wide', 'u64'],
        ['small', 'u8'],
      ] as const),
    ).toMatchObject({ end: 9, size: 16 });
  });

  it('aligns an embedded struct to its own widest field', () => {
    const outer = struct('outer', [
      ['first', 'u32'],
      ['inner.small', 'u32'],
      ['inner.wide', 'u64'],
    ]);
    expect(outer.fields.map((field) => field.offset)).toEqual([0, 8, 16]);
  });

  it('writes both byte orders, and zeros where nothing is given', () => {
    const values = { small: 1, wide: 0x0203_0405_0607_0809n, half: 0x0a0b, signed: -2 };
    expect(hexOf(example.encode('little', values))).toBe(
      '01000000 00000000 09080706 05040302 0b0a0000 feffffff',
    );
    expect(hexOf(example.encode('big', values))).toBe(
      '01000000 00000000 02030405 06070809 0a0b0000 fffffffe',
    );
    expect(example.encode('big', {}, 3)).toEqual(new Uint8Array(27));
  });

  it.each([
    ['a value above the range', { small: 256 }],
    ['a value below the range', { half: -1 }],
    ['a signed value above the range', { signed: 0x8000_0000 }],
    ['a 64-bit value above the range', { wide: 1n << 64n }],
    ['a fraction', { small: 1.5 }],
    ['NaN', { small: Number.NaN }],
  ])('refuses %s instead of cutting it', (_, values) => {
    expect(() => example.encode('little', values)).toThrow(RangeError);
  });

  it('refuses a name that it does not have', () => {
    expect(() => example.encode('little', { unknown: 1 } as never)).toThrow('example has no field unknown');
  });

  it('reads single fields of a shorter, older form', () => {
    const bytes = example.encode('big', { small: 7, wide: 8n }).subarray(0, 16);
    expect(example.read('big', bytes, 'wide')).toBe(8n);
    expect(example.read('big', bytes, 'half')).toBeUndefined();
  });

  it('reads bytes that lie in the middle of a larger buffer', () => {
    const buffer = new Uint8Array(64);
    buffer.set(example.encode('little', { half: 0x1234 }), 5);
    expect(example.decode('little', buffer.subarray(5))).toMatchObject({ ok: true, value: { half: 0x1234 } });
  });
});

describe.each(everyStruct.map((description) => [description.name, description] as const))(
  '%s',
  (_, description) => {
    it('has a field at each of its offsets, aligned and apart', () => {
      let end = 0;
      for (const field of description.fields) {
        expect(field.offset % field.size, field.name).toBe(0);
        expect(field.offset - end, field.name).toBeGreaterThanOrEqual(0);
        expect(field.offset - end, field.name).toBeLessThan(8);
        end = field.offset + field.size;
      }
      expect(description.end).toBe(end);
    });

    it.each(orders)('gives back every value that it wrote (%s-endian)', (order) => {
      fc.assert(
        fc.property(valuesOf(description), fc.nat({ max: 16 }), (values, extraLength) => {
          const bytes = description.encode(order, values, extraLength);
          expect(bytes).toHaveLength(description.size + extraLength);
          expect(description.decode(order, bytes)).toEqual({ ok: true, value: values });
        }),
        { numRuns: 50 },
      );
    });

    it.each(orders)('calls fewer bytes than it needs malformed (%s-endian)', (order) => {
      for (let length = 0; length < description.end; length += 1) {
        const decoded = description.decode(order, new Uint8Array(length));
        expect(decoded).toMatchObject({
          ok: false,
          error: {
            code: 'malformedStruct',
            details: { neededLength: description.end, actualLength: length },
          },
        });
      }
      expect(description.decode(order, new Uint8Array(description.end)).ok).toBe(true);
    });
  },
);

it('finds the structs of the room', () => {
  expect(everyStruct.map((description) => description.name)).toContain('vfio_irq_set');
  expect(everyStruct.length).toBeGreaterThanOrEqual(30);
});
