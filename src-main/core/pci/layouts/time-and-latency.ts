/** PTM (PCIe 7.9.15), LTR (7.8.2), L1 PM Substates (7.8.3), and the serial number (7.9.3). */
import { bits, extendedHead, flag, hexadecimal, plain, register } from './specification.ts';
import type { FieldSpecification, Meaning, RegisterSpecification } from './specification.ts';

const granularity =
  (zero: string): Meaning =>
  (value) =>
    value === 0 ? zero : value === 0xff ? 'Greater than 254ns' : `${value}ns`;

/** PCI_PTM_* */
export const precisionTimeMeasurement: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 4, 'capabilities', 'PTMCap', [
    flag(0, 'requester', 'Requester'),
    flag(1, 'responder', 'Responder'),
    flag(2, 'root', 'Root'),
    bits(15, 8, 'clockGranularity', 'PTMClockGranularity', granularity('Unimplemented')),
  ]),
  register(0x08, 4, 'control', 'PTMControl', [
    flag(0, 'enable', 'Enabled'),
    flag(1, 'rootSelect', 'RootSelected'),
    bits(15, 8, 'effectiveGranularity', 'PTMEffectiveGranularity', granularity('Unknown')),
  ]),
];

/** Latency scales go in powers of 32 ns; 6 and 7 are not permitted (PCIe 7.8.2.2). */
const latencyFields: readonly FieldSpecification[] = [
  bits(9, 0, 'latencyValue', 'latency', (value, whole) => {
    const scale = (whole >>> 10) & 7;
    return scale > 5 ? 'not permitted' : `${value * 32 ** scale}ns`;
  }),
  bits(12, 10, 'latencyScale'),
  flag(15, 'requirement'),
];

/** PCI_LTR_* */
export const latencyToleranceReporting: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 2, 'maximumSnoop', 'Max snoop latency', latencyFields),
  register(0x06, 2, 'maximumNoSnoop', 'Max no snoop latency', latencyFields),
];

const powerOnScales = [2, 10, 100];
const powerOn =
  (scaleBit: number): Meaning =>
  (value, whole) => {
    const scale = powerOnScales[(whole >>> scaleBit) & 3];
    return scale === undefined ? '<error>' : `${value * scale}us`;
  };

/** PCI_L1SS_* */
export const l1PowerManagementSubstates: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 4, 'capabilities', 'L1SubCap', [
    flag(0, 'pciPmL12', 'PCI-PM_L1.2'),
    flag(1, 'pciPmL11', 'PCI-PM_L1.1'),
    flag(2, 'aspmL12', 'ASPM_L1.2'),
    flag(3, 'aspmL11', 'ASPM_L1.1'),
    flag(4, 'l1Substates', 'L1_PM_Substates'),
    bits(15, 8, 'commonModeRestoreTime', 'PortCommonModeRestoreTime', (value) => `${value}us`),
    bits(17, 16, 'powerOnScale'),
    bits(23, 19, 'powerOnValue', 'PortTPowerOnTime', powerOn(16)),
  ]),
  register(0x08, 4, 'control1', 'L1SubCtl1', [
    flag(0, 'pciPmL12', 'PCI-PM_L1.2'),
    flag(1, 'pciPmL11', 'PCI-PM_L1.1'),
    flag(2, 'aspmL12', 'ASPM_L1.2'),
    flag(3, 'aspmL11', 'ASPM_L1.1'),
    bits(15, 8, 'commonModeRestoreTime', 'T_CommonMode', (value) => `${value}us`),
    bits(25, 16, 'ltrThresholdValue', 'LTR1.2_Threshold', (value, whole) => {
      const scale = whole >>> 29;
      return scale > 5 ? '<error>' : `${value * 32 ** scale}ns`;
    }),
    bits(31, 29, 'ltrThresholdScale'),
  ]),
  register(0x0c, 4, 'control2', 'L1SubCtl2', [
    bits(1, 0, 'powerOnScale'),
    bits(7, 3, 'powerOnValue', 'T_PwrOn', powerOn(0)),
  ]),
];

export const deviceSerialNumber: readonly RegisterSpecification[] = [
  extendedHead,
  plain(0x04, 4, 'lower', 'serial lower', hexadecimal(8)),
  plain(0x08, 4, 'upper', 'serial upper', hexadecimal(8)),
];
