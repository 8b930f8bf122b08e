/**
 * Offsets and bits of the configuration header (include/uapi/linux/pci_regs.h; PCIe base specification 7.5.1).
 * Capability ids are in capability-ids.ts, registers inside capabilities in capability-registers.ts.
 */

/** Bytes of configuration space: the header, a conventional function, a PCI Express or PCI-X 2.0 function. */
export const configSize = { header: 64, conventional: 256, extended: 4096 } as const;

/** Where the extended capability list starts. */
export const firstExtendedCapability = 0x100;

/** Both header types. */
export const configOffset = {
  vendorId: 0x00,
  deviceId: 0x02,
  command: 0x04,
  status: 0x06,
  revisionId: 0x08,
  programmingInterface: 0x09,
  subClass: 0x0a,
  baseClass: 0x0b,
  cacheLineSize: 0x0c,
  latencyTimer: 0x0d,
  headerType: 0x0e,
  bist: 0x0f,
  baseAddress0: 0x10,
  baseAddress1: 0x14,
  baseAddress2: 0x18,
  baseAddress3: 0x1c,
  baseAddress4: 0x20,
  baseAddress5: 0x24,
  cardBusCis: 0x28,
  subsystemVendorId: 0x2c,
  subsystemId: 0x2e,
  expansionRom: 0x30,
  capabilityPointer: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
  minimumGrant: 0x3e,
  maximumLatency: 0x3f,
} as const;

/** Type 1 header only (PCI-to-PCI bridges, PCI Express ports). */
export const bridgeOffset = {
  primaryBus: 0x18,
  secondaryBus: 0x19,
  subordinateBus: 0x1a,
  secondaryLatencyTimer: 0x1b,
  ioBase: 0x1c,
  ioLimit: 0x1d,
  secondaryStatus: 0x1e,
  memoryBase: 0x20,
  memoryLimit: 0x22,
  prefetchableBase: 0x24,
  prefetchableLimit: 0x26,
  prefetchableBaseUpper: 0x28,
  prefetchableLimitUpper: 0x2c,
  ioBaseUpper: 0x30,
  ioLimitUpper: 0x32,
  expansionRom: 0x38,
  bridgeControl: 0x3e,
} as const;

export const commandBit = {
  ioSpace: 0x0001,
  memorySpace: 0x0002,
  busMaster: 0x0004,
  specialCycles: 0x0008,
  memoryWriteInvalidate: 0x0010,
  vgaPaletteSnoop: 0x0020,
  parityErrorResponse: 0x0040,
  stepping: 0x0080,
  serr: 0x0100,
  fastBackToBack: 0x0200,
  intxDisable: 0x0400,
} as const;

export const statusBit = {
  immediateReadiness: 0x0001,
  interruptPending: 0x0008,
  capabilityList: 0x0010,
  sixtySixMegahertz: 0x0020,
  userDefinableFeatures: 0x0040,
  fastBackToBack: 0x0080,
  masterDataParityError: 0x0100,
  deviceSelectTiming: 0x0600,
  signalledTargetAbort: 0x0800,
  receivedTargetAbort: 0x1000,
  receivedMasterAbort: 0x2000,
  signalledSystemError: 0x4000,
  detectedParityError: 0x8000,
} as const;

export const headerTypeMask = 0x7f;
export const multiFunctionBit = 0x80;
export const headerTypeOf = { endpoint: 0, bridge: 1, cardBus: 2 } as const;

export const baseAddressBit = {
  ioSpace: 0x1,
  memoryType: 0x6,
  memoryType64: 0x4,
  prefetchable: 0x8,
  memoryAddress: 0xffff_fff0,
  ioAddress: 0xffff_fffc,
} as const;
export const expansionRomBit = { enable: 0x1, address: 0xffff_f800 } as const;

export const bridgeControlBit = {
  parityErrorResponse: 0x0001,
  serr: 0x0002,
  isaMode: 0x0004,
  vgaForwarding: 0x0008,
  vga16BitDecode: 0x0010,
  masterAbortMode: 0x0020,
  secondaryBusReset: 0x0040,
  fastBackToBack: 0x0080,
  primaryDiscardTimer: 0x0100,
  secondaryDiscardTimer: 0x0200,
  discardTimerStatus: 0x0400,
  discardTimerSerr: 0x0800,
} as const;
