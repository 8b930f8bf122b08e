import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJournal } from '../../src-main/journal/writer.ts';
import { OpenRuns } from '../../src-main/service/openRuns.ts';
import { header } from '../journal/header.ts';
import { fullRecovery, notifyArming, recordDevice } from '../journal/recorder.ts';
import type { BenchRow } from './row.ts';

const lines = 1_000_000;
const devices = ['0000:01:00.0', '0000:02:00.0', '0000:03:00.0', '0000:04:00.0'];
/** Of a recovery of one device, in microseconds; it takes 21 ms. */
const turn = 25_000;

/** Recoveries of four devices, one after the other, and after each a line of the kernel log. Answers the run's name. */
export const recordLongRun = (directory: string): string => {
  const created = createJournal({ directory, header, at: 0, now: Date.now });
  if (!created.ok) throw new Error(created.error.message);
  const journal = created.value;
  let written = 1;
  const append: Parameters<typeof recordDevice>[3] = (at, body) => {
    const result = journal.append(at, body);
    if (!result.ok) throw new Error(result.error.message);
    written = result.value;
  };
  const recorders = devices.map((device) => recordDevice(device, notifyArming, 0, append));
  let now = turn;
  for (let number = 1; written < lines; number += 1) {
    for (const recorder of recorders) {
      for (const event of fullRecovery(number, now)) recorder.take(event);
      now += turn;
      append(now - 1, { type: 'kernelLog', device: null, text: 'AER: device recovery successful' });
    }
  }
  journal.close();
  return journal.run;
};

const took = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/**
 * The longest time that the event loop had no turn, looked at every other millisecond; in processor time, so that what
 * other processes take on a busy machine is not counted.
 */
const watchLoop = (): { stop: () => number } => {
  let worst = 0;
  let last = performance.now();
  let lastUsed = processorTime();
  const timer = setInterval(() => {
    const now = performance.now();
    const used = processorTime();
    worst = Math.max(worst, Math.min(now - last, used - lastUsed) - 2);
    last = now;
    lastUsed = used;
  }, 2);
  return {
    stop: () => {
      clearInterval(timer);
      return worst;
    },
  };
};

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? 0;

const row = (name: string, value: number, unit: string, under: number): BenchRow => ({
  name,
  value: Math.round(value * 10) / 10,
  unit,
  target: `under ${under.toLocaleString('en')}`,
  ok: value < under,
});

/** A journal of a million lines: until it can be looked at, until it is whole, and what a drag of the scrubber costs. */
export const openRunBench = async (): Promise<BenchRow[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-open-'));
  try {
    const run = recordLongRun(directory);
    const runs = new OpenRuns(directory);
    const loop = watchLoop();
    const started = performance.now();
    const used = processorTime();
    let opened = await runs.open(run);
    const first = performance.now() - started;
    while (opened.ok && opened.value.reading !== null) opened = await runs.open(run);
    const whole = processorTime() - used;
    const blocked = loop.stop();
    if (!opened.ok) throw new Error(opened.error.message);
    const { value } = opened;
    if (value.lines < lines || value.divergences > 0 || value.findingCount > 0) {
      throw new Error(`the run is not that of the journal: ${value.lines} lines`);
    }
    const moments: number[] = [];
    for (let index = 0; index < 200; index += 1) {
      const at = Math.round(value.from + ((value.to - value.from) * ((index * 61) % 200)) / 200);
      moments.push(await took(() => runs.moment(run, at, devices[index % 4] ?? null)));
    }
    const pages: number[] = [];
    for (let index = 0; index < 100; index += 1) {
      pages.push(await took(() => runs.lines(run, Math.floor((lines / 100) * ((index * 37) % 100)), 200)));
    }
    return [
      row('open run of 1,000,000 lines: first answer', first, 'ms', 3_000),
      row('open run: read to its end and checked, processor time', whole / 1_000, 's', 10),
      row('open run: event loop blocked at most', blocked, 'ms', 50),
      row('open run: a moment of it, p95', percentile(moments, 0.95), 'ms', 50),
      row('open run: a page of 200 lines, p95', percentile(pages, 0.95), 'ms', 50),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
