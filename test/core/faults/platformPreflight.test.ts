import { describe, expect, it } from 'vitest';
import { platformRefusal, type PlatformTarget } from '../../../src-main/core/faults/platformPreflight.ts';
import {
  encodeErrorReport,
  platformActions,
  platformWords,
} from '../../../src-main/core/zpci/platformActions.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';

const address = addressOf('1234:00:00.0');
/** A function that everything but switching it on may be done to. */
const free: PlatformTarget = {
  address,
  zpci: true,
  present: true,
  use: 'free',
  openInBench: false,
  holders: [],
  canRecover: true,
  canReport: true,
  powered: true,
};
const refused = (change: Partial<PlatformTarget>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    platformActions.flatMap((action) => {
      const refusal = platformRefusal({ ...free, ...change }, action);
      if (refusal !== null) expect(refusal.message).toMatch(/^[^\n]{20,}\.$/);
      return refusal === null ? [] : [[action, refusal.code]];
    }),
  );
const all = (code: string): Readonly<Record<string, string>> =>
  Object.fromEntries(platformActions.map((action) => [action, code]));
const takingAway = (code: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    platformActions.filter((action) => platformWords[action].takesAway).map((action) => [action, code]),
  );

describe('an action of the platform', () => {
  it('is allowed on a function that nobody holds; one that is on is not switched on', () => {
    expect(refused({})).toEqual({ powerOn: 'malformedInput' });
  });

  it('is for s390x alone', () => {
    expect(refused({ zpci: false })).toEqual(all('notSupported'));
  });

  it('switches on what is not there, and does nothing else to it', () => {
    expect(refused({ present: false, powered: false, canRecover: false, canReport: false })).toEqual(
      Object.fromEntries(Object.entries(all('deviceLost')).filter(([action]) => action !== 'powerOn')),
    );
    expect(refused({ present: false, powered: null })['powerOn']).toBe('notSupported');
  });

  it.each([
    ['the bench has it open', { openInBench: true }, 'busy'],
    ['another program has it open', { holders: ['qemu-system-s390 (12)'] }, 'busy'],
    ['the host lives on it', { use: 'rootFilesystem' }, 'preflightRefused'],
  ] as const)('takes nothing away while %s', (_, change, code) => {
    expect(refused(change)).toEqual({ ...takingAway(code), powerOn: 'malformedInput' });
  });

  it('says which of its means a kernel or a machine does not have', () => {
    expect(refused({ canRecover: false })).toMatchObject({
      recover: 'notSupported',
      zpcictlReset: 'notSupported',
    });
    const withoutServiceElement = refused({ canReport: false });
    expect(Object.keys(withoutServiceElement).sort()).toEqual([
      'powerOn',
      'zpcictlDeconfigure',
      'zpcictlReportError',
      'zpcictlReset',
      'zpcictlResetFirmware',
    ]);
    expect(refused({ powered: null })).toEqual({ powerOff: 'notSupported', powerOn: 'notSupported' });
  });
});

describe('a report to the service element', () => {
  it.each([
    ['reset', 0],
    ['deconfigure', 1],
    ['reportError', 2],
  ] as const)(
    'of %s is as zpcictl writes it: version, qualifier, length, time, name of the log',
    (kind, qualifier) => {
      const bytes = encodeErrorReport(kind, 0x6543_2101 + 0.5);
      expect(Buffer.from(bytes.subarray(0, 20)).toString('hex')).toBe(
        `010${qualifier}0fe6` + '0000000065432101' + '0000000000004713',
      );
      // No more than the kernel takes: a page less the header of the SCLP block (drivers/s390/char/sclp_pci.c).
      expect(bytes.length).toBe(4 + 0xfe6);
      expect(bytes.length).toBeLessThanOrEqual(4096 - 22);
      expect(bytes.subarray(20).every((byte) => byte === 0)).toBe(true);
    },
  );
});
