import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { isOpenPhase, phases } from '../../src-main/core/recovery/phase.ts';
import type { RecoveryState } from '../../src-main/core/recovery/state.ts';
import { sentenceOfFinding } from '../../src-main/journal/findings.ts';
import { readJournal } from '../../src-main/journal/reader.ts';
import { createReplay } from '../../src-main/journal/replay.ts';
import type { Host } from './consolePageDoors.ts';
import type { StormReport } from './consolePageHost.ts';
import {
  foldOfPage,
  heapUsed,
  phasesShown,
  reached,
  watchFrames,
  type PageFold,
} from './consolePageProbe.ts';
import type { BenchRow } from './row.ts';

/** Seconds of the storm; a shorter one is for trying out. */
const seconds = Number(process.env['RECOVERY_BENCH_STORM'] ?? 60);
const tracedSeconds = 15;
/** Endpoints that have errors. */
const functions = 100;
const megabyte = 1_000_000;

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? Infinity;

/** While a recovery is under way. A page that gets few frames may pass over the first of them. */
const phasesAfterSignal: ReadonlySet<string> = new Set(phases.filter(isOpenPhase));

/** From when to when, in milliseconds since 1970. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * From each signal to the first frame that shows a phase after it. The moments of the signals are those of the rig's
 * clock: where the simulated machine itself is late, that is in it.
 */
const latencies = ({ signals }: StormReport, shown: Awaited<ReturnType<typeof phasesShown>>): Span[] => {
  const isOpen = (index: number): boolean => phasesAfterSignal.has(shown[index]?.text ?? '');
  const begun = shown.filter((_, index) => isOpen(index) && !isOpen(index - 1)).map(({ at }) => at);
  let next = 0;
  return signals.map((signal) => {
    while ((begun[next] ?? Infinity) < signal) next += 1;
    // A recovery that was never shown is as late as can be.
    const seen = begun[next] ?? Infinity;
    next += 1;
    return { from: signal, to: seen };
  });
};

interface JournalFold {
  readonly lines: readonly JournalLine[];
  readonly states: Readonly<Record<string, RecoveryState>>;
  readonly divergences: number;
}

const foldOfJournal = async (path: string): Promise<JournalFold> => {
  const replay = createReplay();
  const lines: JournalLine[] = [];
  const read = await readJournal(path, {
    line: (line) => {
      lines.push(line);
      replay.take(line);
    },
    finding: (finding) => {
      throw new Error(sentenceOfFinding(finding));
    },
  });
  if (!read.ok) throw new Error(read.error.message);
  const states = Object.fromEntries(replay.devices().map(({ device, state }) => [device, state]));
  return { lines, states, divergences: replay.divergenceCount() };
};

/** Lines and devices in which the page differs from the journal; 0 when nothing was lost. */
const differences = (page: PageFold, journal: JournalFold): number => {
  const first = page.lines[0]?.seq ?? 1;
  const expected = journal.lines.slice(first - 1);
  const lines = expected.filter((line, index) => !isDeepStrictEqual(plain(line), page.lines[index])).length;
  const devices = Object.entries(journal.states).filter(
    ([device, state]) => !isDeepStrictEqual(plain(state), page.states[device]),
  ).length;
  return lines + devices + Math.abs(journal.lines.length - page.lastSeq) + journal.divergences;
};

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The page drops old lines in portions, every five seconds: a few looks over that time. */
const meanHeap = async (page: Page, looks: Span[]): Promise<number> => {
  let sum = 0;
  for (let look = 0; look < 6; look += 1) {
    const from = Date.now();
    sum += await heapUsed(page);
    looks.push({ from, to: Date.now() });
    await pause(830);
  }
  return sum / 6;
};

const overlap = (one: Span, other: Span): boolean => one.from < other.to && other.from < one.to;

/** A storm of a thousand recorded events a second, looked at from the page of one of the devices. */
export const stormRows = async (door: string, host: Host): Promise<readonly BenchRow[]> => {
  const { page, runs, arm, storm, close } = await host(functions);
  try {
    await page.getByRole('tabpanel').waitFor();
    await arm();
    const reported = storm(seconds);
    const started = performance.now();
    const since = (share: number): Promise<void> =>
      pause(Math.max(0, started + share * seconds * 1_000 - performance.now()));
    // From here on the page keeps as many lines as it ever does.
    await since(0.55);
    const looks: Span[] = [];
    const heapBefore = await meanHeap(page, looks);
    await since(0.9);
    const growth = (await meanHeap(page, looks)) - heapBefore;
    const report = await reported;
    const { rig, rate, blocked } = report;
    await reached(page, rig, report.lines);
    // A look at the heap collects all garbage first and stops the page meanwhile, which no storm does.
    const late = latencies(report, await phasesShown(page))
      .filter((latency) => !looks.some((look) => overlap(latency, look)))
      .map(({ from, to }) => to - from);
    // In a storm of its own: in Electron the trace passes through the main process, whose loop is measured above.
    const another = storm(tracedSeconds);
    const smooth = await watchFrames(page, () => pause(tracedSeconds * 900));
    const { lines } = await another;
    await reached(page, rig, lines);
    const folded = await foldOfPage(page, rig);
    const lost = differences(folded, await foldOfJournal(join(runs, `${folded.run}.jsonl`)));
    const name = `${door}, storm of ${seconds} s`;
    const row = (what: string, value: number, unit: string, target: string, ok: boolean): BenchRow => ({
      name: `${name}: ${what}`,
      value: Math.round(value * 10) / 10,
      unit,
      target,
      ok,
    });
    const p95 = percentile(late, 0.95);
    return [
      row('recorded', rate, 'events/s', 'at least 950', rate >= 950),
      row(`signal to visible phase, p95 of ${late.length}`, p95, 'ms', 'under 100', p95 < 100),
      row('page differs from the journal in', lost, 'places', '0', lost === 0),
      row(
        'heap of the renderer grew by, from 55 to 90 %',
        growth / megabyte,
        'MB',
        'under 10',
        growth < 10 * megabyte,
      ),
      row(
        'longest task of the page, processor time',
        smooth.longestTask,
        'ms',
        'under 50',
        smooth.longestTask < 50,
      ),
      row('frame late by at most', smooth.latestFrame, 'ms', 'under 50', smooth.latestFrame < 50),
      row('event loop of main blocked at most', blocked, 'ms', 'under 50', blocked < 50),
    ];
  } finally {
    await close();
  }
};
