import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  correctableErrors,
  decodeCorrectable,
  decodeUncorrectable,
  defaultSeverityMask,
  findAerError,
  uncorrectableErrors,
} from '../../../src-main/core/pci/aer.ts';

const all = [...uncorrectableErrors, ...correctableErrors];

describe('the AER errors', () => {
  it('has the names and bits of QEMU (hw/pci/pcie_aer.c) and of pci_regs.h', () => {
    const known = (errors: typeof all) =>
      Object.fromEntries(errors.filter((one) => one.knownToQemu).map((one) => [one.name, one.mask]));
    expect(known([...uncorrectableErrors])).toEqual({
      TRAIN: 0x0000_0001,
      DLP: 0x0000_0010,
      SDN: 0x0000_0020,
      POISON_TLP: 0x0000_1000,
      FCP: 0x0000_2000,
      COMP_TIME: 0x0000_4000,
      COMP_ABORT: 0x0000_8000,
      UNX_COMP: 0x0001_0000,
      RX_OVER: 0x0002_0000,
      MALF_TLP: 0x0004_0000,
      ECRC: 0x0008_0000,
      UNSUP: 0x0010_0000,
      ACSV: 0x0020_0000,
      INTN: 0x0040_0000,
      MCBTLP: 0x0080_0000,
      ATOP_EBLOCKED: 0x0100_0000,
      TLP_PRF_BLOCKED: 0x0200_0000,
    });
    expect(known([...correctableErrors])).toEqual({
      RCVR: 0x0001,
      BAD_TLP: 0x0040,
      BAD_DLLP: 0x0080,
      REP_ROLL: 0x0100,
      REP_TIMER: 0x1000,
      ADV_NONFATAL: 0x2000,
      INTERNAL: 0x4000,
      HL_OVERFLOW: 0x8000,
    });
  });

  it('is fatal by default where QEMU and the specification say so', () => {
    const fatal = uncorrectableErrors.filter((one) => one.knownToQemu && one.defaultSeverity === 'fatal');
    expect(fatal.map((one) => one.name)).toEqual(['DLP', 'SDN', 'FCP', 'RX_OVER', 'MALF_TLP', 'INTN']);
    // The bits below 26: PCI_ERR_UNC_SEVERITY_DEFAULT of QEMU's include/hw/pci/pcie_regs.h.
    expect(defaultSeverityMask & 0x03ff_ffff).toBe(0x0046_2030);
  });

  it('finds each error by each of its names, in any case', () => {
    for (const error of all) {
      for (const name of [error.name, error.kernelName, error.lspciName ?? error.name]) {
        expect(findAerError(name), name).toBe(error);
        expect(findAerError(` ${name.toLowerCase()} `), name).toBe(error);
      }
    }
    expect(findAerError('TIMEOUT')?.name).toBe('REP_TIMER');
    expect(findAerError('SDES')?.name).toBe('SDN');
    for (const name of ['', 'nonsense', 'constructor', '__proto__'])
      expect(findAerError(name)).toBeUndefined();
  });
});

describe('decoding a status register', () => {
  it('takes the severity from the severity register, not from the default', () => {
    const names = (severity: number) =>
      decodeUncorrectable(0x0014_0000, severity).map((one) => [one.name, one.severity]);
    expect(names(0x0046_2030)).toEqual([
      ['MALF_TLP', 'fatal'],
      ['UNSUP', 'nonFatal'],
    ]);
    expect(names(0x0010_0000)).toEqual([
      ['MALF_TLP', 'nonFatal'],
      ['UNSUP', 'fatal'],
    ]);
  });

  it('knows the top bit, and names a reserved one', () => {
    expect(decodeUncorrectable(0x8000_0002, 0x8000_0000)).toMatchObject([
      { bit: 1, name: 'reserved bit 1', severity: 'nonFatal' },
      { bit: 31, name: 'TLP_XLAT_BLOCKED', severity: 'fatal' },
    ]);
    expect(decodeCorrectable(0x0001_2000)).toMatchObject([
      { bit: 13, name: 'ADV_NONFATAL', severity: 'correctable' },
      { bit: 16, name: 'reserved bit 16', severity: 'correctable' },
    ]);
  });

  it('finds as many errors as bits are set', () => {
    const register = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(register, register, (status, severity) => {
        const found = decodeUncorrectable(status, severity);
        expect(found.reduce((sum, one) => sum + 2 ** one.bit, 0)).toBe(status);
        const fatal = found.filter((one) => one.severity === 'fatal');
        expect(fatal.reduce((sum, one) => sum + 2 ** one.bit, 0)).toBe((status & severity) >>> 0);
        expect(decodeCorrectable(status).reduce((sum, one) => sum + 2 ** one.bit, 0)).toBe(status);
      }),
    );
  });
});
