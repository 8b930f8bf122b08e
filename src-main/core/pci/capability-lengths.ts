import { byteAt, longAt, wordAt } from './bytes.ts';
import { capabilityId, extendedCapabilityId } from './capability-ids.ts';
import { aerControlBit, aerRegister, msiControlBit, portType } from './capability-registers.ts';

/**
 * How many bytes a capability takes, its header included; `undefined` where only the next capability can tell.
 * Lengths: the structures of the PCIe base specification 7.5 to 7.9, as in vfio_cap_len() and vfio_ext_cap_len() of
 * drivers/vfio/pci/vfio_pci_config.c, but with the registers of ports, which VFIO never shows.
 */
export const capabilityLength = (config: Uint8Array, id: number, offset: number): number | undefined => {
  switch (id) {
    case capabilityId.powerManagement:
      return 8;
    case capabilityId.vitalProductData:
      return 8;
    case capabilityId.slotIdentification:
      return 4;
    case capabilityId.msi: {
      const control = wordAt(config, offset + 2);
      const address = (control & msiControlBit.address64) === 0 ? 10 : 14;
      return (control & msiControlBit.perVectorMasking) === 0 ? address : address + 10;
    }
    case capabilityId.bridgeSubsystemId:
      return 8;
    case capabilityId.pciExpress:
      return pciExpressLength(wordAt(config, offset + 2));
    case capabilityId.msix:
      return 12;
    case capabilityId.advancedFeatures:
      return 6;
    case capabilityId.vendorSpecific:
      // The byte after the link is the length by specification (PCI 3.0 6.8.2); zero is seen in the wild.
      return byteAt(config, offset + 2) >= 3 ? byteAt(config, offset + 2) : undefined;
    default:
      return undefined;
  }
};

/** Version 1 ends where the port type lets it end; version 2 has all registers (PCIe 7.5.3). */
const pciExpressLength = (flags: number): number => {
  if ((flags & 0xf) >= 2) return 0x3c;
  switch ((flags & 0xf0) >>> 4) {
    case portType.rootPort:
    case portType.eventCollector:
      return 0x24;
    case portType.downstreamPort:
      return (flags & 0x100) === 0 ? 0x14 : 0x1c;
    case portType.integratedEndpoint:
      return 0x0c;
    default:
      return 0x14;
  }
};

/** `port` is the port type of the PCI Express capability: only root ports have the root registers of AER. */
export const extendedCapabilityLength = (
  config: Uint8Array,
  id: number,
  offset: number,
  port: number | undefined,
): number | undefined => {
  switch (id) {
    case extendedCapabilityId.advancedErrorReporting:
      return aerLength(longAt(config, offset + aerRegister.capabilitiesAndControl), port);
    case extendedCapabilityId.virtualChannel:
    case extendedCapabilityId.virtualChannelWithMfvc:
    case extendedCapabilityId.multiFunctionVirtualChannel:
      return 0x10 + 0x0c * (1 + (longAt(config, offset + 4) & 7));
    case extendedCapabilityId.deviceSerialNumber:
      return 0x0c;
    case extendedCapabilityId.powerBudgeting:
      return 0x10;
    case extendedCapabilityId.accessControlServices: {
      const capabilities = wordAt(config, offset + 4);
      // An egress vector of 0 bits means 256 (PCIe 7.7.11.2).
      const bits = (capabilities & 0x20) === 0 ? 0 : capabilities >>> 8 || 256;
      return 8 + 4 * Math.ceil(bits / 32);
    }
    case extendedCapabilityId.alternativeRoutingId:
    case extendedCapabilityId.addressTranslationServices:
    case extendedCapabilityId.processAddressSpaceId:
    case extendedCapabilityId.latencyToleranceReporting:
      return 8;
    case extendedCapabilityId.pageRequestInterface:
      return 0x10;
    case extendedCapabilityId.singleRootVirtualization:
      return 0x40;
    case extendedCapabilityId.resizableBar:
    case extendedCapabilityId.virtualFunctionResizableBar:
      return 4 + 8 * resizableBarCount(longAt(config, offset + 8));
    case extendedCapabilityId.tphRequester:
      return 0x0c + 2 * steeringTableSize(longAt(config, offset + 4));
    case extendedCapabilityId.secondaryPciExpress:
      return 0x0c;
    case extendedCapabilityId.downstreamPortContainment:
      return dpcLength(wordAt(config, offset + 4));
    case extendedCapabilityId.l1PowerManagementSubstates:
      return 0x10;
    case extendedCapabilityId.precisionTimeMeasurement:
      return 0x0c;
    case extendedCapabilityId.dataLinkFeature:
      return 0x0c;
    case extendedCapabilityId.vendorSpecific:
    case extendedCapabilityId.designatedVendorSpecific: {
      const length = longAt(config, offset + 4) >>> 20;
      return length >= 8 ? length : undefined;
    }
    default:
      return undefined;
  }
};

const aerLength = (capabilities: number, port: number | undefined): number => {
  if ((capabilities & aerControlBit.tlpPrefixLogPresent) !== 0) return 0x48;
  return port === portType.rootPort || port === portType.eventCollector ? 0x38 : 0x2c;
};

/** 1 to 6 (PCIe 7.8.6.3); a value out of range still yields as many entries as a decode may show. */
export const resizableBarCount = (firstControl: number): number =>
  Math.min(Math.max((firstControl >>> 5) & 7, 1), 6);

/** Entries of the steering tag table that lies in the capability itself; 0 when it is elsewhere (PCIe 7.9.13.2). */
export const steeringTableSize = (tphCapabilities: number): number =>
  ((tphCapabilities >>> 9) & 3) === 1 ? ((tphCapabilities >>> 16) & 0x7ff) + 1 : 0;

/** Without root port extensions the capability ends with the source id; else the PIO log size is in dwords. */
const dpcLength = (capabilities: number): number =>
  (capabilities & 0x20) === 0 ? 0x0c : 0x20 + 4 * ((capabilities >>> 8) & 0xf);
