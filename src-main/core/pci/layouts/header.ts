/** Type 0 and type 1 configuration headers (PCIe 7.5.1; PCI_* in include/uapi/linux/pci_regs.h). */
import { bits, flag, hexadecimal, oneOf, plain, register } from './specification.ts';
import type { FieldSpecification, Meaning, RegisterSpecification } from './specification.ts';

const memoryTypes = ['32-bit', 'low-1M', '64-bit', 'type 3'];

const baseAddressMeaning: Meaning = (_, whole) =>
  (whole & 1) === 1
    ? `I/O ports at ${((whole & 0xffff_fffc) >>> 0).toString(16).padStart(4, '0')}`
    : `Memory at ${((whole & 0xffff_fff0) >>> 0).toString(16).padStart(8, '0')}, ` +
      `${memoryTypes[(whole >>> 1) & 3]}, ${(whole & 8) === 0 ? 'non-' : ''}prefetchable`;

const baseAddressFields: readonly FieldSpecification[] = [
  flag(0, 'ioSpace'),
  bits(2, 1, 'memoryType', undefined, (value) => memoryTypes[value] ?? ''),
  flag(3, 'prefetchable'),
  bits(31, 4, 'address', undefined, baseAddressMeaning),
];

const baseAddresses = (count: number): readonly RegisterSpecification[] =>
  Array.from({ length: count }, (_, index) =>
    register(0x10 + 4 * index, 4, `baseAddress${index}`, `Region ${index}`, baseAddressFields),
  );

const deviceSelect = oneOf('fast', 'medium', 'slow', '??');

const common: readonly RegisterSpecification[] = [
  plain(0x00, 2, 'vendorId', undefined, hexadecimal(4)),
  plain(0x02, 2, 'deviceId', undefined, hexadecimal(4)),
  register(0x04, 2, 'command', 'Control', [
    flag(0, 'ioSpace', 'I/O'),
    flag(1, 'memorySpace', 'Mem'),
    flag(2, 'busMaster', 'BusMaster'),
    flag(3, 'specialCycles', 'SpecCycle'),
    flag(4, 'memoryWriteInvalidate', 'MemWINV'),
    flag(5, 'vgaPaletteSnoop', 'VGASnoop'),
    flag(6, 'parityErrorResponse', 'ParErr'),
    flag(7, 'stepping', 'Stepping'),
    flag(8, 'serr', 'SERR'),
    flag(9, 'fastBackToBack', 'FastB2B'),
    flag(10, 'intxDisable', 'DisINTx'),
  ]),
  register(0x06, 2, 'status', 'Status', [
    flag(0, 'immediateReadiness'),
    flag(3, 'interruptPending', 'INTx'),
    flag(4, 'capabilityList', 'Cap'),
    flag(5, 'sixtySixMegahertz', '66MHz'),
    flag(6, 'userDefinableFeatures', 'UDF'),
    flag(7, 'fastBackToBack', 'FastB2B'),
    flag(8, 'masterDataParityError', 'ParErr'),
    bits(10, 9, 'deviceSelectTiming', 'DEVSEL', deviceSelect),
    flag(11, 'signalledTargetAbort', '>TAbort'),
    flag(12, 'receivedTargetAbort', '<TAbort'),
    flag(13, 'receivedMasterAbort', '<MAbort'),
    flag(14, 'signalledSystemError', '>SERR'),
    flag(15, 'detectedParityError', '<PERR'),
  ]),
  plain(0x08, 1, 'revisionId', undefined, hexadecimal(2)),
  plain(0x09, 1, 'programmingInterface', undefined, hexadecimal(2)),
  plain(0x0a, 2, 'class', undefined, hexadecimal(4)),
  plain(0x0c, 1, 'cacheLineSize', 'Cache Line Size', (value) => `${value * 4} bytes`),
  plain(0x0d, 1, 'latencyTimer', 'Latency'),
  register(0x0e, 1, 'headerType', undefined, [
    bits(6, 0, 'layout', undefined, oneOf('endpoint', 'bridge', 'CardBus bridge')),
    flag(7, 'multiFunction'),
  ]),
  register(0x0f, 1, 'bist', undefined, [bits(3, 0, 'completionCode'), flag(6, 'start'), flag(7, 'capable')]),
  plain(0x34, 1, 'capabilityPointer', undefined, hexadecimal(2)),
  plain(0x3c, 1, 'interruptLine'),
  plain(0x3d, 1, 'interruptPin', 'Interrupt', (value) =>
    value === 0 ? 'none' : value <= 4 ? `pin ${String.fromCharCode(64 + value)}` : `reserved value ${value}`,
  ),
];

const expansionRom = (offset: number): RegisterSpecification =>
  register(offset, 4, 'expansionRom', 'Expansion ROM', [
    flag(0, 'enable'),
    bits(31, 11, 'address', undefined, (_, whole) =>
      ((whole & 0xffff_f800) >>> 0).toString(16).padStart(8, '0'),
    ),
  ]);

export const endpointHeader: readonly RegisterSpecification[] = [
  ...common,
  ...baseAddresses(6),
  plain(0x28, 4, 'cardBusCis'),
  plain(0x2c, 2, 'subsystemVendorId', undefined, hexadecimal(4)),
  plain(0x2e, 2, 'subsystemId', undefined, hexadecimal(4)),
  expansionRom(0x30),
  plain(0x3e, 1, 'minimumGrant'),
  plain(0x3f, 1, 'maximumLatency'),
];

const window16: readonly FieldSpecification[] = [
  bits(3, 0, 'type', undefined, oneOf('32-bit', '64-bit')),
  bits(
    15,
    4,
    'address',
    undefined,
    (_, whole) => `${((whole & 0xfff0) >>> 0).toString(16).padStart(4, '0')}0000`,
  ),
];
const window8: readonly FieldSpecification[] = [
  bits(3, 0, 'type', undefined, oneOf('16-bit', '32-bit')),
  bits(7, 4, 'address', undefined, (value) => `${value.toString(16)}000`),
];

export const bridgeHeader: readonly RegisterSpecification[] = [
  ...common,
  ...baseAddresses(2),
  plain(0x18, 1, 'primaryBus', 'primary', hexadecimal(2)),
  plain(0x19, 1, 'secondaryBus', 'secondary', hexadecimal(2)),
  plain(0x1a, 1, 'subordinateBus', 'subordinate', hexadecimal(2)),
  plain(0x1b, 1, 'secondaryLatencyTimer', 'sec-latency'),
  register(0x1c, 1, 'ioBase', undefined, window8),
  register(0x1d, 1, 'ioLimit', undefined, window8),
  register(0x1e, 2, 'secondaryStatus', 'Secondary status', [
    flag(5, 'sixtySixMegahertz', '66MHz'),
    flag(7, 'fastBackToBack', 'FastB2B'),
    flag(8, 'masterDataParityError', 'ParErr'),
    bits(10, 9, 'deviceSelectTiming', 'DEVSEL', deviceSelect),
    flag(11, 'signalledTargetAbort', '>TAbort'),
    flag(12, 'receivedTargetAbort', '<TAbort'),
    flag(13, 'receivedMasterAbort', '<MAbort'),
    flag(14, 'receivedSystemError', '<SERR'),
    flag(15, 'detectedParityError', '<PERR'),
  ]),
  register(0x20, 2, 'memoryBase', undefined, window16),
  register(0x22, 2, 'memoryLimit', undefined, window16),
  register(0x24, 2, 'prefetchableBase', undefined, window16),
  register(0x26, 2, 'prefetchableLimit', undefined, window16),
  plain(0x28, 4, 'prefetchableBaseUpper'),
  plain(0x2c, 4, 'prefetchableLimitUpper'),
  plain(0x30, 2, 'ioBaseUpper'),
  plain(0x32, 2, 'ioLimitUpper'),
  expansionRom(0x38),
  register(0x3e, 2, 'bridgeControl', 'BridgeCtl', [
    flag(0, 'parityErrorResponse', 'Parity'),
    flag(1, 'serr', 'SERR'),
    flag(2, 'isaMode', 'NoISA'),
    flag(3, 'vgaForwarding', 'VGA'),
    flag(4, 'vga16BitDecode', 'VGA16'),
    flag(5, 'masterAbortMode', 'MAbort'),
    flag(6, 'secondaryBusReset', '>Reset'),
    flag(7, 'fastBackToBack', 'FastB2B'),
    flag(8, 'primaryDiscardTimer', 'PriDiscTmr'),
    flag(9, 'secondaryDiscardTimer', 'SecDiscTmr'),
    flag(10, 'discardTimerStatus', 'DiscTmrStat'),
    flag(11, 'discardTimerSerr', 'DiscTmrSERREn'),
  ]),
];

/** CardBus bridges and header types nobody defined: the part that all types share, without what follows it. */
export const unknownHeader: readonly RegisterSpecification[] = common.filter((one) => one.offset < 0x10);
