/** Power Management (PCIe 7.5.2; PCI_PM_*). */
import { bits, conventionalHead, flag, oneOf, register } from './specification.ts';
import type { RegisterSpecification } from './specification.ts';

export const powerManagement: readonly RegisterSpecification[] = [
  conventionalHead,
  register(0x02, 2, 'capabilities', 'Flags', [
    bits(2, 0, 'version', 'version'),
    flag(3, 'pmeClock', 'PMEClk'),
    flag(5, 'deviceSpecificInitialization', 'DSI'),
    bits(
      8,
      6,
      'auxiliaryCurrent',
      'AuxCurrent',
      oneOf('0mA', '55mA', '100mA', '160mA', '220mA', '270mA', '320mA', '375mA'),
    ),
    flag(9, 'd1Support', 'D1'),
    flag(10, 'd2Support', 'D2'),
    flag(11, 'pmeFromD0', 'PME(D0)'),
    flag(12, 'pmeFromD1', 'PME(D1)'),
    flag(13, 'pmeFromD2', 'PME(D2)'),
    flag(14, 'pmeFromD3hot', 'PME(D3hot)'),
    flag(15, 'pmeFromD3cold', 'PME(D3cold)'),
  ]),
  register(0x04, 2, 'control', 'Status', [
    bits(1, 0, 'powerState', 'state', oneOf('D0', 'D1', 'D2', 'D3')),
    flag(3, 'noSoftReset', 'NoSoftRst'),
    flag(8, 'pmeEnable', 'PME-Enable'),
    bits(12, 9, 'dataSelect', 'DSel'),
    bits(14, 13, 'dataScale', 'DScale'),
    flag(15, 'pmeStatus', 'PME'),
  ]),
  register(0x06, 1, 'bridgeExtensions', 'Bridge', [
    // Set: the secondary bus goes to B2 when the bridge enters D3hot; clear: to B3.
    flag(6, 'b2Support'),
    flag(7, 'busPowerClockControl', 'PM'),
  ]),
  register(0x07, 1, 'data', undefined, [bits(7, 0, 'value')]),
];
