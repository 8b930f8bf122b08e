import type { Command } from 'commander';
import { snapshotViews, type SnapshotView } from '../core/journal/line.ts';
import { decodeConfigSpace } from '../core/pci/decode.ts';
import { diffConfigSpaces, type FieldChange } from '../core/pci/diff.ts';
import { hexadecimal } from '../core/restore/auditText.ts';
import { momentOf, snapshotMoments } from '../core/restore/moments.ts';
import { done, failure, success, type Result } from '../core/result.ts';
import { decodeSnapshot } from '../journal/snapshot.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { deviceOf, runOrRig, withRecovery, type LiveWish } from './liveDevice.ts';
import { table, writeJson } from './output.ts';
import type { RecordedDevice } from './recordedDevice.ts';

interface ConfigWish extends LiveWish {
  readonly view?: string;
}

interface Reading {
  readonly device: string;
  /** As the line names it, with the recovery that it is of: `armed`, `1:afterReset`. */
  readonly moment: string;
  readonly view: SnapshotView;
  readonly at: number;
  readonly config: Uint8Array;
}

const isView = (text: string): text is SnapshotView => (snapshotViews as readonly string[]).includes(text);

const readingsOf = ({ lines, device }: RecordedDevice, view: SnapshotView): Result<readonly Reading[]> => {
  const readings: Reading[] = [];
  for (const line of lines) {
    if (line.type !== 'snapshot' || line.view !== view) continue;
    const config = decodeSnapshot(line.bytes);
    if (!config.ok) return config;
    const moment = line.recovery === null ? line.moment : `${line.recovery}:${line.moment}`;
    readings.push({ device, moment, view, at: line.at, config: config.value });
  }
  return success(readings);
};

const withoutRecovery = (moment: string): string => moment.replace(/^\d+:/, '');

/** The last reading of this moment; a moment without a number is the last one of that name in any recovery. */
const readingAt = (readings: readonly Reading[], wish: string): Result<Reading> => {
  const found = readings.findLast(({ moment }) => moment === wish || withoutRecovery(moment) === wish);
  const known = [...new Set(readings.map(({ moment }) => moment))].join(', ') || 'none';
  return found === undefined
    ? failure('malformedInput', `The run has no reading at "${wish}" in this view; it has ${known}.`)
    : success(found);
};

interface Chosen {
  readonly readings: readonly Reading[];
  readonly exit: ExitCode;
}

const choose = async (
  context: CommandContext,
  run: string | undefined,
  wish: ConfigWish,
  until: 'looked' | 'recovered',
): Promise<Result<Chosen>> => {
  const view = wish.view ?? 'hardware';
  if (!isView(view)) {
    return failure('malformedInput', `--view takes ${snapshotViews.join(' or ')}, not "${view}".`);
  }
  const recorded = await deviceOf(context, run, wish, until);
  if (!recorded.ok) return recorded;
  const readings = readingsOf(recorded.value, view);
  if (!readings.ok) return readings;
  const exit = recorded.value.damaged ? exitCode.expectationFailed : exitCode.asExpected;
  return success({ readings: readings.value, exit });
};

interface Told {
  readonly name: string;
  readonly label?: string;
  readonly value: number;
  readonly meaning?: string;
}

const fieldText = ({ name, label, value, meaning }: Told): string => `${label ?? name}=${meaning ?? value}`;

/** Of a device that is opened for the command, a moment that there cannot be is told before that. */
const checkMoments = (wish: ConfigWish, moments: readonly string[]): Result<void> => {
  const unknown = moments.find((moment) => momentOf(withoutRecovery(moment)) === null);
  return wish.rig === undefined || unknown === undefined
    ? done
    : failure(
        'malformedInput',
        `There is no moment "${unknown}"; there are ${snapshotMoments.join(', ')} ("afterStep: DEVICE_RESET").`,
      );
};

/** These need no recovery: a live device is only looked at. */
const lookedAt = ['open', 'look'];

const show = async (
  context: CommandContext,
  run: string | undefined,
  wish: ConfigWish & { readonly at?: string },
): Promise<ExitCode> => {
  const json = wish.json === true;
  const at = wish.at ?? (wish.rig === undefined ? 'end' : 'look');
  const checked = checkMoments(wish, [at]);
  if (!checked.ok) return fail(context, checked.error, json);
  const chosen = await choose(context, run, wish, lookedAt.includes(at) ? 'looked' : 'recovered');
  if (!chosen.ok) return fail(context, chosen.error, json);
  const reading = readingAt(chosen.value.readings, at);
  if (!reading.ok) return fail(context, reading.error, json);
  const { device, moment, view, config } = reading.value;
  const decoded = decodeConfigSpace(config);
  if (json) {
    writeJson(context.streams, { type: 'config', device, moment, view, ...decoded });
    return chosen.value.exit;
  }
  const blocks = [
    { owner: 'Header', registers: decoded.header.registers },
    ...decoded.capabilities.map(({ name, registers }) => ({ owner: name, registers })),
  ];
  const rows = blocks.flatMap(({ owner, registers }) =>
    registers.map(({ offset, width, name, label, value, fields }) => [
      offset.toString(16).padStart(3, '0'),
      owner,
      label ?? name,
      hexadecimal(value, width),
      // What is zero says nothing; the value says so already.
      fields
        .filter(({ value: bits }) => bits !== 0)
        .map(fieldText)
        .join(' '),
    ]),
  );
  context.streams.out(`${device} at ${moment}, ${view} view, ${config.length} bytes\n\n`);
  context.streams.out(table(['at', 'block', 'register', 'value', 'fields'], rows));
  for (const problem of decoded.problems) {
    context.streams.out(`The capability lists could not be followed to their ends (${problem.kind}).\n`);
  }
  return chosen.value.exit;
};

const changeText = ({ name, label, before, after, beforeMeaning, afterMeaning }: FieldChange): string =>
  `${label ?? name} ${beforeMeaning ?? before}>${afterMeaning ?? after}`;

const diff = async (
  context: CommandContext,
  words: { readonly from: string; readonly to: string; readonly run: string | undefined },
  wish: ConfigWish,
): Promise<ExitCode> => {
  const json = wish.json === true;
  const checked = checkMoments(wish, [words.from, words.to]);
  if (!checked.ok) return fail(context, checked.error, json);
  const chosen = await choose(context, words.run, wish, 'recovered');
  if (!chosen.ok) return fail(context, chosen.error, json);
  const from = readingAt(chosen.value.readings, words.from);
  if (!from.ok) return fail(context, from.error, json);
  const to = readingAt(chosen.value.readings, words.to);
  if (!to.ok) return fail(context, to.error, json);
  const changes = diffConfigSpaces(from.value.config, to.value.config);
  const { device, view } = from.value;
  const moments = { from: from.value.moment, to: to.value.moment };
  if (json) {
    writeJson(context.streams, { type: 'configDiff', device, view, ...moments, changes });
    return chosen.value.exit;
  }
  context.streams.out(`${device} from ${moments.from} to ${moments.to}, ${view} view\n\n`);
  context.streams.out(
    changes.length === 0
      ? 'Nothing differs.\n'
      : table(
          ['at', 'block', 'register', moments.from, moments.to, 'fields'],
          changes.map(({ offset, width, owner, name, label, before, after, fields }) => [
            offset.toString(16).padStart(3, '0'),
            owner,
            label ?? name,
            hexadecimal(before, width),
            hexadecimal(after, width),
            fields.map(changeText).join(', '),
          ]),
        ),
  );
  return chosen.value.exit;
};

export const addConfigCommands = (program: Command, context: CommandContext): void => {
  const config = program
    .command('config')
    .description('the config spaces that a run kept, or of a device now');
  const common = (command: Command): Command =>
    withRecovery(command.option('--view <view>', 'hardware or vfio (default: hardware)'));
  common(
    config
      .command('show')
      .description('every register at one moment')
      .argument('[run]', runOrRig)
      .option(
        '--at <moment>',
        'open, armed, afterReset, or 1:afterReset for one recovery (default: end; with --rig: as it is now)',
      ),
  ).action((run: string | undefined, wish: ConfigWish & { readonly at?: string }) =>
    finish(context, () => show(context, run, wish)),
  );
  common(
    config
      .command('diff')
      .description('what differs between two moments')
      .argument('<from>', 'a moment: armed')
      .argument('<to>', 'another: end')
      .argument('[run]', runOrRig),
  ).action((from: string, to: string, run: string | undefined, wish: ConfigWish) =>
    finish(context, () => diff(context, { from, to, run }, wish)),
  );
};
