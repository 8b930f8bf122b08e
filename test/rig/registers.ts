import { longAt } from '../../src-main/core/pci/bytes.ts';
import { walkCapabilities } from '../../src-main/core/pci/capabilities.ts';
import { aerControlBit, aerRegister } from '../../src-main/core/pci/capability-registers.ts';
import { extendedCapabilityId } from '../../src-main/core/pci/capability-ids.ts';
import { diffConfigSpaces, type RegisterChange } from '../../src-main/core/pci/diff.ts';

/** `before` of a change is the model's value, `after` the real one. */
interface Exception {
  readonly register: RegExp;
  /** Only in readings of this moment. */
  readonly moment?: RegExp;
  readonly because: string;
  readonly holds: (change: RegisterChange, simulated: Uint8Array, real: Uint8Array) => boolean;
}

/** Bits of a BAR that are no address (PCI 3.0, 6.2.5.1). */
const barTypeBits = 0xf;

const uncorrectableStatus = (config: Uint8Array): number => {
  const { advancedErrorReporting: id } = extendedCapabilityId;
  const aer = walkCapabilities(config).capabilities.find((entry) => entry.extended && entry.id === id);
  return aer === undefined ? 0 : longAt(config, aer.offset + aerRegister.uncorrectableStatus);
};

/** PCI 3.0, 6.2.3. */
const interruptStatusBit = 0x8;

/** What a model and a machine cannot agree upon, each with the reason. */
const exceptions: readonly Exception[] = [
  {
    register: /^Header\/baseAddress[0-4]$/,
    because: 'Firmware puts BARs where it likes; that they lie somewhere, or nowhere, is the same.',
    holds: ({ before, after }) =>
      (before & barTypeBits) === (after & barTypeBits) &&
      (before & ~barTypeBits) !== 0 &&
      (after & ~barTypeBits) !== 0,
  },
  {
    register: /^Header\/baseAddress5$/,
    because: 'The upper half of BAR 4, which SeaBIOS puts below 4 GiB and the model above.',
    holds: ({ before, after }) => before !== 0 && after === 0,
  },
  {
    register: /^PCI Express\/linkCapabilities$/,
    because:
      'QEMU stores Device Status as four bytes when it injects an error, and wipes two of this register (hw/pci/pcie_aer.c).',
    holds: ({ before, after }) => (before & 0xffff_0000) === after,
  },
  {
    register: /^Advanced Error Reporting\/capabilitiesAndControl$/,
    because:
      'The First Error Pointer keeps an earlier error while none stands (PCIe 6.2.4.2); of several QEMU points at the newest, even when it is cleared.',
    holds: ({ before, after }, simulated, real) =>
      ((before ^ after) & ~aerControlBit.firstErrorPointer) === 0 &&
      uncorrectableStatus(simulated) === uncorrectableStatus(real),
  },
  {
    register: /^Header\/status$/,
    because: 'The model has no INTx, which a device raises that works with MSI-X off.',
    holds: ({ before, after }) => (before ^ after) === interruptStatusBit,
  },
  {
    register: /^PCI Express\/deviceStatus$/,
    moment: / (beforeFault|look) /,
    because: 'No reset of QEMU clears Device Status (hw/pci/pcie.c, pcie_cap_deverr_reset); the model’s do.',
    holds: ({ before, after }) => before === 0 && after !== 0,
  },
  {
    register: /^(Advanced Error Reporting\/uncorrectableStatus|PCI Express\/deviceStatus)$/,
    moment: / (afterReset|afterStep: .+|end) /,
    because: 'The kernel clears them at the end of its recovery, and the bench reads meanwhile.',
    holds: ({ before, after }) => before === 0 || after === 0,
  },
];

const hex = (value: number): string => `0x${value.toString(16)}`;

/** What differs between the model's registers and the real ones in a reading, as sentences. */
export const differences = (reading: string, simulated: Uint8Array, real: Uint8Array): readonly string[] => {
  if (simulated.length !== real.length) {
    return [`${reading}: ${simulated.length} bytes in the model and ${real.length} in reality`];
  }
  const isExcepted = (change: RegisterChange): boolean =>
    exceptions.some(
      ({ register, moment, holds }) =>
        register.test(`${change.owner}/${change.name}`) &&
        (moment?.test(reading) ?? true) &&
        holds(change, simulated, real),
    );
  return diffConfigSpaces(simulated, real)
    .filter((change) => !isExcepted(change))
    .map(
      ({ owner, name, offset, before, after }) =>
        `${reading}: ${owner}/${name} at ${hex(offset)} is ${hex(before)} in the model and ${hex(after)} in reality`,
    );
};
