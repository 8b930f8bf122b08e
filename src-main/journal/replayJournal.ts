import { success, type Result } from '../core/result.ts';
import type { Finding } from './findings.ts';
import { readJournal } from './reader.ts';
import { createReplay, type Replay } from './replay.ts';
import type { ScanSummary } from './scanner.ts';

export interface ReplayReport {
  readonly replay: Replay;
  readonly summary: ScanSummary;
  /** The first 1,000; `summary.findings` counts all. */
  readonly findings: readonly Finding[];
}

const findingsKept = 1_000;

/** Reads a journal and folds it. After damage in the file, divergences are to be expected and are reported. */
export const replayJournal = async (path: string): Promise<Result<ReplayReport>> => {
  const replay = createReplay();
  const findings: Finding[] = [];
  const read = await readJournal(path, {
    line: (line) => replay.take(line),
    finding: (finding) => {
      if (findings.length < findingsKept) findings.push(finding);
    },
  });
  return read.ok ? success({ replay, summary: read.value, findings }) : read;
};
