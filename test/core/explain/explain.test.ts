import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errnoNumbers } from '../../../src-main/core/errno.ts';
import { explain } from '../../../src-main/core/explain/explain.ts';
import { nearest } from '../../../src-main/core/explain/nearest.ts';
import { correctableErrors, uncorrectableErrors } from '../../../src-main/core/pci/aer.ts';
import { phases } from '../../../src-main/core/recovery/phase.ts';
import { reasons } from '../../../src-main/core/recovery/reasons.ts';
import { errorCodes } from '../../../src-main/core/result.ts';
import { errorEventCodes } from '../../../src-main/core/zpci/eventCodes.ts';

const titles = (text: string): readonly string[] => {
  const result = explain(text);
  return result.ok ? result.value.map(({ title }) => title) : [];
};

describe('explain', () => {
  it.each([
    ['EAGAIN', 'EAGAIN (11)'],
    ['11', 'EAGAIN (11)'],
    ['-11', 'EAGAIN (11)'],
    ['errno 11', 'EAGAIN (11)'],
    ['ackTooLate', 'ackTooLate (error code)'],
    ['awaitingAck', 'awaitingAck (phase)'],
    ['recovered', 'recovered (outcome)'],
    ['NEED_RESET', 'PCI_ERS_RESULT_NEED_RESET'],
    ['PCI_ERS_RESULT_NEED_RESET', 'PCI_ERS_RESULT_NEED_RESET'],
    ['need reset', 'PCI_ERS_RESULT_NEED_RESET'],
    ['BEGIN_RECOVERY', 'ERROR_EVENT=BEGIN_RECOVERY'],
    ['ERROR_EVENT=FAILED_RECOVERY', 'ERROR_EVENT=FAILED_RECOVERY'],
    ['resetBusy', 'resetBusy: The reset is tried again'],
    ['MALF_TLP', 'MALF_TLP (AER uncorrectable error, bit 18)'],
    ['MalfTLP', 'MALF_TLP (AER uncorrectable error, bit 18)'],
    ['TPROTE', 'PEC 0x4 (TPROTE)'],
    ['PEC 4', 'PEC 0x4 (TPROTE)'],
    ['pec 0x3a', 'PEC 0x3a (SERVAC)'],
    ['PEC TPROTE', 'PEC 0x4 (TPROTE)'],
    ['0x4', 'PEC 0x4 (TPROTE)'],
    ['0x303', 'PEC 0x303'],
    ['exit 3', 'exit code 3'],
    ['exit code 1', 'exit code 1'],
    ['0', 'exit code 0'],
    ['reset EAGAIN', 'EAGAIN (11) from VFIO_DEVICE_RESET'],
    ['hot reset: 22', 'EINVAL (22) from VFIO_DEVICE_PCI_HOT_RESET'],
  ])('takes "%s"', (text, title) => {
    expect(titles(text)[0]).toBe(title);
  });

  it('lists every meaning of an ambiguous word, the likeliest first', () => {
    expect(titles('4')).toEqual(['EINTR (4)', 'PEC 0x4 (TPROTE)']);
    expect(titles('0x4')).toEqual(['PEC 0x4 (TPROTE)', 'EINTR (4)']);
    expect(titles('1').at(0)).toBe('EPERM (1)');
    expect(titles('1')).toEqual(expect.arrayContaining(['PEC 0x1 (INVALAS)', 'exit code 1']));
    expect(titles('deviceLost')).toEqual(['deviceLost (outcome)', 'deviceLost (error code)']);
    expect(titles('RECOVERED')).toEqual(['recovered (outcome)', 'PCI_ERS_RESULT_RECOVERED']);
  });

  it('follows the general meaning of an errno with those of the calls', () => {
    expect(titles('EAGAIN')).toEqual([
      'EAGAIN (11)',
      'EAGAIN (11) from VFIO_DEVICE_RESET',
      'EAGAIN (11) from VFIO_DEVICE_PCI_HOT_RESET',
      'EAGAIN (11) from VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
    ]);
  });

  it('knows every word of the bench, in any case', () => {
    const words = [
      ...Object.keys(errnoNumbers),
      ...phases,
      ...errorCodes,
      ...Object.keys(reasons),
      ...[...uncorrectableErrors, ...correctableErrors].map(({ name }) => name),
      ...errorEventCodes.map(({ name }) => name),
    ];
    for (const word of words) {
      const found = titles(word);
      expect(found.length, word).toBeGreaterThan(0);
      expect(titles(word.toLowerCase())).toEqual(found);
      expect(titles(` ${word.toUpperCase()} `)).toEqual(found);
    }
  });

  it.each([
    ['EGAIN', 'EAGAIN'],
    ['ackTolate', 'ackTooLate'],
    ['awaitngAck', 'awaitingAck'],
    ['MALF_TPL', 'MALF_TLP'],
    ['NEEDRESTE', 'NEED_RESET'],
    ['await', 'awaitingAck'],
  ])('offers near matches for "%s"', (text, match) => {
    const result = explain(text);
    expect(result).toMatchObject({ ok: false, error: { code: 'unknownCode' } });
    if (!result.ok) {
      expect(result.error.message).toContain(match);
      expect(result.error.details?.['nearMatches']).toContain(match);
    }
  });

  it.each(['', '   ', 'qqqqqqqq', '99999', '0x10000', 'PEC 0', 'exit 4', '__proto__', 'constructor'])(
    'says what it takes when "%s" is like nothing',
    (text) => {
      const result = explain(text);
      expect(result).toMatchObject({ ok: false, error: { code: 'unknownCode' } });
      if (!result.ok) expect(result.error.message).toMatch(/\.$/);
    },
  );

  it('answers any text, shortly and quickly', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 40 }), fc.string({ maxLength: 10_000, size: 'max' })),
        (text) => {
          const result = explain(text);
          if (result.ok) expect(result.value.length).toBeGreaterThan(0);
          else expect(result.error.message.length).toBeLessThan(400);
        },
      ),
    );
  });
});

describe('near matches', () => {
  const words = ['EAGAIN', 'EACCES', 'awaitingAck'].map((written) => ({
    key: written.toLowerCase(),
    written,
  }));

  it.each([
    ['eagian', ['EAGAIN']],
    ['egain', ['EAGAIN']],
    ['eaccess', ['EACCES']],
    ['waiting', ['awaitingAck']],
    ['iamawaitingackfromthekernel', ['awaitingAck']],
    ['quiesce', []],
    ['e', []],
    ['a'.repeat(61), []],
  ])('of "%s" are %j', (key, expected) => {
    expect(nearest(key, words)).toEqual(expected);
  });

  it('are at most five, the nearest first', () => {
    const many = ['resets', 'reset', 'presets', 'resetting', 'unreset', 'resetter', 'reseta'];
    const found = nearest(
      'reset',
      many.map((written) => ({ key: written, written })),
    );
    expect(found).toHaveLength(5);
    expect(found[0]).toBe('reset');
  });
});
