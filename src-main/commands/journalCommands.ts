import type { Command } from 'commander';
import { sentenceOfDivergence } from '../journal/divergence.ts';
import { exportJsonl } from '../journal/export.ts';
import { sentenceOfFinding, type Finding } from '../journal/findings.ts';
import { listRuns } from '../journal/catalogue.ts';
import { readJournal } from '../journal/reader.ts';
import { repairJournal, type RepairReport } from '../journal/repair.ts';
import { exportHtml } from '../journal/report.ts';
import { replayJournal } from '../journal/replayJournal.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { directoryOf, locateRun, runWords, type RunWish } from './locateRun.ts';
import { table, writeJson } from './output.ts';
import { TimelineWriter } from './timeline.ts';

/** A journal with something wrong in it is an expectation that failed; the sentence says what and where. */
const tell = (context: CommandContext, findings: readonly Finding[], json: boolean): ExitCode => {
  for (const finding of findings) {
    if (json)
      writeJson(context.streams, { type: 'finding', ...finding, sentence: sentenceOfFinding(finding) });
    else context.streams.err(`rbench: ${sentenceOfFinding(finding)}\n`);
  }
  return findings.length === 0 ? exitCode.asExpected : exitCode.expectationFailed;
};

const list = async (context: CommandContext, options: RunWish): Promise<ExitCode> => {
  const json = options.json === true;
  const directory = directoryOf(context, options);
  const runs = await listRuns(directory);
  if (!runs.ok) return fail(context, runs.error, json);
  if (json) {
    for (const entry of runs.value) writeJson(context.streams, { type: 'run', ...entry });
    return exitCode.asExpected;
  }
  const rows = runs.value.map(({ run, header, lines, status, outcome, bytes }) => [
    run,
    header?.rig.name ?? '?',
    header?.scenario ?? '-',
    lines === null ? '?' : String(lines),
    String(bytes),
    status,
    outcome ?? '-',
  ]);
  context.streams.out(
    rows.length === 0
      ? `No runs in ${directory}.\n`
      : table(['run', 'rig', 'scenario', 'lines', 'bytes', 'status', 'outcome'], rows),
  );
  return exitCode.asExpected;
};

const show = async (context: CommandContext, path: string, json: boolean): Promise<ExitCode> => {
  const timeline = new TimelineWriter(context.streams);
  const findings: Finding[] = [];
  const summary = await readJournal(path, {
    line: (line) => {
      if (json) writeJson(context.streams, line);
      else timeline.add(line);
    },
    finding: (finding) => findings.push(finding),
  });
  return summary.ok ? tell(context, findings, json) : fail(context, summary.error, json);
};

const repairSentence = (action: RepairReport['action'], bytesCut: number): string => {
  switch (action) {
    case 'nothing':
      return 'Nothing to cut.';
    case 'terminated':
      return 'Ended the last line with its newline.';
    case 'cut':
    case 'cutAndTerminated':
      return `Cut ${bytesCut} bytes of an unfinished last line.`;
  }
};

const verify = async (
  context: CommandContext,
  path: string,
  options: RunWish & { repair?: boolean },
): Promise<ExitCode> => {
  const json = options.json === true;
  if (options.repair === true) {
    const repaired = await repairJournal(path);
    if (!repaired.ok) return fail(context, repaired.error, json);
    const { action, bytesCut } = repaired.value;
    if (json) writeJson(context.streams, { type: 'repair', action, bytesCut });
    else context.streams.out(`${repairSentence(action, bytesCut)}\n`);
  }
  const replayed = await replayJournal(path);
  if (!replayed.ok) return fail(context, replayed.error, json);
  const { replay, summary, findings } = replayed.value;
  const divergences = replay.divergences();
  const exit = tell(context, findings, json);
  for (const divergence of divergences) {
    if (json) writeJson(context.streams, { type: 'divergence', ...divergence });
    else context.streams.err(`rbench: ${sentenceOfDivergence(divergence)}\n`);
  }
  const whole = exit === exitCode.asExpected && replay.divergenceCount() === 0;
  const { lines, ended } = summary;
  if (json) {
    writeJson(context.streams, {
      type: 'verified',
      path,
      lines,
      ended,
      whole,
      divergences: replay.divergenceCount(),
    });
  } else if (whole) {
    context.streams.out(
      `${lines} lines, whole, and the core comes to the same states.${ended ? '' : ' The run has no end line.'}\n`,
    );
  }
  return whole ? exitCode.asExpected : exitCode.expectationFailed;
};

const replay = async (context: CommandContext, path: string, json: boolean): Promise<ExitCode> => {
  const replayed = await replayJournal(path);
  if (!replayed.ok) return fail(context, replayed.error, json);
  const { replay: fold, findings } = replayed.value;
  for (const device of fold.devices()) {
    if (json)
      writeJson(context.streams, {
        type: 'replayed',
        device: device.device,
        trace: device.trace,
        state: device.state,
        recoveries: device.recoveries,
      });
    else {
      context.streams.out(`${device.device}  ${device.trace.join(' > ')}\n`);
      for (const recovery of device.recoveries) {
        const phases = Object.entries(recovery.durations)
          .map(([phase, took]) => `${phase} ${(took / 1_000).toFixed(1)} ms`)
          .join(', ');
        context.streams.out(
          `  recovery ${recovery.number}: ${recovery.outcome ?? 'open'} (${recovery.reason ?? '-'}); ${phases}\n`,
        );
      }
    }
  }
  const exit = tell(context, findings, json);
  return fold.divergenceCount() === 0 ? exit : exitCode.expectationFailed;
};

const exportRun = async (
  context: CommandContext,
  path: string,
  target: string,
  options: RunWish & { html?: boolean },
): Promise<ExitCode> => {
  const json = options.json === true;
  const report = await (options.html === true ? exportHtml : exportJsonl)(path, target);
  if (!report.ok) return fail(context, report.error, json);
  const { lines, bytes, findings } = report.value;
  if (json) writeJson(context.streams, { type: 'exported', target, lines, bytes });
  else context.streams.out(`${lines} lines, ${bytes} bytes to ${target}.\n`);
  return tell(context, findings, json);
};

export const addJournalCommands = (program: Command, context: CommandContext): void => {
  const journal = program.command('journal').description('the recorded runs');
  const common = (command: Command): Command =>
    command
      .option('--runs <directory>', 'where the journals are kept')
      .option('--json', 'one JSON object a line');
  const withRun = (name: string, description: string): Command =>
    common(journal.command(name).description(description)).argument('<run>', runWords);
  const onRun =
    <Options extends RunWish>(body: (path: string, options: Options) => Promise<ExitCode>) =>
    (run: string, options: Options): Promise<void> =>
      finish(context, async () => {
        const path = await locateRun(context, run, options);
        return path.ok ? body(path.value, options) : fail(context, path.error, options.json === true);
      });

  common(journal.command('list').description('list the runs')).action((options: RunWish) =>
    finish(context, () => list(context, options)),
  );
  withRun('show', 'print a run as a timeline').action(
    onRun((path, options) => show(context, path, options.json === true)),
  );
  withRun('verify', 'check every line, and that the core comes to the same states')
    .option('--repair', 'cut an unfinished last line off first')
    .action(onRun((path, options: RunWish & { repair?: boolean }) => verify(context, path, options)));
  withRun('replay', 'fold a run through the core: traces, outcomes, how long each phase took').action(
    onRun((path, options) => replay(context, path, options.json === true)),
  );
  common(
    journal
      .command('export')
      .description('copy the whole lines of a run to a file, or make a report of it')
      .argument('<run>', runWords)
      .argument('<file>', 'where to; it must not exist')
      .option('--html', 'one self-contained page with the sequence diagrams instead'),
  ).action((run: string, target: string, options: RunWish & { html?: boolean }) =>
    onRun((path) => exportRun(context, path, target, options))(run, options),
  );
};
