import type { Command } from 'commander';
import { auditRestore, type RestoreAudit } from '../core/restore/audit.ts';
import { findingText, hexadecimal, problemText, verdictText } from '../core/restore/auditText.ts';
import { auditFilters, auditTable, verdictCounts, type AuditFilter } from '../core/restore/auditTable.ts';
import { markingStateOf } from '../core/restore/markingRun.ts';
import type { RecordedRecovery } from '../core/restore/recordings.ts';
import { historyOf } from '../core/restore/runHistory.ts';
import { failure } from '../core/result.ts';
import { decodeSnapshot } from '../journal/snapshot.ts';
import { chosenRecovery } from './chosenRecovery.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { styled, table, writeJson } from './output.ts';
import { deviceOf, runOrRig, withRecovery, type LiveWish } from './liveDevice.ts';
import { addMarksCommand } from './marksCommand.ts';
import type { RecordedDevice } from './recordedDevice.ts';
import { addWhatIfCommand } from './whatIfCommand.ts';

interface AuditWish extends LiveWish {
  readonly recovery?: string;
  readonly only?: string;
}

const isFilter = (text: string): text is AuditFilter => (auditFilters as readonly string[]).includes(text);

/** What is not there and why, so that nobody takes it for forgotten. */
const missingWait = (recovery: RecordedRecovery): string | null =>
  recovery.number !== null && recovery.moments.duringWait === undefined
    ? 'Nothing was read during the wait: it was acked where the signal was read, or the device did not answer.'
    : null;

const tell = (context: CommandContext, audit: RestoreAudit, title: string, filter: AuditFilter): void => {
  const { streams } = context;
  const names = audit.moments.map(({ name }) => name);
  streams.out(`${title}\n`);
  for (const problem of audit.problems) streams.out(`${problemText(problem)}\n`);
  for (const { state, title: what, evidence, remedy } of audit.hazards) {
    streams.out(
      state === 'present'
        ? `${styled(streams, 'red', 'Hazard:')} ${what} ${evidence}. ${remedy}\n`
        : `Put right: ${what} ${evidence}.\n`,
    );
  }
  const rows = auditTable(audit, filter).flatMap(({ step, telling }) =>
    telling.map(({ register }) => [
      step?.name ?? '-',
      register.offset.toString(16).padStart(3, '0'),
      `${register.owner}: ${register.label}`,
      ...register.values.map((value) => hexadecimal(value, register.width)),
      verdictText[register.verdict],
      findingText(register.finding),
    ]),
  );
  if (rows.length > 0) {
    streams.out(`\n${table(['step', 'at', 'register', ...names, 'verdict', 'from'], rows)}`);
  }
  const counts = Object.entries(verdictCounts(audit)).map(([verdict, count]) => `${count} ${verdict}`);
  streams.out(`\n${audit.registers.length} registers: ${counts.join(', ')}.\n`);
};

/** What was marked, and whether the old values are back; null without a marking run. */
const markingText = ({ lines }: RecordedDevice): string | null => {
  const marking = markingStateOf(lines);
  if (marking.kind === 'none') return null;
  const moments = marking.moments.join(', ') || 'no moment';
  if (marking.trouble !== null) return `Marked at ${moments}. ${marking.trouble.message}`;
  return marking.kind === 'marked'
    ? `Marked at ${moments}; the old values are not back yet.`
    : `Marked at ${moments}; the old values are back.`;
};

const auditRun = async (
  context: CommandContext,
  run: string | undefined,
  wish: AuditWish,
): Promise<ExitCode> => {
  const json = wish.json === true;
  const filter = wish.only ?? 'all';
  if (!isFilter(filter)) {
    const { error } = failure('malformedInput', `--only takes ${auditFilters.join(', ')}, not "${filter}".`);
    return fail(context, error, json);
  }
  const recorded = await deviceOf(context, run, wish, 'recovered');
  if (!recorded.ok) return fail(context, recorded.error, json);
  const { device, lines, damaged } = recorded.value;
  const recovery = chosenRecovery(recorded.value, wish.recovery);
  if (!recovery.ok) return fail(context, recovery.error, json);
  const { kernel, architecture } = recorded.value.rig;
  const history = historyOf({ lines, kernel, architecture }, recovery.value, (line) => {
    const bytes = decodeSnapshot(line.bytes);
    return bytes.ok ? bytes.value : null;
  });
  if (history === null) {
    const { error } = failure(
      'notSupported',
      `Which steps kernel "${kernel}" restores with is not known; only versions of Linux are.`,
    );
    return fail(context, error, json);
  }
  const audit = auditRestore(history);
  const { number, outcome } = recovery.value;
  const missing = missingWait(recovery.value);
  const marking = markingText(recorded.value);
  if (json) {
    writeJson(context.streams, {
      type: 'restoreAudit',
      run: recorded.value.run,
      device,
      recovery: number,
      outcome,
      kernel: history.kernel,
      note: missing,
      marking,
      ...audit,
    });
  } else {
    const which = number === null ? 'armed, no recovery yet' : `recovery ${number}, ${outcome ?? 'open'}`;
    const title = `${device}, ${which}; ${audit.view} view, ${audit.size} bytes, as kernel ${history.kernel} restores`;
    const head = [title, missing, marking].filter((line) => line !== null).join('\n');
    tell(context, audit, head, filter);
  }
  const hazardous = audit.hazards.some(({ state }) => state === 'present');
  return damaged || hazardous ? exitCode.expectationFailed : exitCode.asExpected;
};

export const addRestoreCommands = (program: Command, context: CommandContext): void => {
  const restore = program.command('restore').description('what a device came back with');
  withRecovery(
    restore
      .command('audit')
      .description('each register after a recovery: its values over time, and where the last one is from')
      .argument('[run]', runOrRig)
      .option('--recovery <number>', 'which one (default: the last)')
      .option('--only <what>', 'all, lost or hazards (default: all)'),
  )
    .option('--mark', 'with --rig: write harmless distinct values first, as "restore marks" lists them')
    .action((run: string | undefined, wish: AuditWish) =>
      finish(context, () => auditRun(context, run, wish)),
    );
  addMarksCommand(restore, context);
  addWhatIfCommand(restore, context);
};
