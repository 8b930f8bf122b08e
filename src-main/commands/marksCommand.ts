import type { Command } from 'commander';
import { hexadecimal } from '../core/restore/auditText.ts';
import { markingMoments, markingPlan } from '../core/restore/marking.ts';
import { decodeSnapshot } from '../journal/snapshot.ts';
import { failure } from '../core/result.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { deviceOf, runOrRig, withDevice, type LiveWish } from './liveDevice.ts';
import { table, writeJson } from './output.ts';

const tellMarks = async (
  context: CommandContext,
  run: string | undefined,
  wish: LiveWish,
): Promise<ExitCode> => {
  const json = wish.json === true;
  const looked = await deviceOf(context, run, wish, 'looked');
  if (!looked.ok) return fail(context, looked.error, json);
  const { device, lines } = looked.value;
  const reading = lines.findLast(
    (line) => line.type === 'snapshot' && line.view === 'vfio' && line.recovery === null,
  );
  if (reading?.type !== 'snapshot') {
    const { error } = failure('malformedInput', `${device} was not read outside a recovery.`);
    return fail(context, error, json);
  }
  const config = decodeSnapshot(reading.bytes);
  if (!config.ok) return fail(context, config.error, json);
  const plan = markingPlan(config.value);
  if (json) {
    writeJson(context.streams, { type: 'markingPlan', device, ...plan });
    return exitCode.asExpected;
  }
  const { streams } = context;
  const rows = plan.marks.map(({ offset, width, label, reason, mask, original, values }) => [
    offset.toString(16).padStart(3, '0'),
    label,
    hexadecimal(mask, width),
    ...markingMoments.map((moment) => {
      const value = values[moment];
      return value === undefined ? '-' : hexadecimal(value, width);
    }),
    hexadecimal(original, width),
    reason,
  ]);
  streams.out(
    rows.length === 0
      ? `${device} has no register that may be marked without harm.\n`
      : `${device}: what "restore audit --rig ... --mark" writes, and puts back; nothing was written now\n\n${table(
          ['at', 'register', 'bits', ...markingMoments, 'back to', 'why it does no harm'],
          rows,
        )}`,
  );
  for (const { label, reason } of plan.leftAlone) streams.out(`Left alone: ${label}. ${reason}\n`);
  return exitCode.asExpected;
};

export const addMarksCommand = (restore: Command, context: CommandContext): void => {
  withDevice(
    restore
      .command('marks')
      .description('which registers a marking run would write, and why; nothing is written')
      .argument('[run]', runOrRig),
  ).action((run: string | undefined, wish: LiveWish) => finish(context, () => tellMarks(context, run, wish)));
};
