/** The link registers of the PCI Express capability (PCIe 7.5.3.6-8, 7.5.3.18-20; PCI_EXP_LNK*). */
import { latencyL0s, latencyL1 } from './pci-express-device.ts';
import { bits, flag, oneOf, register } from './specification.ts';
import type { Meaning } from './specification.ts';

const speeds = ['2.5GT/s', '5GT/s', '8GT/s', '16GT/s', '32GT/s', '64GT/s'];
const speed: Meaning = (value) => speeds[value - 1] ?? 'unknown';
/** Functions of PCIe 1.x hardwire the target speed to 0, which is 2.5 GT/s (PCIe 7.5.3.19). */
const targetSpeed: Meaning = (value) => (value === 0 ? '2.5GT/s' : (speeds[value - 1] ?? 'Unknown'));

/** No speed between 2.5 GT/s and the highest may be left out (PCIe 8.2.1), so the highest says it all. */
const supportedSpeeds: Meaning = (value) => {
  const highest = 31 - Math.clz32(value);
  if (value === 0) return 'Unknown';
  return highest === 0 ? '2.5GT/s' : highest < speeds.length ? `2.5-${speeds[highest]}` : 'RsvdP';
};

const deemphasis = oneOf('-6dB', '-3.5dB');

const presets = [
  '-6dB de-emphasis, 0dB preshoot',
  '-3.5dB de-emphasis, 0dB preshoot',
  '-4.4dB de-emphasis, 0dB preshoot',
  '-2.5dB de-emphasis, 0dB preshoot',
  '0dB de-emphasis, 0dB preshoot',
  '0dB de-emphasis, 1.9dB preshoot',
  '0dB de-emphasis, 2.5dB preshoot',
  '-6.0dB de-emphasis, 3.5dB preshoot',
  '-3.5dB de-emphasis, 3.5dB preshoot',
  '0dB de-emphasis, 3.5dB preshoot',
];

const margin: Meaning = (value) => {
  if (value === 0) return 'Normal Operating Range';
  if (value === 1) return '800-1200mV(full-swing)/400-700mV(half-swing)';
  return value <= 5 ? '200-400mV(full-swing)/100-200mV(half-swing)' : 'Unknown';
};

export const linkCapabilities = register(0x0c, 4, 'linkCapabilities', 'LnkCap', [
  bits(3, 0, 'maximumSpeed', 'Speed', speed),
  bits(9, 4, 'maximumWidth', 'Width', (value) => `x${value}`),
  bits(11, 10, 'aspmSupport', 'ASPM', oneOf('not supported', 'L0s', 'L1', 'L0s L1')),
  bits(14, 12, 'exitLatencyL0s', 'Exit Latency L0s', latencyL0s),
  bits(17, 15, 'exitLatencyL1', 'Exit Latency L1', latencyL1),
  flag(18, 'clockPowerManagement', 'ClockPM'),
  flag(19, 'surpriseDownReporting', 'Surprise'),
  flag(20, 'dataLinkActiveReporting', 'LLActRep'),
  flag(21, 'bandwidthNotification', 'BwNot'),
  flag(22, 'aspmOptionalityCompliance', 'ASPMOptComp'),
  bits(31, 24, 'portNumber', 'Port'),
]);

export const linkControl = register(0x10, 2, 'linkControl', 'LnkCtl', [
  bits(1, 0, 'aspm', 'ASPM', oneOf('Disabled', 'L0s Enabled', 'L1 Enabled', 'L0s L1 Enabled')),
  bits(3, 3, 'readCompletionBoundary', 'RCB', oneOf('64 bytes', '128 bytes')),
  flag(4, 'linkDisable', 'Disabled'),
  flag(5, 'retrainLink'),
  flag(6, 'commonClock', 'CommClk'),
  flag(7, 'extendedSynch', 'ExtSynch'),
  flag(8, 'clockPowerManagement', 'ClockPM'),
  flag(9, 'autonomousWidthDisable', 'AutWidDis'),
  flag(10, 'bandwidthInterrupt', 'BWInt'),
  flag(11, 'autonomousBandwidthInterrupt', 'AutBWInt'),
  flag(13, 'flitModeDisable', 'FltModeDis'),
  bits(15, 14, 'drsSignalling'),
]);

export const linkStatus = register(0x12, 2, 'linkStatus', 'LnkSta', [
  bits(3, 0, 'currentSpeed', 'Speed', speed),
  bits(9, 4, 'negotiatedWidth', 'Width', (value) => `x${value}`),
  flag(10, 'trainingError', 'TrErr'),
  flag(11, 'training', 'Train'),
  flag(12, 'slotClock', 'SlotClk'),
  flag(13, 'dataLinkActive', 'DLActive'),
  flag(14, 'bandwidthManagement', 'BWMgmt'),
  flag(15, 'autonomousBandwidth', 'ABWMgmt'),
]);

export const linkCapabilities2 = register(0x2c, 4, 'linkCapabilities2', 'LnkCap2', [
  bits(7, 1, 'supportedSpeeds', 'Supported Link Speeds', supportedSpeeds),
  flag(8, 'crosslink', 'Crosslink'),
  bits(15, 9, 'skpGeneration'),
  bits(22, 16, 'skpReception'),
  flag(23, 'retimerDetection', 'Retimer'),
  flag(24, 'twoRetimersDetection', '2Retimers'),
  flag(31, 'deviceReadinessStatus', 'DRS'),
]);

export const linkControl2 = register(0x30, 2, 'linkControl2', 'LnkCtl2', [
  bits(3, 0, 'targetSpeed', 'Target Link Speed', targetSpeed),
  flag(4, 'enterCompliance', 'EnterCompliance'),
  flag(5, 'autonomousSpeedDisable', 'SpeedDis'),
  bits(6, 6, 'selectableDeemphasis', 'Selectable De-emphasis', deemphasis),
  bits(9, 7, 'transmitMargin', 'Transmit Margin', margin),
  flag(10, 'enterModifiedCompliance', 'EnterModifiedCompliance'),
  flag(11, 'complianceSos', 'ComplianceSOS'),
  bits(15, 12, 'compliancePreset', 'Compliance Preset/De-emphasis', (value) => presets[value] ?? 'Unknown'),
]);

export const linkStatus2 = register(0x32, 2, 'linkStatus2', 'LnkSta2', [
  bits(0, 0, 'currentDeemphasis', 'Current De-emphasis Level', deemphasis),
  flag(1, 'equalizationComplete', 'EqualizationComplete'),
  flag(2, 'equalizationPhase1', 'EqualizationPhase1'),
  flag(3, 'equalizationPhase2', 'EqualizationPhase2'),
  flag(4, 'equalizationPhase3', 'EqualizationPhase3'),
  flag(5, 'equalizationRequest', 'LinkEqualizationRequest'),
  flag(6, 'retimer', 'Retimer'),
  flag(7, 'twoRetimers', '2Retimers'),
  bits(
    9,
    8,
    'crosslinkResolution',
    'CrosslinkRes',
    oneOf('unsupported', 'Upstream Port', 'Downstream Port', 'incomplete'),
  ),
  flag(10, 'flitMode', 'FltMode'),
  bits(
    14,
    12,
    'downstreamComponent',
    'DownstreamComp',
    oneOf(
      'Link Down - Not Determined',
      'Link Down - Not Present',
      'Link Down - Present',
      'Reserved',
      'Link Up - Present',
      'Link Up - Present and DRS Received',
      'Reserved',
      'Reserved',
    ),
  ),
  flag(15, 'drsReceived', 'DRS'),
]);
