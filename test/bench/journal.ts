import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createJournal, type RecordBody } from '../../src-main/journal/writer.ts';
import { header } from '../journal/header.ts';
import { fullRecovery, notifyArming, recordDevice } from '../journal/recorder.ts';
import type { BenchRow } from './row.ts';

const lines = 1_000_000;
const devices = ['0000:01:00.0', '0000:02:00.0', '0000:03:00.0', '0000:04:00.0'];

interface Append {
  readonly at: number;
  readonly body: RecordBody;
}

/** Step lines of recoveries of four devices, one after the other, and after each a line of the kernel log. */
const typicalLines = function* (): Generator<readonly Append[]> {
  let portion: Append[] = [];
  const record = (at: number, body: RecordBody): void => {
    portion.push({ at, body });
  };
  const recorders = devices.map((device) => recordDevice(device, notifyArming, 0, record));
  const text = 'pcieport 0000:00:01.0: AER: device recovery successful';
  for (let number = 1; ; number += 1) {
    for (const recorder of recorders) {
      for (const event of fullRecovery(number, number * 100_000)) recorder.take(event);
      record(number * 100_000, { type: 'kernelLog', device: null, text });
    }
    yield portion;
    portion = [];
  }
};

/** Only the appends are timed, not the making of what is appended. */
const writeBench = (directory: string): { path: string; rate: number } => {
  const created = createJournal({ directory, header, at: 0, now: Date.now });
  if (!created.ok) throw new Error(created.error.message);
  const journal = created.value;
  let took = 0;
  let last = 1;
  for (const portion of typicalLines()) {
    const started = performance.now();
    for (const { at, body } of portion) {
      const result = journal.append(at, body);
      if (!result.ok) throw new Error(result.error.message);
      last = result.value;
    }
    took += performance.now() - started;
    if (last >= lines) break;
  }
  journal.close();
  return { path: journal.path, rate: Math.round((last / took) * 1_000) };
};

interface Replayed {
  readonly seconds: number;
  readonly lines: number;
  readonly findings: number;
  readonly divergences: number;
  readonly peakMegabytes: number;
}

const replayBench = async (path: string): Promise<Replayed> => {
  const program = join(import.meta.dirname, 'journalReplay.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, path]);
  const replayed = JSON.parse(stdout) as Replayed;
  if (replayed.lines < lines || replayed.findings > 0 || replayed.divergences > 0) {
    throw new Error(`the replay is not that of the journal: ${stdout}`);
  }
  return replayed;
};

/** Lines a second without fsync, and the replay of a million lines. Takes about 500 MB of disk and 15 s. */
export const journalBench = async (): Promise<BenchRow[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-speed-'));
  try {
    const { path, rate } = writeBench(directory);
    const { seconds, peakMegabytes } = await replayBench(path);
    return [
      {
        name: 'journal: append without fsync',
        value: rate,
        unit: 'lines/s',
        target: 'at least 50,000',
        ok: rate >= 50_000,
      },
      {
        name: 'journal: replay of 1,000,000 lines',
        value: Math.round(seconds * 10) / 10,
        unit: 's',
        target: 'under 10',
        ok: seconds < 10,
      },
      {
        name: 'journal: peak memory of the process that replays them',
        value: peakMegabytes,
        unit: 'MB',
        target: 'under 300',
        ok: peakMegabytes < 300,
      },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
