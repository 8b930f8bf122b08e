import { extendedCapabilityId, capabilityId } from '../pci/capability-ids.ts';
import {
  acsRegister,
  atsRegister,
  msiRegister,
  msixRegister,
  pasidRegister,
  priRegister,
  sriovRegister,
} from '../pci/capability-registers.ts';
import type { Placement } from '../pci/placement.ts';
import { baseAddressesOf } from '../pci/base-addresses.ts';
import { longAt } from '../pci/bytes.ts';
import { baseAddressBit, configOffset } from '../pci/registers.ts';

const vfBaseAddresses = 6;

/**
 * - `fixed`: nobody can write it (HwInit or RO in the PCIe base specification, 7.5 to 7.9), so its value is the
 *   hardware's own whatever happens;
 * - `device`: the device itself writes it (status, logs, pending bits), so that a value proves no restore;
 * - `ordinary`: software writes it.
 */
export type RegisterNature = 'fixed' | 'device' | 'ordinary';

const fixedRegisters = new Set([
  'vendorId',
  'deviceId',
  'revisionId',
  'programmingInterface',
  'class',
  'headerType',
  'capabilityPointer',
  'interruptPin',
  'minimumGrant',
  'maximumLatency',
  'subsystemVendorId',
  'subsystemId',
  'cardBusCis',
  'capabilityHeader',
  'flags',
  'table',
  'pendingBitArray',
  'capacity',
  'initialVfs',
  'totalVfs',
  'functionDependencyLink',
  'firstVfOffset',
  'vfStride',
  'vfDeviceId',
  'supportedPageSizes',
  'migrationStateArray',
  'lower',
  'upper',
]);
const fixedByEnding = /[cC]apabilities\d?$/;
const deviceRegisters =
  /^(?:.*\.)?(?:\w*[sS]tatus\d?|pendingBits|headerLog\d|tlpPrefixLog\d|source|\w+Source|rootPortPioLog\d*)$/;

const fixedFields = new Set([
  'multipleMessageCapable',
  'address64',
  'perVectorMasking',
  'tableSizeMinusOne',
  'barIndex',
  'barCount',
  'supportedLargeSizes',
  'ecrcGenerationCapable',
  'ecrcCheckCapable',
  'multipleHeaderCapable',
  'tlpPrefixLogPresent',
  'completionTimeoutLogCapable',
  'noSoftReset',
]);
const fixedBaseAddressFields = new Set(['ioSpace', 'memoryType', 'prefetchable', 'type']);
const deviceFields = new Set(['firstErrorPointer', 'pmeStatus', 'retrainLink', 'loadArbitrationTable']);
const baseAddress = /^(?:baseAddress|vfBaseAddress|ioBase$|ioLimit$|memoryBase$|memoryLimit$|prefetchable)/;

/** By the names of `core/pci/layouts`. */
export const registerNature = (register: string): RegisterNature => {
  if (fixedRegisters.has(register) || fixedByEnding.test(register)) return 'fixed';
  return deviceRegisters.test(register) ? 'device' : 'ordinary';
};

export const fieldNature = (register: string, field: string): RegisterNature => {
  const whole = registerNature(register);
  if (whole !== 'ordinary') return whole;
  if (fixedFields.has(field)) return 'fixed';
  if (baseAddress.test(register) && fixedBaseAddressFields.has(field)) return 'fixed';
  return deviceFields.has(field) ? 'device' : 'ordinary';
};

/**
 * Offsets of the BARs and VF BARs that hold the upper half of the address before them: what are type bits in the others
 * are address bits there.
 */
export const upperHalves = (
  config: Uint8Array,
  { headerKind, capabilities }: Placement,
): ReadonlySet<number> => {
  const found = new Set(
    baseAddressesOf(config, headerKind).flatMap(({ offset, part }) => (part === 'upper' ? [offset] : [])),
  );
  for (const { base, entry } of capabilities) {
    if (!entry.extended || entry.id !== extendedCapabilityId.singleRootVirtualization) continue;
    for (let index = 1; index < vfBaseAddresses; index += 1) {
      const offset = base + sriovRegister.vfBaseAddress0 + 4 * index;
      const before = offset - 4;
      const type = longAt(config, before) & baseAddressBit.memoryType;
      if (!found.has(before) && type === baseAddressBit.memoryType64) found.add(offset);
    }
  }
  return found;
};

/** Bits that a reset is known to set, without having been seen to. */
export interface ResetRule {
  readonly offset: number;
  readonly mask: number;
}

/**
 * Bits that every reset sets to 0, a function level reset as well: the default values of the PCIe base specification,
 * 7.5.1.1.3 (COMMAND), 7.5.1.1.7 (Cache Line Size, of PCI Express functions), 7.7.1, 7.7.2 (MSI, MSI-X), 7.7.11 (ACS), 7.8.9 (PASID), 10.5 (ATS, PRI), 9.3.3 (SR-IOV).
 */
export const zeroedByReset = ({ capabilities }: Placement): readonly ResetRule[] => [
  { offset: configOffset.command, mask: 0x07ff },
  ...(capabilities.some(({ entry }) => !entry.extended && entry.id === capabilityId.pciExpress)
    ? [{ offset: configOffset.cacheLineSize, mask: 0xff }]
    : []),
  ...capabilities.flatMap(({ base, entry }): ResetRule[] => {
    const at = (offset: number, mask: number): ResetRule[] => [{ offset: base + offset, mask }];
    if (!entry.extended) {
      if (entry.id === capabilityId.msi) return at(msiRegister.control, 0x0071);
      return entry.id === capabilityId.msix ? at(msixRegister.control, 0xc000) : [];
    }
    switch (entry.id) {
      case extendedCapabilityId.accessControlServices:
        return at(acsRegister.control, 0x007f);
      case extendedCapabilityId.processAddressSpaceId:
        return at(pasidRegister.control, 0x0007);
      case extendedCapabilityId.addressTranslationServices:
        return at(atsRegister.control, 0x801f);
      case extendedCapabilityId.pageRequestInterface:
        return at(priRegister.control, 0x0003);
      case extendedCapabilityId.singleRootVirtualization:
        return at(sriovRegister.control, 0x0009);
      default:
        return [];
    }
  }),
];
