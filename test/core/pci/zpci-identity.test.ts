import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOfUid,
  formatFid,
  formatUid,
  parseFid,
  parseUid,
} from '../../../src-main/core/pci/zpci-identity.ts';

describe('UID and FID', () => {
  it('reads and writes them as sysfs does', () => {
    const uid = parseUid('0x1234');
    const fid = parseFid('0x56');
    if (!uid.ok || !fid.ok) throw new Error('neither');
    expect([formatUid(uid.value), formatFid(fid.value)]).toEqual(['0x1234', '0x00000056']);
  });

  it('makes the UID the domain where UID checking is on', () => {
    for (const [text, address] of [
      ['0x1', '0001:00:00.0'],
      ['0x1234', '1234:00:00.0'],
      ['0xFFFF', 'ffff:00:00.0'],
    ] as const) {
      const uid = parseUid(text);
      if (!uid.ok) throw new Error(uid.error.message);
      expect(addressOfUid(uid.value)).toBe(address);
    }
  });

  it.each(['', '0x', '0x0', '0x10000', '1234', '0x12g4', ' 0x1', '0x1\n', '-0x1', '0x00012'])(
    'refuses UID %j',
    (text) => {
      expect(parseUid(text)).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
    },
  );

  it.each(['', '0x', '0x100000000', '56', '0x5 6', '0x56\0'])('refuses FID %j', (text) => {
    expect(parseFid(text)).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
  });

  it('takes back every FID it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (number) => {
        const fid = parseFid(`0x${number.toString(16)}`);
        if (!fid.ok) throw new Error(fid.error.message);
        expect(fid.value).toBe(number);
        expect(parseFid(formatFid(fid.value))).toEqual(fid);
      }),
    );
  });
});
