import { decodeConfigSpace } from '../../src-main/core/pci/decode.ts';
import { diffConfigSpaces } from '../../src-main/core/pci/diff.ts';
import { readDump } from '../core/pci/lspci-dump.ts';
import type { BenchRow } from './row.ts';

const rounds = 2_000;
const warmUp = 200;

/** The function with every capability that the decoder knows, 18 of them, in 4 KiB. */
const everyCapability = '10000:01:00.0';

const median = (work: () => number): number => {
  const times: number[] = [];
  let sum = 0;
  for (let round = 0; round < warmUp + rounds; round += 1) {
    const started = performance.now();
    sum += work();
    if (round >= warmUp) times.push(performance.now() - started);
  }
  // What is computed is used, or the work could be left out.
  if (!Number.isFinite(sum)) throw new Error('Nothing was computed.');
  return times.sort((one, other) => one - other)[rounds / 2] ?? Number.NaN;
};

/** The twin: which bytes differ, without a word on what they mean. */
const differingBytes = (before: Uint8Array, after: Uint8Array): number => {
  let count = 0;
  for (let offset = 0; offset < before.length; offset += 1) if (before[offset] !== after[offset]) count += 1;
  return count;
};

/** Decode of one configuration space and comparison with another, as the audit of a recovery does it. */
export const configSpaceBench = async (): Promise<BenchRow[]> => {
  const before = readDump('synthetic.txt').find(({ address }) => address === everyCapability)?.config;
  if (before?.length !== 4_096) throw new Error(`The dump has no 4 KiB of ${everyCapability}.`);
  const after = Uint8Array.from(before, (byte, offset) =>
    offset % 7 === 0 && offset > 0x40 ? byte ^ 1 : byte,
  );
  const milliseconds = median(
    () => decodeConfigSpace(before).capabilities.length + diffConfigSpaces(before, after).length,
  );
  const twin = median(() => differingBytes(before, after));
  const ratio = milliseconds / twin;
  return [
    {
      name: 'config space: decode and compare 4 KiB, median',
      value: Math.round(milliseconds * 1_000) / 1_000,
      unit: 'ms',
      target: 'under 0.5',
      ok: milliseconds < 0.5,
    },
    {
      name: 'config space: the same against comparing bytes',
      value: Math.round(ratio * 10) / 10,
      unit: 'times',
      target: 'under 60',
      ok: ratio < 60,
    },
  ];
};
