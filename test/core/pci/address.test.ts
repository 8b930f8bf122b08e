import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOfRequesterId,
  compareAddresses,
  formatPciAddress,
  parsePciAddress,
  partsOf,
  requesterIdOf,
} from '../../../src-main/core/pci/address.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';

const parsed = (text: string): PciAddress => {
  const result = parsePciAddress(text);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

const anyParts = fc.record({
  domain: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffff_ffff })),
  bus: fc.integer({ min: 0, max: 0xff }),
  device: fc.integer({ min: 0, max: 0x1f }),
  function: fc.integer({ min: 0, max: 7 }),
});

describe('parsePciAddress', () => {
  it.each([
    ['0000:01:00.0', '0000:01:00.0'],
    ['01:00.0', '0000:01:00.0'],
    ['00:1F.7', '0000:00:1f.7'],
    ['ABCD:EF:0A.3', 'abcd:ef:0a.3'],
    // Intel VMD numbers its domains from 10000 up.
    ['10000:00:00.0', '10000:00:00.0'],
    ['ffffffff:ff:1f.7', 'ffffffff:ff:1f.7'],
    ['00010000:00:00.0', '10000:00:00.0'],
    ['00000001:00:00.0', '0001:00:00.0'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parsePciAddress(text)).toEqual({ ok: true, value: canonical });
  });

  it.each([
    ['', 'nothing'],
    ['0000:01:20.0', 'device above 1f'],
    ['0000:01:00.8', 'function above 7'],
    ['0000:01:00.f', 'function above 7'],
    ['0000:100:00.0', 'bus above ff'],
    ['100000000:00:00.0', 'domain of nine digits'],
    ['0:01:00.0', 'domain of one digit'],
    ['0000:1:00.0', 'bus of one digit'],
    ['0000:01:0.0', 'device of one digit'],
    ['0000:01:00', 'no function'],
    ['0000:01:00.00', 'function of two digits'],
    ['0000:01:00.0 ', 'a blank after it'],
    [' 0000:01:00.0', 'a blank before it'],
    ['0000:01:00.0\n', 'a line break'],
    ['0000:01:00.0\0', 'a NUL'],
    ['0x00:01:00.0', 'a prefix'],
    ['../0000:01:00.0', 'a path'],
    ['0000:01:00.0/../../etc', 'a path behind it'],
    ['0000:01:00,0', 'a comma'],
    ['０000:01:00.0', 'a wide digit'],
    ['-001:01:00.0', 'a sign'],
    ['a'.repeat(100_000), 'far too much'],
  ])('refuses %j: %s', (text) => {
    const result = parsePciAddress(text);
    expect(result).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
    // What was asked for goes to a log and a screen: shortened, and without a control character.
    if (!result.ok) {
      expect(result.error.message.length).toBeLessThan(200);
      expect(result.error.message).not.toMatch(/[\0-\x1f]/);
    }
  });

  it('takes back what formatPciAddress makes, for every address', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const formatted = formatPciAddress(parts);
        if (!formatted.ok) throw new Error(formatted.error.message);
        expect(partsOf(formatted.value)).toEqual(parts);
        expect(parsePciAddress(formatted.value)).toEqual(formatted);
        expect(parsePciAddress(formatted.value.toUpperCase())).toEqual(formatted);
      }),
    );
  });

  it('answers every text, and only addresses with success', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789abfFgx:. /\n') });
    fc.assert(
      fc.property(fc.oneof(fc.string(), digits), (text) => {
        const result = parsePciAddress(text);
        if (result.ok) expect(result.value).toMatch(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/);
      }),
    );
  });
});

describe('formatPciAddress', () => {
  const good = { domain: 0, bus: 1, device: 2, function: 3 };
  it.each([
    [{ domain: -1 }, 'domain'],
    [{ domain: 0x1_0000_0000 }, 'domain'],
    [{ bus: 256 }, 'bus'],
    [{ device: 32 }, 'device'],
    [{ function: 8 }, 'function'],
    [{ bus: 1.5 }, 'bus'],
    [{ bus: Number.NaN }, 'bus'],
  ])('refuses %o', (wrong, part) => {
    const result = formatPciAddress({ ...good, ...wrong });
    expect(result).toMatchObject({ ok: false, error: { code: 'malformedInput', details: { part } } });
  });
});

describe('compareAddresses', () => {
  it('sorts by number, also where a domain has five digits', () => {
    const sorted = ['0000:01:00.0', '0000:01:00.1', '0000:02:00.0', '9000:00:00.0', '10000:00:00.0'].map(
      parsed,
    );
    expect([...sorted].reverse().sort(compareAddresses)).toEqual(sorted);
  });

  it('is zero only for the same address', () => {
    fc.assert(
      fc.property(anyParts, anyParts, (left, right) => {
        const [a, b] = [formatPciAddress(left), formatPciAddress(right)];
        if (!a.ok || !b.ok) throw new Error('not addresses');
        expect(compareAddresses(a.value, b.value) === 0).toBe(a.value === b.value);
        expect(Math.sign(compareAddresses(a.value, b.value))).toBe(
          -Math.sign(compareAddresses(b.value, a.value)) + 0,
        );
      }),
    );
  });
});

describe('requester ids', () => {
  it('puts bus, device and function where AER source registers have them', () => {
    expect(requesterIdOf(parsed('0000:01:00.0'))).toBe(0x0100);
    expect(requesterIdOf(parsed('0001:ff:1f.7'))).toBe(0xffff);
    expect(addressOfRequesterId(0x10000, 0x0819)).toEqual({ ok: true, value: '10000:08:03.1' });
    expect(addressOfRequesterId(0, 0x1_0000)).toMatchObject({ ok: false });
  });
});
