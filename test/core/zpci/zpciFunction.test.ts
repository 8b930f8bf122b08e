import { describe, expect, it } from 'vitest';
import {
  sameZpciFunction,
  zpciFacts,
  zpciName,
  type ZpciFunction,
} from '../../../src-main/core/zpci/zpciFunction.ts';

const one: ZpciFunction = {
  uid: 0x1234,
  fid: 0x56,
  functionHandle: 0x8002_0000,
  pchid: 0x100,
  pfgid: 2,
  pft: 0xb,
  vfn: 1,
  utilityString: 'RB 1',
  uidIsUnique: true,
};
const bare: ZpciFunction = {
  ...one,
  uid: null,
  functionHandle: null,
  pchid: null,
  pfgid: null,
  pft: null,
  vfn: null,
  utilityString: '',
  uidIsUnique: false,
};
const values = (of: ZpciFunction): Readonly<Record<string, string>> =>
  Object.fromEntries(zpciFacts(of).map(({ label, value }) => [label, value]));

describe('an s390x function', () => {
  it('is called by its UID and FID, or by the FID alone', () => {
    expect(zpciName(one)).toBe('UID 0x1234, FID 0x56');
    expect(zpciName(bare)).toBe('no UID, FID 0x56');
  });

  it('has its attributes as sysfs writes them, and leaves out what a kernel does not show', () => {
    expect(values(one)).toEqual({
      UID: '0x1234',
      FID: '0x00000056',
      Handle: '0x80020000',
      PCHID: '0x0100',
      PFGID: '0x02',
      PFT: '0x0b',
      VFN: '0x0001',
      'Utility string': 'RB 1',
    });
    expect(values(bare)).toEqual({ UID: 'none', FID: '0x00000056' });
  });

  it('says whether its UID can be relied on, and whether it is enabled', () => {
    const noteOf = (of: ZpciFunction, wanted: string): string | undefined =>
      zpciFacts(of).find(({ label }) => label === wanted)?.note;
    expect(noteOf(one, 'UID')).toMatch(/^UID checking is on/);
    expect(noteOf({ ...one, uidIsUnique: false }, 'UID')).toMatch(/^UID checking is off/);
    expect(noteOf(one, 'Handle')).toBe('enabled');
    expect(noteOf({ ...one, functionHandle: 0x0002_0000 }, 'Handle')).toBe('not enabled');
  });

  it.each(Object.entries(bare))('is another one when %s is', (member, value) => {
    expect(sameZpciFunction(one, { ...one })).toBe(true);
    // The FID is the same in both.
    const changed = { ...one, [member]: member === 'fid' ? 0x57 : value };
    expect(sameZpciFunction(one, changed)).toBe(false);
    expect(sameZpciFunction(one, undefined)).toBe(false);
  });
});
