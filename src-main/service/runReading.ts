import type { JournalLine, OpenedRun, RunMoment } from '../../preload/contract/views.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { success, type Result } from '../core/result.ts';
import type { RunEntry } from '../journal/catalogue.ts';
import { sentenceOfDivergence } from '../journal/divergence.ts';
import { sentenceOfFinding, type Finding } from '../journal/findings.ts';
import { readJournal } from '../journal/reader.ts';
import { createReplay } from '../journal/replay.ts';
import type { ScanSummary } from '../journal/scanner.ts';
import { LineIndex } from './lineIndex.ts';
import { Checkpoints } from './runCheckpoints.ts';
import { follow, PhaseHistory, type DeviceAt, type DevicesAt } from './runFold.ts';
import { readSection } from './runSection.ts';

/** Sentences that are shown; a file with more of them is not made clearer by the rest. */
const sentencesKept = 100;
/** Of all devices together, so that an answer stays a message of a few 100 kB. */
const bandsShown = 8_000;
const recoveriesShown = 2_000;
const mostBands = 800;
/** A recovery has a few dozen lines; what is between them belongs to other devices. */
const storyLines = 400;
const storyReach = 20_000;

/**
 * One journal, read once from its beginning while it is looked at. Kept of it are an index, checkpoints of the fold and
 * the recoveries; lines are read again when they are asked for.
 */
export class RunReading {
  readonly entry: RunEntry;
  readonly done: Promise<Result<void>>;
  readonly #replay = createReplay();
  readonly #index = new LineIndex();
  readonly #checkpoints = new Checkpoints();
  readonly #devices: DevicesAt = new Map();
  readonly #histories = new Map<string, PhaseHistory>();
  readonly #findings: string[] = [];
  /** Where lines stand that were delivered before. */
  readonly #repeated = new Set<number>();
  readonly #waiting = new Set<{ at: Microseconds; wake: () => void }>();
  #findingCount = 0;
  #first: Microseconds | null = null;
  #clock: Microseconds = 0;
  #bytes = 0;
  #summary: ScanSummary | null = null;
  #finished = false;

  constructor(entry: RunEntry) {
    this.entry = entry;
    this.done = this.#read();
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** What is known by now. */
  view(): OpenedRun {
    const { entry } = this;
    const whole = this.#finished;
    const from = this.#first ?? 0;
    const to = whole ? this.#clock : Math.max(this.#clock, entry.lastAt ?? 0);
    const devices = this.#replay.devices();
    const share = (most: number): number => Math.max(1, Math.floor(most / Math.max(1, devices.length)));
    const divergences = this.#replay.divergences().slice(0, sentencesKept);
    return {
      run: entry.run,
      rig: entry.header?.rig ?? null,
      scenario: entry.header?.scenario ?? null,
      lines: whole ? this.#index.lines : Math.max(this.#index.lines, entry.lines ?? 0),
      from,
      to,
      reading: whole
        ? null
        : { lines: this.#index.lines, share: Math.min(0.999, this.#bytes / Math.max(1, entry.bytes)) },
      ended: whole ? (this.#summary?.ended ?? false) : null,
      findings: this.#findings,
      findingCount: this.#findingCount,
      divergences: this.#replay.divergenceCount(),
      diverged: divergences.map(sentenceOfDivergence),
      devices: devices.map(({ device, trace, recoveries }) => ({
        device,
        trace: trace.slice(0, share(recoveriesShown)),
        traceLength: trace.length,
        bands: this.#histories.get(device)?.bands(from, to, Math.min(mostBands, share(bandsShown))) ?? [],
        recoveries: recoveries
          .slice(0, share(recoveriesShown))
          .map(({ number, openedAt, concludedAt, outcome, durations }) => ({
            number,
            openedAt,
            concludedAt,
            outcome,
            durations,
          })),
        recoveryCount: recoveries.length,
      })),
    };
  }

  /** Lines from this index on, counted from 0 over the lines that are whole. */
  async lines(from: number, count: number): Promise<Result<readonly JournalLine[]>> {
    const { byteOffset, skip } = this.#index.placeOf(from);
    const lines: JournalLine[] = [];
    const read = await readSection(this.entry.path, byteOffset, this.#repeated, (line, index) => {
      if (index >= skip) lines.push(line);
      return lines.length < count;
    });
    return read.ok ? success(lines) : read;
  }

  /** The run as it was at this moment, and the recovery of one device. Waits until it has been read that far. */
  async moment(at: Microseconds, device: string | null): Promise<Result<RunMoment>> {
    await this.#reached(at);
    const from = this.#checkpoints.atMoment(at);
    const devices: DevicesAt = new Map(from?.devices);
    let clock = from?.clock ?? 0;
    let lines = from?.line ?? 0;
    const read = await readSection(this.entry.path, from?.byteOffset ?? 0, this.#repeated, (line) => {
      clock = Math.max(clock, line.at);
      // What is appended meanwhile belongs to another reading.
      if (clock > at || lines >= this.#index.lines) return false;
      follow(devices, line, lines);
      lines += 1;
      return true;
    });
    if (!read.ok) return read;
    const story = device === null ? null : await this.#story(device, devices.get(device), lines);
    if (story !== null && !story.ok) return story;
    return success({
      run: this.entry.run,
      at,
      lines,
      devices: [...devices].map(([name, { state, armed }]) => ({
        device: name,
        phase: armed ? state.phase : null,
        recovery: state.phase === 'armed' ? null : state.recovery.number,
        outcome: 'concludedAt' in state ? state.phase : null,
      })),
      story: story?.value ?? null,
    });
  }

  async #story(
    device: string,
    known: DeviceAt | undefined,
    until: number,
  ): Promise<Result<RunMoment['story']>> {
    if (known === undefined || known.story === null) return success(null);
    const { from, to } = known.story;
    const last = Math.min(until - 1, to ?? Infinity);
    const { byteOffset, skip } = this.#index.placeOf(from);
    const lines: JournalLine[] = [];
    let cut = false;
    const read = await readSection(this.entry.path, byteOffset, this.#repeated, (line, index) => {
      const place = from + index - skip;
      if (place < from) return true;
      if (place > last) return false;
      if (lines.length === storyLines || place - from > storyReach) cut = true;
      else if ('device' in line && line.device === device) lines.push(line);
      return !cut;
    });
    return read.ok ? success({ device, state: known.state, lines, cut }) : read;
  }

  async #read(): Promise<Result<void>> {
    const read = await readJournal(this.entry.path, {
      line: (line, { byteOffset, bytes }) => this.#take(line, byteOffset, byteOffset + bytes.length + 1),
      finding: (finding) => this.#report(finding),
    });
    this.#finished = true;
    for (const { wake } of this.#waiting) wake();
    this.#waiting.clear();
    if (!read.ok) return read;
    this.#summary = read.value;
    return success(undefined);
  }

  #take(line: JournalLine, byteOffset: number, end: number): void {
    const index = this.#index.lines;
    this.#repeated.delete(byteOffset);
    this.#checkpoints.offer(index, byteOffset, this.#clock, this.#devices);
    this.#index.add(byteOffset);
    this.#replay.take(line);
    this.#first ??= line.at;
    this.#clock = Math.max(this.#clock, line.at);
    this.#bytes = end;
    const changed = follow(this.#devices, line, index);
    if (changed !== null && 'device' in line && line.device !== null) {
      let history = this.#histories.get(line.device);
      if (history === undefined) this.#histories.set(line.device, (history = new PhaseHistory()));
      history.add(this.#clock, changed.armed ? changed.state.phase : null);
    }
    for (const one of this.#waiting) {
      if (this.#clock <= one.at) continue;
      this.#waiting.delete(one);
      one.wake();
    }
  }

  #report(finding: Finding): void {
    // A line that comes late is delivered after this, and one that comes again is not.
    if (finding.kind === 'damagedLine' && finding.because === 'sequence') {
      this.#repeated.add(finding.byteOffset);
    }
    this.#findingCount += 1;
    if (this.#findings.length < sentencesKept) this.#findings.push(sentenceOfFinding(finding));
  }

  #reached(at: Microseconds): Promise<void> {
    if (this.#finished || this.#clock > at) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ at, wake: resolve }));
  }
}
