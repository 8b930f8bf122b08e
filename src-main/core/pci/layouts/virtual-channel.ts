/** Virtual Channel (PCIe 7.9.1; PCI_VC_*): port registers, then one block of three for each channel. */
import { longAt } from '../bytes.ts';
import { bits, extendedHead, flag, hexadecimal, oneOf, register, repeated } from './specification.ts';
import type { Layout, RegisterSpecification } from './specification.ts';

const portSchemes = oneOf('Fixed', 'WRR32', 'WRR64', 'WRR128');
const channelSchemes = oneOf('Fixed', 'WRR32', 'WRR64', 'WRR128', 'TWRR128', 'WRR256');

const port: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 4, 'portCapabilities1', 'Caps', [
    bits(2, 0, 'extendedChannels'),
    bits(6, 4, 'lowPriorityExtendedChannels', 'LPEVC'),
    bits(9, 8, 'referenceClock', 'RefClk', oneOf('100ns')),
    bits(11, 10, 'arbitrationTableEntrySize', 'PATEntryBits', (value) => `${2 ** value}`),
  ]),
  register(0x08, 4, 'portCapabilities2', 'Arb', [
    flag(0, 'fixed', 'Fixed'),
    flag(1, 'weightedRoundRobin32', 'WRR32'),
    flag(2, 'weightedRoundRobin64', 'WRR64'),
    flag(3, 'weightedRoundRobin128', 'WRR128'),
    bits(31, 24, 'arbitrationTableOffset', 'Port Arbitration Table', (value) => `${value * 16} bytes on`),
  ]),
  register(0x0c, 2, 'portControl', 'Ctrl', [
    flag(0, 'loadArbitrationTable'),
    bits(3, 1, 'arbitrationSelect', 'ArbSelect', portSchemes),
  ]),
  register(0x0e, 2, 'portStatus', 'Status', [flag(0, 'arbitrationTableBusy', 'InProgress')]),
];

const channel: readonly RegisterSpecification[] = [
  register(0x10, 4, 'resourceCapabilities', 'Caps', [
    flag(0, 'fixed', 'Fixed'),
    flag(1, 'weightedRoundRobin32', 'WRR32'),
    flag(2, 'weightedRoundRobin64', 'WRR64'),
    flag(3, 'weightedRoundRobin128', 'WRR128'),
    flag(4, 'timeBasedRoundRobin128', 'TWRR128'),
    flag(5, 'weightedRoundRobin256', 'WRR256'),
    flag(15, 'rejectSnoopTransactions', 'RejSnoopTrans'),
    bits(22, 16, 'maximumTimeSlots', 'MaxTimeSlots', (value) => `${value + 1}`),
    bits(31, 24, 'arbitrationTableOffset', 'PATOffset', hexadecimal(2)),
  ]),
  register(0x14, 4, 'resourceControl', 'Ctrl', [
    bits(7, 0, 'trafficClasses', 'TC/VC', hexadecimal(2)),
    flag(16, 'loadArbitrationTable'),
    bits(19, 17, 'arbitrationSelect', 'ArbSelect', channelSchemes),
    bits(26, 24, 'channelId', 'ID'),
    flag(31, 'enable', 'Enable'),
  ]),
  register(0x1a, 2, 'resourceStatus', 'Status', [
    flag(0, 'arbitrationTableBusy', 'InProgress'),
    flag(1, 'negotiationPending', 'NegoPending'),
  ]),
];

const channels = repeated(channel, 8, 0x0c, 'VC');
const byExtendedCount = Array.from({ length: 8 }, (_, extended) => [
  ...port,
  ...channels.slice(0, extended + 1).flat(),
]);

/** The count of extended channels, 0 to 7, says how many blocks follow that of VC0. */
export const virtualChannel: Layout = ({ config, offset }) =>
  byExtendedCount[longAt(config, offset + 4) & 7] ?? port;
