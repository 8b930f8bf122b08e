/** Resizable BAR and VF Resizable BAR (PCIe 7.8.6, 7.8.7; PCI_REBAR_*): a pair of registers for each such BAR. */
import { longAt } from '../bytes.ts';
import { resizableBarCount } from '../capability-lengths.ts';
import { resizableBarRegister } from '../capability-registers.ts';
import { bits, extendedHead, register, repeated } from './specification.ts';
import type { Layout } from './specification.ts';

const units = ['MB', 'GB', 'TB', 'PB', 'EB', 'ZB'];

/** Size code n is 2^n MB, as `256MB` or `16GB`. */
export const barSize = (code: number): string => `${2 ** (code % 10)}${units[Math.floor(code / 10)] ?? '?'}`;

const sizes = (value: number, first: number, count: number): string => {
  const names: string[] = [];
  for (let bit = 0; bit < count; bit += 1) {
    if (((value >>> bit) & 1) === 1) names.push(barSize(first + bit));
  }
  return names.join(' ');
};

const entry = [
  register(resizableBarRegister.capabilities, 4, 'capabilities', undefined, [
    // 1 MB to 128 TB; larger sizes are in the upper half of the control register.
    bits(31, 4, 'supportedSizes', 'supported', (value) => sizes(value, 0, 28)),
  ]),
  register(resizableBarRegister.control, 4, 'control', undefined, [
    bits(2, 0, 'barIndex', 'BAR'),
    bits(7, 5, 'barCount'),
    bits(13, 8, 'barSize', 'current size', barSize),
    bits(31, 16, 'supportedLargeSizes', 'supported large', (value) => sizes(value, 28, 16)),
  ]),
];

const entries = repeated(entry, 6, resizableBarRegister.entrySize, 'entry');
const byCount = Array.from({ length: 7 }, (_, count) => [extendedHead, ...entries.slice(0, count).flat()]);

/** Only the first control register holds the count; the others have zero there. */
export const resizableBar: Layout = ({ config, offset }) =>
  byCount[resizableBarCount(longAt(config, offset + resizableBarRegister.control))] ?? [extendedHead];
