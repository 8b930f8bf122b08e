/**
 * Registers inside capabilities: offsets from the start of the capability, and the bits that programs write or test.
 * include/uapi/linux/pci_regs.h unless said otherwise. The full description of every field, for showing, is in
 * layouts/.
 */

/** PCI_PM_* */
export const powerManagementRegister = {
  capabilities: 0x02,
  control: 0x04,
  bridgeExtensions: 0x06,
  data: 0x07,
} as const;
export const powerManagementControlBit = {
  powerState: 0x0003,
  noSoftReset: 0x0008,
  pmeEnable: 0x0100,
  pmeStatus: 0x8000,
} as const;

/** PCI_MSI_*: what follows the lower address depends on `address64` and `perVectorMasking`. */
export const msiRegister = { control: 0x02, addressLower: 0x04 } as const;
export const msiControlBit = {
  enable: 0x0001,
  multipleMessageCapable: 0x000e,
  multipleMessageEnable: 0x0070,
  address64: 0x0080,
  perVectorMasking: 0x0100,
} as const;

/** PCI_MSIX_* */
export const msixRegister = { control: 0x02, table: 0x04, pendingBits: 0x08 } as const;
export const msixControlBit = { tableSizeMinusOne: 0x07ff, functionMask: 0x4000, enable: 0x8000 } as const;
export const msixLocationBit = { bar: 0x0000_0007, offset: 0xffff_fff8 } as const;
export const msixEntrySize = 16;

/** PCI_EXP_*: from `deviceCapabilities2` on only in version 2 and later. */
export const pciExpressRegister = {
  flags: 0x02,
  deviceCapabilities: 0x04,
  deviceControl: 0x08,
  deviceStatus: 0x0a,
  linkCapabilities: 0x0c,
  linkControl: 0x10,
  linkStatus: 0x12,
  slotCapabilities: 0x14,
  slotControl: 0x18,
  slotStatus: 0x1a,
  rootControl: 0x1c,
  rootCapabilities: 0x1e,
  rootStatus: 0x20,
  deviceCapabilities2: 0x24,
  deviceControl2: 0x28,
  deviceStatus2: 0x2a,
  linkCapabilities2: 0x2c,
  linkControl2: 0x30,
  linkStatus2: 0x32,
  slotCapabilities2: 0x34,
  slotControl2: 0x38,
  slotStatus2: 0x3a,
} as const;
export const pciExpressFlagsBit = {
  version: 0x000f,
  portType: 0x00f0,
  slotImplemented: 0x0100,
  interruptMessage: 0x3e00,
} as const;
/** The value of `pciExpressFlagsBit.portType`, shifted down. */
export const portType = {
  endpoint: 0x0,
  legacyEndpoint: 0x1,
  rootPort: 0x4,
  upstreamPort: 0x5,
  downstreamPort: 0x6,
  pciBridge: 0x7,
  pcieBridge: 0x8,
  integratedEndpoint: 0x9,
  eventCollector: 0xa,
} as const;
export const deviceCapabilitiesBit = {
  maximumPayload: 0x0000_0007,
  extendedTag: 0x0000_0020,
  roleBasedErrorReporting: 0x0000_8000,
  functionLevelReset: 0x1000_0000,
} as const;
export const deviceControlBit = {
  correctableReporting: 0x0001,
  nonFatalReporting: 0x0002,
  fatalReporting: 0x0004,
  unsupportedRequestReporting: 0x0008,
  /** The four reporting bits, which a reset clears and without which no error is ever told. */
  allErrorReporting: 0x000f,
  relaxedOrdering: 0x0010,
  maximumPayload: 0x00e0,
  extendedTag: 0x0100,
  phantomFunctions: 0x0200,
  auxiliaryPower: 0x0400,
  noSnoop: 0x0800,
  maximumReadRequest: 0x7000,
  /** Endpoints: initiate a function level reset. PCIe-to-PCI bridges: configuration retry. */
  functionLevelReset: 0x8000,
} as const;
export const deviceStatusBit = {
  correctableDetected: 0x0001,
  nonFatalDetected: 0x0002,
  fatalDetected: 0x0004,
  unsupportedRequestDetected: 0x0008,
  auxiliaryPower: 0x0010,
  transactionsPending: 0x0020,
} as const;
export const linkControlBit = {
  aspm: 0x0003,
  linkDisable: 0x0010,
  retrainLink: 0x0020,
  commonClock: 0x0040,
} as const;
export const linkStatusBit = {
  currentSpeed: 0x000f,
  negotiatedWidth: 0x03f0,
  training: 0x0800,
  dataLinkActive: 0x2000,
} as const;

/** PCI_ERR_*: from `rootCommand` on only in root ports and event collectors. */
export const aerRegister = {
  uncorrectableStatus: 0x04,
  uncorrectableMask: 0x08,
  uncorrectableSeverity: 0x0c,
  correctableStatus: 0x10,
  correctableMask: 0x14,
  capabilitiesAndControl: 0x18,
  headerLog: 0x1c,
  rootCommand: 0x2c,
  rootStatus: 0x30,
  /** Requester id of the last correctable error (16 bits). */
  correctableSource: 0x34,
  /** Requester id of the last uncorrectable error (16 bits). */
  uncorrectableSource: 0x36,
  /** End-End TLP prefixes (PCIe 7.8.4.12): the space is always there after the root registers. */
  tlpPrefixLog: 0x38,
} as const;
export const aerControlBit = {
  firstErrorPointer: 0x0000_001f,
  ecrcGenerationCapable: 0x0000_0020,
  ecrcGenerationEnable: 0x0000_0040,
  ecrcCheckCapable: 0x0000_0080,
  ecrcCheckEnable: 0x0000_0100,
  multipleHeaderCapable: 0x0000_0200,
  multipleHeaderEnable: 0x0000_0400,
  tlpPrefixLogPresent: 0x0000_0800,
} as const;
export const aerRootCommandBit = { correctableEnable: 0x1, nonFatalEnable: 0x2, fatalEnable: 0x4 } as const;
export const aerRootStatusBit = {
  correctableReceived: 0x0000_0001,
  multipleCorrectableReceived: 0x0000_0002,
  uncorrectableReceived: 0x0000_0004,
  multipleUncorrectableReceived: 0x0000_0008,
  firstUncorrectableFatal: 0x0000_0010,
  nonFatalReceived: 0x0000_0020,
  fatalReceived: 0x0000_0040,
  interruptMessage: 0xf800_0000,
} as const;

export const acsRegister = { capabilities: 0x04, control: 0x06, egressVector: 0x08 } as const;
export const ariRegister = { capabilities: 0x04, control: 0x06 } as const;
export const atsRegister = { capabilities: 0x04, control: 0x06 } as const;
export const atsControlBit = { smallestTranslationUnit: 0x001f, enable: 0x8000 } as const;
export const priRegister = { control: 0x04, status: 0x06, capacity: 0x08, allocation: 0x0c } as const;
export const priControlBit = { enable: 0x0001, reset: 0x0002 } as const;
export const pasidRegister = { capabilities: 0x04, control: 0x06 } as const;
export const pasidControlBit = { enable: 0x0001, executePermission: 0x0002, privilegedMode: 0x0004 } as const;

/** PCI_SRIOV_* */
export const sriovRegister = {
  capabilities: 0x04,
  control: 0x08,
  status: 0x0a,
  initialVfs: 0x0c,
  totalVfs: 0x0e,
  numVfs: 0x10,
  functionDependencyLink: 0x12,
  firstVfOffset: 0x14,
  vfStride: 0x16,
  vfDeviceId: 0x1a,
  supportedPageSizes: 0x1c,
  systemPageSize: 0x20,
  vfBaseAddress0: 0x24,
  migrationStateArray: 0x3c,
} as const;
export const sriovControlBit = {
  vfEnable: 0x0001,
  migrationEnable: 0x0002,
  migrationInterrupt: 0x0004,
  vfMemorySpace: 0x0008,
  ariHierarchy: 0x0010,
} as const;

/** PCI_REBAR_*: the two registers repeat every 8 bytes, as often as the first control register says. */
export const resizableBarRegister = { capabilities: 0x04, control: 0x08, entrySize: 0x08 } as const;
export const resizableBarControlBit = { barIndex: 0x0007, entryCount: 0x00e0, barSize: 0x3f00 } as const;

/** PCI_EXP_DPC_*: from `rootPortPioStatus` on only with root port extensions. */
export const dpcRegister = {
  capabilities: 0x04,
  control: 0x06,
  status: 0x08,
  source: 0x0a,
  rootPortPioStatus: 0x0c,
  rootPortPioMask: 0x10,
  rootPortPioSeverity: 0x14,
  rootPortPioSystemError: 0x18,
  rootPortPioException: 0x1c,
  rootPortPioHeaderLog: 0x20,
} as const;
export const dpcControlBit = {
  triggerFatal: 0x1,
  triggerNonFatalAndFatal: 0x2,
  interruptEnable: 0x8,
} as const;
export const dpcStatusBit = {
  triggered: 0x0001,
  reason: 0x0006,
  interrupt: 0x0008,
  rootPortBusy: 0x0010,
} as const;

export const virtualChannelRegister = {
  portCapabilities1: 0x04,
  portCapabilities2: 0x08,
  portControl: 0x0c,
  portStatus: 0x0e,
  resourceCapabilities: 0x10,
  resourceControl: 0x14,
  resourceStatus: 0x1a,
  resourceSize: 0x0c,
} as const;
export const ptmRegister = { capabilities: 0x04, control: 0x08 } as const;
export const ptmControlBit = { enable: 0x1, rootSelect: 0x2 } as const;
export const tphRegister = { capabilities: 0x04, control: 0x08, steeringTable: 0x0c } as const;
export const ltrRegister = { maximumSnoop: 0x04, maximumNoSnoop: 0x06 } as const;
export const l1SubstatesRegister = { capabilities: 0x04, control1: 0x08, control2: 0x0c } as const;
