import {
  correctableErrors,
  uncorrectableErrors,
  type AerError,
  type AerSeverity,
} from '../../../src-main/core/pci/aer.ts';
import { longAt } from '../../../src-main/core/pci/bytes.ts';
import { findExtendedCapability } from '../../../src-main/core/pci/capabilities.ts';
import { extendedCapabilityId } from '../../../src-main/core/pci/capability-ids.ts';
import { aerControlBit, aerRegister } from '../../../src-main/core/pci/capability-registers.ts';

export interface AerRow {
  readonly error: AerError;
  readonly set: boolean;
  readonly masked: boolean;
  /** What the severity register makes of it; a correctable error has none to choose. */
  readonly severity: AerSeverity;
  readonly first: boolean;
}

export interface AerTable {
  readonly rows: readonly AerRow[];
  readonly registers: readonly { readonly name: string; readonly value: number }[];
  /** Four double words, the header of the packet of the first error. */
  readonly headerLog: readonly number[];
  /** The header log belongs to an error whose bit is set. */
  readonly headerLogIs: 'empty' | 'current' | 'leftOver';
}

/** What the AER capability of these bytes says, or why it says nothing. */
export const aerTable = (config: Uint8Array): AerTable | 'none' | 'allOnes' => {
  const base = findExtendedCapability(config, extendedCapabilityId.advancedErrorReporting);
  if (base === undefined || base + aerRegister.rootCommand > config.length) {
    return config.length >= 4 && longAt(config, 0) === 0xffff_ffff ? 'allOnes' : 'none';
  }
  const read = (register: number): number => longAt(config, base + register);
  const status = read(aerRegister.uncorrectableStatus);
  const mask = read(aerRegister.uncorrectableMask);
  const severity = read(aerRegister.uncorrectableSeverity);
  const correctableStatus = read(aerRegister.correctableStatus);
  const correctableMask = read(aerRegister.correctableMask);
  const control = read(aerRegister.capabilitiesAndControl);
  if (status === 0xffff_ffff && control === 0xffff_ffff) return 'allOnes';
  // The pointer means something only while the bit that it points to is set (PCIe 7.8.4.7).
  const firstBit = control & aerControlBit.firstErrorPointer;
  const has = (value: number, error: AerError): boolean => (value & error.mask) !== 0;
  const headerLog = [0, 4, 8, 12].map((offset) => read(aerRegister.headerLog + offset));
  return {
    rows: [
      ...uncorrectableErrors.map((error) => ({
        error,
        set: has(status, error),
        masked: has(mask, error),
        severity: has(severity, error) ? ('fatal' as const) : ('nonFatal' as const),
        first: has(status, error) && error.bit === firstBit,
      })),
      ...correctableErrors.map((error) => ({
        error,
        set: has(correctableStatus, error),
        masked: has(correctableMask, error),
        severity: 'correctable' as const,
        first: false,
      })),
    ],
    registers: [
      { name: 'UESta', value: status },
      { name: 'UEMsk', value: mask },
      { name: 'UESvrt', value: severity },
      { name: 'CESta', value: correctableStatus },
      { name: 'CEMsk', value: correctableMask },
      { name: 'AERCap', value: control },
    ],
    headerLog,
    headerLogIs: headerLog.every((word) => word === 0) ? 'empty' : status !== 0 ? 'current' : 'leftOver',
  };
};
