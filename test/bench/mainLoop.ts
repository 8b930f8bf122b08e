import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ConsoleDelta } from '../../preload/contract/deltas.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { sentenceOfFinding } from '../../src-main/journal/findings.ts';
import { readJournal } from '../../src-main/journal/reader.ts';
import { createReplay } from '../../src-main/journal/replay.ts';
import type { HostMessage } from './mainLoopHost.ts';
import type { BenchRow } from './row.ts';

/** Of the storm; a shorter one is for trying out. */
const seconds = Number(process.env['RECOVERY_BENCH_STORM'] ?? 60);

/** /tmp may be in memory; /var/tmp is on a disk (FHS 5.15). */
const diskDirectory = (): string => {
  try {
    accessSync('/var/tmp', constants.W_OK);
    return '/var/tmp';
  } catch {
    return tmpdir();
  }
};

const start = (program: string, args: readonly string[]): ChildProcess =>
  // As Electron's messages are: by the structured clone algorithm.
  fork(join(import.meta.dirname, program), args, { serialization: 'advanced' });

/** What a page would have been told. */
interface Told {
  readonly lines: readonly JournalLine[];
  readonly run: string;
  readonly report: Extract<HostMessage, { kind: 'report' }>;
}

const listen = async (host: ChildProcess): Promise<Told> => {
  const deltas: ConsoleDelta[] = [];
  let begun: Extract<HostMessage, { kind: 'snapshot' }> | null = null;
  let report: Told['report'] | null = null;
  host.on('message', (message: HostMessage) => {
    if (message.kind === 'deltas') for (const delta of message.batch) deltas.push(delta);
    else if (message.kind === 'snapshot') begun = message;
    else report = message;
  });
  const [code] = (await once(host, 'exit')) as [number | null];
  if (code !== 0 || begun === null || report === null) {
    throw new Error(`the host of the storm ended with ${code}`);
  }
  const { snapshot } = begun as Extract<HostMessage, { kind: 'snapshot' }>;
  const [rig] = snapshot.rigs;
  const lines: JournalLine[] = [...(rig?.recent ?? [])];
  let { number } = snapshot;
  for (const delta of deltas) {
    if (delta.number <= snapshot.number) continue;
    if (delta.number !== ++number) throw new Error(`delta ${delta.number} came where ${number} was due`);
    if (delta.kind === 'line') lines.push(delta.line);
  }
  return { lines, run: rig?.run ?? '', report };
};

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Lines and devices in which what was told differs from the journal; 0 when nothing was lost. */
const differences = async (told: readonly JournalLine[], path: string): Promise<number> => {
  const [fromTold, fromJournal] = [createReplay(), createReplay()];
  for (const line of told) fromTold.take(line);
  let count = 0;
  let different = 0;
  const read = await readJournal(path, {
    line: (line) => {
      fromJournal.take(line);
      if (!isDeepStrictEqual(plain(told[count++]), plain(line))) different += 1;
    },
    finding: (finding) => {
      throw new Error(sentenceOfFinding(finding));
    },
  });
  if (!read.ok) throw new Error(read.error.message);
  const [shown, recorded] = [fromTold.devices(), fromJournal.devices()];
  const devices = recorded.filter((each, index) => !isDeepStrictEqual(plain(each), plain(shown[index])));
  return (
    different +
    Math.abs(told.length - count) +
    devices.length +
    Math.abs(shown.length - recorded.length) +
    fromJournal.divergenceCount()
  );
};

/**
 * The event loop of the main process in a storm of errors of all kinds, recorded on a disk that another process keeps
 * busy, with a viewer in a third process. `RECOVERY_BENCH_STORM=10` makes it 10 s.
 */
export const mainLoopBench = async (): Promise<BenchRow[]> => {
  const directory = mkdtempSync(join(diskDirectory(), 'recovery-bench-storm-'));
  const busy = start('busyDisk.ts', [join(directory, 'busy')]);
  try {
    const runs = join(directory, 'runs');
    const { lines, run, report } = await listen(start('mainLoopHost.ts', [runs, String(seconds)]));
    const slowest = once(busy, 'message') as Promise<[number]>;
    busy.send('stop');
    const [slowestSync] = await slowest;
    const lost = await differences(lines, join(runs, `${run}.jsonl`));
    const { worst, worstOnTheClock, p99 } = report.loop;
    const name = `main process, storm of ${seconds} s`;
    const row = (what: string, value: number, unit: string, target: string, ok: boolean): BenchRow => ({
      name: `${name}: ${what}`,
      value: Math.round(value * 10) / 10,
      unit,
      target,
      ok,
    });
    return [
      row(
        `recorded, on a disk whose syncs took up to ${Math.round(slowestSync)} ms`,
        report.rate,
        'events/s',
        'at least 950',
        report.rate >= 950,
      ),
      row(
        `event loop blocked at most (computing ${Math.round(worst.running)} ms of it; up to ${Math.round(worstOnTheClock)} ms with what other processes took)`,
        worst.own,
        'ms',
        'under 50',
        worst.own < 50,
      ),
      row('event loop blocked, p99', p99, 'ms', 'under 10', p99 < 10),
      row('events lost', lost, '', '0', lost === 0),
    ];
  } finally {
    busy.kill();
    rmSync(directory, { recursive: true, force: true });
  }
};
