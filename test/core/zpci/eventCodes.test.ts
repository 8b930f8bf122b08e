import { describe, expect, it } from 'vitest';
import {
  availabilityEventCodes,
  describeEventCode,
  errorEventCodes,
  formatEventCode,
} from '../../../src-main/core/zpci/eventCodes.ts';

describe('the table of PCI event codes', () => {
  it.each([
    [0x01, 'INVALAS'],
    [0x02, 'OORANGE'],
    [0x03, 'INVALTF'],
    [0x04, 'TPROTE'],
    [0x05, 'APROTE'],
    [0x06, 'KEYE'],
    [0x07, 'INVALTE'],
    [0x08, 'INVALTL'],
    [0x09, 'TT'],
    [0x0a, 'INVALMS'],
    [0x0b, 'SERR'],
    [0x10, 'NOMSI'],
    [0x11, 'INVALBV'],
    [0x12, 'AIBV'],
    [0x13, 'AIRERR'],
    [0x2a, 'FMBA'],
    [0x2b, 'FMBUP'],
    [0x2c, 'FMBPRO'],
    [0x30, 'CCONF'],
    [0x3a, 'SERVAC'],
    [0x3b, 'PERMERR'],
  ])('0x%s has its name in QEMU, %s', (number, name) => {
    expect(describeEventCode(number)).toMatchObject({ kind: 'error', number, name });
  });

  it('says what the kernel does: three ignored, two permanent, a recovery for all others', () => {
    const withDisposition = (disposition: string): readonly number[] =>
      errorEventCodes.filter((code) => code.disposition === disposition).map((code) => code.number);
    expect(withDisposition('ignored')).toEqual([0x2a, 0x2b, 0x2c]);
    expect(withDisposition('permanentFailure')).toEqual([0x3b, 0x40]);
    expect(withDisposition('recoveryAttempt')).toHaveLength(errorEventCodes.length - 5);
  });

  it('keeps availability events apart', () => {
    expect(availabilityEventCodes.map((code) => code.number)).toEqual([
      0x301, 0x302, 0x303, 0x304, 0x306, 0x308,
    ]);
    for (const { number } of availabilityEventCodes) {
      expect(describeEventCode(number)).toMatchObject({ kind: 'availability', number });
    }
  });

  it('has each number and each name once, and a sentence for each', () => {
    const numbers = [...errorEventCodes, ...availabilityEventCodes].map((code) => code.number);
    expect(new Set(numbers).size).toBe(numbers.length);
    const names = errorEventCodes.map((code) => code.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { meaning } of [...errorEventCodes, ...availabilityEventCodes]) {
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    }
  });

  it.each([0, 0x0c, 0x41, 0x305, 0xffff])(
    'has no name for %i, for which the kernel tries a recovery',
    (number) => {
      expect(describeEventCode(number)).toMatchObject({
        kind: 'unnamed',
        number,
        disposition: 'recoveryAttempt',
        meaning: `The event code ${formatEventCode(number)} has no public name.`,
      });
    },
  );
});
