/**
 * Standard capabilities as declarative tables: registers, what software may write, what survives which reset.
 * Offsets: include/uapi/linux/pci_regs.h. Attributes and reset values: PCIe base specification 7.5 to 7.7.
 */
import { capabilityId } from '../../../core/pci/capability-ids.ts';
import {
  deviceCapabilitiesBit,
  msiControlBit,
  msiRegister,
  msixControlBit,
  msixRegister,
  pciExpressFlagsBit,
  pciExpressRegister,
  portType,
  powerManagementControlBit,
  powerManagementRegister,
} from '../../../core/pci/capability-registers.ts';
import type { CapabilitySpec, RegisterSpec } from './configSpaceLayout.ts';

export const powerManagement = (options: { noSoftReset: boolean }): CapabilitySpec => ({
  space: 'standard',
  id: capabilityId.powerManagement,
  size: 8,
  registers: [
    { offset: powerManagementRegister.capabilities, width: 2, reset: 0x0003 },
    {
      offset: powerManagementRegister.control,
      width: 2,
      reset: options.noSoftReset ? powerManagementControlBit.noSoftReset : 0,
      writable: powerManagementControlBit.powerState | powerManagementControlBit.pmeEnable,
    },
  ],
});

/** MSI with 64-bit address and per-vector masking. `vectors` is a power of two up to 32. */
export const msi = (options: { vectors: number }): CapabilitySpec => ({
  space: 'standard',
  id: capabilityId.msi,
  size: 0x18,
  registers: [
    {
      offset: msiRegister.control,
      width: 2,
      reset: msiControlBit.address64 | msiControlBit.perVectorMasking | (Math.log2(options.vectors) << 1),
      writable: msiControlBit.enable | msiControlBit.multipleMessageEnable,
    },
    { offset: msiRegister.addressLower, width: 4, writable: 0xffff_fffc },
    { offset: 0x08, width: 4, writable: 0xffff_ffff },
    { offset: 0x0c, width: 2, writable: 0xffff },
    { offset: 0x10, width: 4, writable: 2 ** options.vectors - 1 },
  ],
});

export interface MsixLocation {
  readonly vectors: number;
  readonly bar: number;
  readonly tableOffset: number;
  readonly pendingOffset: number;
}

export const msix = (location: MsixLocation): CapabilitySpec => ({
  space: 'standard',
  id: capabilityId.msix,
  size: 12,
  registers: [
    {
      offset: msixRegister.control,
      width: 2,
      reset: location.vectors - 1,
      writable: msixControlBit.enable | msixControlBit.functionMask,
    },
    { offset: msixRegister.table, width: 4, reset: location.tableOffset | location.bar },
    { offset: msixRegister.pendingBits, width: 4, reset: location.pendingOffset | location.bar },
  ],
});

/** A vendor-specific capability that only tells where something is, as virtio's do (virtio 1.2, 4.1.4). */
export const vendorSpecific = (bytes: readonly number[]): CapabilitySpec => ({
  space: 'standard',
  id: capabilityId.vendorSpecific,
  size: 2 + bytes.length,
  registers: bytes.map((reset, index) => ({ offset: 2 + index, width: 1, reset })),
});

/** PCI_X_CMD (pci_regs.h); the core's register tables end where PCI Express begins. */
export const pcixRegister = { command: 0x02, status: 0x04 } as const;

export const pcix = (): CapabilitySpec => ({
  space: 'standard',
  id: capabilityId.pciX,
  size: 8,
  registers: [
    { offset: pcixRegister.command, width: 2, reset: 0x0022, writable: 0x007f },
    { offset: pcixRegister.status, width: 4, reset: 0x0103_0000 },
  ],
});

export type ExpressPort = 'endpoint' | 'rootPort' | 'upstreamPort' | 'downstreamPort';

/** The link registers as they are after power on: 8 GT/s unless said otherwise. */
export interface ExpressLink {
  readonly capabilities: number;
  readonly status: number;
  readonly capabilities2: number;
  readonly control2: number;
}

const usualLink: ExpressLink = {
  capabilities: 0x0010_0c13,
  status: 0x2013,
  capabilities2: 0x0000_000e,
  control2: 0x0003,
};

/** Extended Fmt Field and End-End TLP Prefix Supported; QEMU's endpoints have both. */
const prefixes = 0x30_0000;

/**
 * PCI Express capability, version 2. What a function level reset leaves alone (PCIe 6.6.2): the maximum payload in
 * Device Control, and in Link Control what belongs to the link rather than to the function.
 */
export const pciExpress = (options: {
  port: ExpressPort;
  functionLevelReset: boolean;
  latencyTolerance?: boolean;
  endToEndPrefix?: boolean;
  /** As Device Capabilities codes it: 128 bytes shifted left by this. */
  maximumPayload?: number;
  link?: ExpressLink;
}): CapabilitySpec => {
  const { port, link = usualLink, maximumPayload = 1 } = options;
  const hasSlot = port === 'rootPort' || port === 'downstreamPort';
  const registers: RegisterSpec[] = [
    {
      offset: pciExpressRegister.flags,
      width: 2,
      reset: 0x0002 | (portType[port] << 4) | (hasSlot ? pciExpressFlagsBit.slotImplemented : 0),
    },
    {
      offset: pciExpressRegister.deviceCapabilities,
      width: 4,
      reset:
        maximumPayload |
        deviceCapabilitiesBit.roleBasedErrorReporting |
        (options.functionLevelReset ? deviceCapabilitiesBit.functionLevelReset : 0),
    },
    // The reset value is 0 as QEMU has it and as it was measured; the specification would start with 0x2810.
    {
      offset: pciExpressRegister.deviceControl,
      width: 2,
      writable: 0x7fff,
      keptByFunctionLevelReset: 0x00e0,
    },
    { offset: pciExpressRegister.deviceStatus, width: 2, writeOneToClear: 0x000f },
    { offset: pciExpressRegister.linkCapabilities, width: 4, reset: link.capabilities },
    { offset: pciExpressRegister.linkControl, width: 2, writable: 0x07db, keptByFunctionLevelReset: 0x03cb },
    { offset: pciExpressRegister.linkStatus, width: 2, reset: link.status },
    {
      offset: pciExpressRegister.deviceCapabilities2,
      width: 4,
      reset:
        (options.latencyTolerance === true ? 0x0800 : 0) | (options.endToEndPrefix === true ? prefixes : 0),
    },
    {
      offset: pciExpressRegister.deviceControl2,
      width: 2,
      writable: 0x03ff | (options.latencyTolerance === true ? 0x0400 : 0),
    },
    { offset: pciExpressRegister.linkCapabilities2, width: 4, reset: link.capabilities2 },
    // RWS (PCIe 7.5.3.19): the target speed survives a reset.
    {
      offset: pciExpressRegister.linkControl2,
      width: 2,
      reset: link.control2,
      writable: 0xffff,
      sticky: 0xffff,
    },
  ];
  if (hasSlot) {
    registers.push(
      { offset: pciExpressRegister.slotCapabilities, width: 4, reset: 0x0004_0060 },
      { offset: pciExpressRegister.slotControl, width: 2, reset: 0x03c0, writable: 0x1fff },
      { offset: pciExpressRegister.slotStatus, width: 2, reset: 0x0040, writeOneToClear: 0x011f },
      { offset: pciExpressRegister.slotControl2, width: 2 },
    );
  }
  if (port === 'rootPort')
    registers.push({ offset: pciExpressRegister.rootControl, width: 2, writable: 0x001f });
  return { space: 'standard', id: capabilityId.pciExpress, size: 0x3c, registers };
};
