import type { JournalLine, RigHeader } from '../core/journal/line.ts';
import { parsePciAddress } from '../core/pci/address.ts';
import { concerns } from '../core/restore/historyLines.ts';
import { failure, success, type Result } from '../core/result.ts';
import { sentenceOfFinding } from '../journal/findings.ts';
import { readJournal } from '../journal/reader.ts';
import type { CommandContext } from './context.ts';
import { locateRun, type RunWish } from './locateRun.ts';
import { writeJson } from './output.ts';

export interface DeviceWish extends RunWish {
  readonly device?: string;
}

export interface RecordedDevice {
  /** Null: nothing was recorded. */
  readonly run: string | null;
  readonly rig: RigHeader;
  readonly device: string;
  /** All lines of this device. */
  readonly lines: readonly JournalLine[];
  /** Damage of the journal was found, and told on standard error. */
  readonly damaged: boolean;
}

const chosenDevice = (path: string, devices: readonly string[], wish: string | undefined): Result<string> => {
  const [only, ...more] = devices;
  if (only === undefined) {
    return failure('malformedInput', `${path} holds no reading of a config space: no device was opened.`);
  }
  if (wish === undefined) {
    return more.length === 0
      ? success(only)
      : failure('malformedInput', `The run has readings of ${devices.join(', ')}; choose with --device.`);
  }
  const address = parsePciAddress(wish);
  if (!address.ok) return address;
  return devices.includes(address.value)
    ? success(address.value)
    : failure('unknownAddress', `The run has no reading of ${wish}; it has of ${devices.join(', ')}.`);
};

/** The lines of one device of a run: the one that is named, or the only one whose config space was kept. */
export const recordedDevice = async (
  context: CommandContext,
  run: string,
  wish: DeviceWish,
): Promise<Result<RecordedDevice>> => {
  const path = await locateRun(context, run, wish);
  if (!path.ok) return path;
  const lines: JournalLine[] = [];
  let damaged = false;
  const read = await readJournal(path.value, {
    line: (line) => lines.push(line),
    finding: (finding) => {
      damaged = true;
      const sentence = sentenceOfFinding(finding);
      if (wish.json === true) {
        writeJson(
          { ...context.streams, out: context.streams.err },
          { type: 'finding', ...finding, sentence },
        );
      } else context.streams.err(`rbench: ${sentence}\n`);
    },
  });
  if (!read.ok) return read;
  const header = lines.find((line) => line.type === 'run');
  if (header === undefined) {
    return failure('journalDamaged', `${path.value} has no first line, so nobody knows which kernel it was.`);
  }
  const kept = new Set(lines.flatMap((line) => (line.type === 'snapshot' ? [line.device] : [])));
  const device = chosenDevice(path.value, [...kept].sort(), wish.device);
  if (!device.ok) return device;
  const own = lines.filter((line) => concerns(line, device.value));
  return success({ run: header.run, rig: header.rig, device: device.value, lines: own, damaged });
};
