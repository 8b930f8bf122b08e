import type { JournalLine, OpenedRun } from '../../preload/contract/views.ts';
import { failure, success, type Result } from '../core/result.ts';
import { pathOfRun } from '../journal/catalogue.ts';
import { sentenceOfFinding } from '../journal/findings.ts';
import { readJournal } from '../journal/reader.ts';
import { createReplay, type Replay } from '../journal/replay.ts';
import type { ScanSummary } from '../journal/scanner.ts';
import { LineIndex, readLines } from './lineIndex.ts';

/** Sentences that are shown; a file with more of them is not made clearer by the rest. */
const findingsKept = 100;
/** Indexes that are kept; one of a million lines takes some 30 kB. */
const indexesKept = 16;

interface Scan {
  readonly summary: ScanSummary;
  readonly replay: Replay;
  readonly findings: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** The runs that somebody looks at. Of each only an index is kept; its lines are read when they are asked for. */
export class OpenRuns {
  readonly #directory: string | null;
  readonly #indexes = new Map<string, LineIndex>();

  constructor(directory: string | null) {
    this.#directory = directory;
  }

  path(run: string): Result<string> {
    return this.#directory === null
      ? failure('unknownRun', 'This bench records nothing, so there are no runs.')
      : pathOfRun(this.#directory, run);
  }

  async open(run: string): Promise<Result<OpenedRun>> {
    const scanned = await this.#scan(run);
    if (!scanned.ok) return scanned;
    const { summary, replay, findings, from, to } = scanned.value;
    return success({
      run,
      rig: summary.header?.rig ?? null,
      scenario: summary.header?.scenario ?? null,
      lines: summary.lines,
      from,
      to,
      findings,
      divergences: replay.divergenceCount(),
      devices: replay.devices().map(({ device, trace, recoveries }) => ({
        device,
        trace,
        recoveries: recoveries.map(({ number, openedAt, concludedAt, outcome, durations }) => ({
          number,
          openedAt,
          concludedAt,
          outcome,
          durations,
        })),
      })),
    });
  }

  /** Lines from this index on, counted from 0 over the lines that are whole. */
  async lines(run: string, from: number, count: number): Promise<Result<readonly JournalLine[]>> {
    const path = this.path(run);
    if (!path.ok) return path;
    let index = this.#indexes.get(run);
    if (index === undefined) {
      const scanned = await this.#scan(run);
      if (!scanned.ok) return scanned;
      index = this.#indexes.get(run);
    }
    return index === undefined ? success([]) : readLines(path.value, index.placeOf(from), count);
  }

  async #scan(run: string): Promise<Result<Scan>> {
    const path = this.path(run);
    if (!path.ok) return path;
    const replay = createReplay();
    const index = new LineIndex();
    const findings: string[] = [];
    let from: number | null = null;
    let to = 0;
    const read = await readJournal(path.value, {
      line: (line, { byteOffset }) => {
        replay.take(line);
        index.add(byteOffset);
        from ??= line.at;
        to = line.at;
      },
      finding: (finding) => {
        if (findings.length < findingsKept) findings.push(sentenceOfFinding(finding));
      },
    });
    if (!read.ok) {
      return read.error.errno?.name === 'ENOENT' ? failure('unknownRun', `There is no run ${run}.`) : read;
    }
    this.#keep(run, index);
    return success({ summary: read.value, replay, findings, from: from ?? 0, to });
  }

  #keep(run: string, index: LineIndex): void {
    this.#indexes.delete(run);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size < indexesKept) break;
      this.#indexes.delete(oldest);
    }
    this.#indexes.set(run, index);
  }
}
