/** TPH Requester (PCIe 7.9.13; PCI_TPH_*): the steering tag table is here, in the MSI-X table, or nowhere. */
import { longAt } from '../bytes.ts';
import { steeringTableSize } from '../capability-lengths.ts';
import { tphRegister } from '../capability-registers.ts';
import { bits, extendedHead, flag, oneOf, register } from './specification.ts';
import type { Layout, RegisterSpecification } from './specification.ts';

const always: readonly RegisterSpecification[] = [
  extendedHead,
  register(tphRegister.capabilities, 4, 'capabilities', 'TPHCap', [
    flag(0, 'noSteeringTagMode'),
    flag(1, 'interruptVectorMode', 'Interrupt vector mode supported'),
    flag(2, 'deviceSpecificMode', 'Device specific mode supported'),
    flag(8, 'extendedRequester', 'Extended requester support'),
    bits(
      10,
      9,
      'steeringTableLocation',
      'steering table',
      oneOf(
        'No steering table available',
        'Steering table in TPH capability structure',
        'Steering table in MSI-X table',
        'Reserved steering table location',
      ),
    ),
    bits(26, 16, 'steeringTableSizeMinusOne', undefined, (value) => `${value + 1} entries`),
  ]),
  register(tphRegister.control, 4, 'control', 'TPHCtl', [
    bits(2, 0, 'modeSelect', undefined, oneOf('no steering tag', 'interrupt vector', 'device specific')),
    bits(9, 8, 'requesterEnable', undefined, oneOf('disabled', 'TPH', 'reserved', 'TPH and extended TPH')),
  ]),
];

/** The specification allows at most 64 entries in the capability (PCIe 7.9.13.2). */
const mostEntries = 64;

const table = Array.from({ length: mostEntries }, (_, index) =>
  register(tphRegister.steeringTable + 2 * index, 2, `steeringTable${index}`, undefined, [
    bits(7, 0, 'lowerTag'),
    bits(15, 8, 'upperTag'),
  ]),
);

export const tphRequester: Layout = ({ config, offset }) => {
  const entries = steeringTableSize(longAt(config, offset + tphRegister.capabilities));
  return entries === 0 ? always : [...always, ...table.slice(0, entries)];
};
