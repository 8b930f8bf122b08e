/** The device registers of the PCI Express capability (PCIe 7.5.3.2-5, 7.5.3.15-17; PCI_EXP_DEV*). */
import { bits, flag, oneOf, register } from './specification.ts';
import type { Meaning } from './specification.ts';

const payload: Meaning = (value) => `${128 << value} bytes`;

export const latencyL0s = oneOf('<64ns', '<128ns', '<256ns', '<512ns', '<1us', '<2us', '<4us', 'unlimited');
export const latencyL1 = oneOf('<1us', '<2us', '<4us', '<8us', '<16us', '<32us', '<64us', 'unlimited');

/** Watts of a slot power limit; with scale 0, values from f0 stand for 250 W and up (PCIe 7.5.3.9). */
export const powerLimit = (value: number, scale: number): string => {
  if (scale === 0 && value === 0xff) return '>600W';
  if (scale === 0 && value >= 0xf0) return `${250 + 25 * (value - 0xf0)}W`;
  return `${Number((value / 10 ** scale).toPrecision(6))}W`;
};

export const flagsRegister = register(0x02, 2, 'flags', 'Express', [
  bits(3, 0, 'version', 'v'),
  bits(
    7,
    4,
    'portType',
    'type',
    oneOf(
      'Endpoint',
      'Legacy Endpoint',
      'reserved type 2',
      'reserved type 3',
      'Root Port',
      'Upstream Port',
      'Downstream Port',
      'PCI-Express to PCI/PCI-X Bridge',
      'PCI/PCI-X to PCI-Express Bridge',
      'Root Complex Integrated Endpoint',
      'Root Complex Event Collector',
    ),
  ),
  flag(8, 'slotImplemented', 'Slot'),
  bits(13, 9, 'interruptMessage', 'MSI'),
]);

export const deviceCapabilities = register(0x04, 4, 'deviceCapabilities', 'DevCap', [
  bits(2, 0, 'maximumPayload', 'MaxPayload', payload),
  bits(4, 3, 'phantomFunctions', 'PhantFunc', (value) => `${2 ** value - 1}`),
  flag(5, 'extendedTag', 'ExtTag'),
  bits(8, 6, 'acceptableLatencyL0s', 'L0s', latencyL0s),
  bits(11, 9, 'acceptableLatencyL1', 'L1', latencyL1),
  flag(12, 'attentionButton', 'AttnBtn'),
  flag(13, 'attentionIndicator', 'AttnInd'),
  flag(14, 'powerIndicator', 'PwrInd'),
  flag(15, 'roleBasedErrorReporting', 'RBE'),
  bits(25, 18, 'slotPowerLimit', 'SlotPowerLimit', (value, whole) => powerLimit(value, (whole >>> 26) & 3)),
  bits(27, 26, 'slotPowerLimitScale', undefined, oneOf('x1', 'x0.1', 'x0.01', 'x0.001')),
  flag(28, 'functionLevelReset', 'FLReset'),
  flag(30, 'teeIo', 'TEE-IO'),
]);

export const deviceControl = register(0x08, 2, 'deviceControl', 'DevCtl', [
  flag(0, 'correctableReporting', 'CorrErr'),
  flag(1, 'nonFatalReporting', 'NonFatalErr'),
  flag(2, 'fatalReporting', 'FatalErr'),
  flag(3, 'unsupportedRequestReporting', 'UnsupReq'),
  flag(4, 'relaxedOrdering', 'RlxdOrd'),
  bits(7, 5, 'maximumPayload', 'MaxPayload', payload),
  flag(8, 'extendedTag', 'ExtTag'),
  flag(9, 'phantomFunctions', 'PhantFunc'),
  flag(10, 'auxiliaryPower', 'AuxPwr'),
  flag(11, 'noSnoop', 'NoSnoop'),
  bits(14, 12, 'maximumReadRequest', 'MaxReadReq', payload),
  // One bit, two meanings by port type: initiate FLR, or configuration retry of a PCIe-to-PCI bridge.
  flag(15, 'functionLevelReset', 'FLReset'),
]);

export const deviceStatus = register(0x0a, 2, 'deviceStatus', 'DevSta', [
  flag(0, 'correctableDetected', 'CorrErr'),
  flag(1, 'nonFatalDetected', 'NonFatalErr'),
  flag(2, 'fatalDetected', 'FatalErr'),
  flag(3, 'unsupportedRequestDetected', 'UnsupReq'),
  flag(4, 'auxiliaryPower', 'AuxPwr'),
  flag(5, 'transactionsPending', 'TransPend'),
  flag(6, 'emergencyPowerReduction'),
]);

const timeoutRanges: Readonly<Record<number, string>> = {
  0: 'Not Supported',
  1: 'Range A',
  2: 'Range B',
  3: 'Range AB',
  6: 'Range BC',
  7: 'Range ABC',
  14: 'Range BCD',
  15: 'Range ABCD',
};
const timeoutValues: Readonly<Record<number, string>> = {
  0: '50us to 50ms',
  1: '50us to 100us',
  2: '1ms to 10ms',
  5: '16ms to 55ms',
  6: '65ms to 210ms',
  9: '260ms to 900ms',
  10: '1s to 3.5s',
  13: '4s to 13s',
  14: '17s to 64s',
};

export const deviceCapabilities2 = register(0x24, 4, 'deviceCapabilities2', 'DevCap2', [
  bits(3, 0, 'completionTimeoutRanges', 'Completion Timeout', (value) => timeoutRanges[value] ?? 'Unknown'),
  flag(4, 'completionTimeoutDisable', 'TimeoutDis'),
  flag(5, 'ariForwarding', 'ARIFwd'),
  flag(6, 'atomicRouting', 'Routing'),
  flag(7, 'atomicCompleter32', '32bit'),
  flag(8, 'atomicCompleter64', '64bit'),
  flag(9, 'compareAndSwapCompleter128', '128bitCAS'),
  flag(10, 'noRelaxedOrderingPassing', 'NROPrPrP'),
  flag(11, 'latencyToleranceReporting', 'LTR'),
  flag(12, 'tphCompleter', 'TPHComp'),
  flag(13, 'extendedTphCompleter', 'ExtTPHComp'),
  bits(
    15,
    14,
    'cacheLineSize',
    'LN System CLS',
    oneOf('Not Supported', '64byte cachelines', '128byte cachelines', 'Reserved'),
  ),
  flag(16, 'tenBitTagCompleter', '10BitTagComp'),
  flag(17, 'tenBitTagRequester', '10BitTagReq'),
  bits(19, 18, 'obff', 'OBFF', oneOf('Not Supported', 'Via message', 'Via WAKE#', 'Via message/WAKE#')),
  flag(20, 'extendedFormat', 'ExtFmt'),
  flag(21, 'endToEndPrefix', 'EETLPPrefix'),
  bits(23, 22, 'maximumEndToEndPrefixes', 'MaxEETLPPrefixes', oneOf('4', '1', '2', '3')),
  bits(
    25,
    24,
    'emergencyPowerReduction',
    'EmergencyPowerReduction',
    oneOf('Not Supported', 'Dev Specific', 'Form Factor Dev Specific', 'Reserved'),
  ),
  flag(26, 'emergencyPowerReductionInitialization', 'EmergencyPowerReductionInit'),
  flag(31, 'functionReadinessStatus', 'FRS'),
]);

export const deviceControl2 = register(0x28, 2, 'deviceControl2', 'DevCtl2', [
  bits(3, 0, 'completionTimeout', 'Completion Timeout', (value) => timeoutValues[value] ?? 'Unknown'),
  flag(4, 'completionTimeoutDisable', 'TimeoutDis'),
  flag(5, 'ariForwarding', 'ARIFwd'),
  flag(6, 'atomicRequester', 'ReqEn'),
  flag(7, 'atomicEgressBlocking', 'EgressBlck'),
  flag(8, 'idOrderingRequests', 'IDOReq'),
  flag(9, 'idOrderingCompletions', 'IDOCompl'),
  flag(10, 'latencyToleranceReporting', 'LTR'),
  flag(11, 'emergencyPowerReductionRequest', 'EmergencyPowerReductionReq'),
  flag(12, 'tenBitTagRequester', '10BitTagReq'),
  bits(14, 13, 'obff', 'OBFF', oneOf('Disabled', 'Via message A', 'Via message B', 'Via WAKE#')),
  flag(15, 'endToEndPrefixBlocking', 'EETLPPrefixBlk'),
]);

export const deviceStatus2 = register(0x2a, 2, 'deviceStatus2', undefined, []);
