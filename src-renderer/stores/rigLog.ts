import { markRaw, shallowRef, type ShallowRef } from 'vue';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import type { Phase } from '../../src-main/core/recovery/phase.ts';
import { rowsOf, type TimelineRow } from '../../src-main/core/timeline/rows.ts';

/** A row with its place: `seq` is the journal line, `part` the row within it. */
export interface LogRow extends TimelineRow {
  readonly seq: number;
  readonly part: number;
}

export interface DeviceLog {
  readonly lines: readonly JournalLine[];
  readonly rows: readonly LogRow[];
}

/** Live lines that are kept; older ones can be asked for again. */
export const liveLines = 20_000;
/** What is kept at most while somebody reads old lines. */
export const heldLines = 200_000;
/** Of one device, however busy a few others are. */
export const deviceLines = 2_000;
/** Of all devices together: in a storm on many the busy ones keep less, and the quiet ones all they have. */
export const allDeviceLines = 20_000;
/** Of one device, however many are busy: its last recovery and the one before. */
const leastDeviceLines = 100;

interface DeviceLines {
  lines: JournalLine[];
  rows: LogRow[];
}

const deviceOf = (line: JournalLine): string | null => ('device' in line ? line.device : null);

/**
 * The lines of one rig's run and the rows they make, in plain arrays that Vue does not look into: who shows them
 * watches `version`, which changes once per batch.
 */
export class RigLog {
  readonly version: ShallowRef<number> = shallowRef(0);
  /** While true nothing is dropped from the front, so that what somebody reads stays where it is. */
  held = false;
  /** Nothing older can be had. */
  exhausted = false;
  /** How many rows were put in front or dropped there, so that a list can keep its place. */
  frontShift = 0;
  /** How often lines were put in front: rows behind them may then be told otherwise. */
  prepends = 0;
  /** How often it began anew. */
  clears = 0;
  #lines: JournalLine[] = [];
  #rows: LogRow[] = [];
  readonly #devices = new Map<string, DeviceLines>();
  /** Lines of all devices, and when they are looked through next. */
  #deviceTotal = 0;
  #trimAt = allDeviceLines;
  readonly #phases = new Map<string, Phase>();
  /** The first step line of each device that is kept: what came before it was unknown when its rows were made. */
  readonly #firstSteps = new Map<string, number>();

  constructor() {
    markRaw(this);
  }

  get lines(): readonly JournalLine[] {
    return this.#lines;
  }

  get rows(): readonly LogRow[] {
    return this.#rows;
  }

  get firstSeq(): number | null {
    return this.#lines[0]?.seq ?? null;
  }

  get lastSeq(): number {
    return this.#lines.at(-1)?.seq ?? 0;
  }

  /** Lines and rows of one device, oldest first; the newest `deviceLines` lines at least. */
  device(address: string): DeviceLog {
    return this.#devices.get(address) ?? { lines: [], rows: [] };
  }

  /** Appends what follows; lines that are here already are left out, and a new run starts anew. */
  append(lines: readonly JournalLine[]): void {
    let changed = false;
    for (const line of lines) {
      if (line.type === 'run' && line.seq <= this.lastSeq && !this.#has(line)) this.clear();
      if (line.seq <= this.lastSeq) continue;
      this.#add(line);
      changed = true;
    }
    if (!changed) return;
    const most = this.held ? heldLines : liveLines;
    if (this.#lines.length > most) this.#dropFront(this.#lines.length - Math.floor(most * 0.75));
    if (!this.held && this.#deviceTotal > this.#trimAt) this.#trimDevices();
    this.version.value += 1;
  }

  /** Puts older lines in front: they have to end right before the first one that is here. */
  prepend(older: readonly JournalLine[]): void {
    const first = this.firstSeq;
    const fitting = first === null ? older : older.filter((line) => line.seq < first);
    if (fitting.length === 0 || (first !== null && fitting.at(-1)?.seq !== first - 1)) return;
    const phases = new Map<string, Phase>();
    const firstSteps = new Map<string, number>();
    const rows = fitting.flatMap((line) => this.#rowsWith(line, phases, firstSteps));
    this.#amendFirstSteps(phases);
    this.#lines = [...fitting, ...this.#lines];
    this.#rows = [...rows, ...this.#rows];
    this.frontShift += rows.length;
    this.prepends += 1;
    for (const [device, phase] of phases) if (!this.#phases.has(device)) this.#phases.set(device, phase);
    for (const [device, seq] of firstSteps) this.#firstSteps.set(device, seq);
    this.#prependToDevices(fitting, rows);
    this.version.value += 1;
  }

  /** The lines of a snapshot: they continue what is here, or replace it where lines in between are missing. */
  resume(recent: readonly JournalLine[], run: string | null): void {
    const header = this.#lines[0];
    const first = recent[0];
    const otherRun = header?.type === 'run' && header.run !== run;
    const same = first !== undefined && first.seq <= this.lastSeq + 1 && !otherRun && this.#agrees(recent);
    if (!same) this.clear();
    this.append(recent);
    this.version.value += 1;
  }

  clear(): void {
    this.#lines = [];
    this.#rows = [];
    this.#devices.clear();
    this.#deviceTotal = 0;
    this.#trimAt = allDeviceLines;
    this.#phases.clear();
    this.#firstSteps.clear();
    this.frontShift = 0;
    this.clears += 1;
    this.exhausted = false;
  }

  /** Another run counts from 1 as well: the same line has the same number and the same moment. */
  #agrees(recent: readonly JournalLine[]): boolean {
    const first = this.firstSeq;
    if (first === null) return true;
    const shared = recent.find((line) => line.seq >= first && line.seq <= this.lastSeq);
    return shared === undefined || this.#has(shared);
  }

  #has(line: JournalLine): boolean {
    const known = this.#lines[line.seq - (this.firstSeq ?? line.seq)];
    return known !== undefined && known.seq === line.seq && known.wall === line.wall && known.at === line.at;
  }

  #rowsWith(line: JournalLine, phases: Map<string, Phase>, firstSteps: Map<string, number>): LogRow[] {
    const device = deviceOf(line);
    const previous = device === null ? null : (phases.get(device) ?? null);
    if (device !== null && line.type === 'step') {
      if (previous === null && !firstSteps.has(device)) firstSteps.set(device, line.seq);
      phases.set(device, line.phase);
    }
    if (line.type === 'armed') phases.set(line.device, 'armed');
    if (line.type === 'disarmed') phases.delete(line.device);
    return rowsOf(line, previous).map((row, part) => ({ ...row, seq: line.seq, part }));
  }

  #add(line: JournalLine): void {
    const rows = this.#rowsWith(line, this.#phases, this.#firstSteps);
    this.#lines.push(line);
    for (const row of rows) this.#rows.push(row);
    const device = deviceOf(line);
    if (device === null) return;
    let log = this.#devices.get(device);
    if (log === undefined) this.#devices.set(device, (log = { lines: [], rows: [] }));
    log.lines.push(line);
    this.#deviceTotal += 1;
    for (const row of rows) log.rows.push(row);
    if (log.lines.length > deviceLines * 1.25) this.#trim(log, deviceLines);
  }

  #trim(log: DeviceLines, most: number): void {
    const surplus = log.lines.length - most;
    if (surplus <= 0) return;
    log.lines.splice(0, surplus);
    this.#deviceTotal -= surplus;
    const oldest = log.lines[0]?.seq ?? 0;
    const keep = log.rows.findIndex((row) => row.seq >= oldest);
    log.rows.splice(0, keep === -1 ? log.rows.length : keep);
  }

  /** Whoever has more than an even share of what all may keep is cut down to it. */
  #trimDevices(): void {
    const share = Math.floor((allDeviceLines * 0.75) / this.#devices.size);
    for (const log of this.#devices.values()) this.#trim(log, Math.max(leastDeviceLines, share));
    this.#trimAt = Math.max(allDeviceLines, this.#deviceTotal * 1.25);
  }

  #prependToDevices(lines: readonly JournalLine[], rows: readonly LogRow[]): void {
    const linesOf = Map.groupBy(lines, deviceOf);
    const rowsBy = Map.groupBy(rows, (row) => row.device);
    for (const [device, added] of linesOf) {
      if (device === null) continue;
      const log = this.#devices.get(device) ?? { lines: [], rows: [] };
      const oldest = log.lines[0]?.seq ?? Infinity;
      const before = added.filter((line) => line.seq < oldest);
      log.lines = [...before, ...log.lines];
      this.#deviceTotal += before.length;
      log.rows = [...(rowsBy.get(device) ?? []).filter((row) => row.seq < oldest), ...log.rows];
      this.#devices.set(device, log);
    }
  }

  /** Now that the phase before them is known, the first steps say rightly whether they began one. */
  #amendFirstSteps(phases: ReadonlyMap<string, Phase>): void {
    for (const [device, phase] of phases) {
      const seq = this.#firstSteps.get(device);
      const line = seq === undefined ? undefined : this.#lines[seq - (this.firstSeq ?? seq)];
      if (line === undefined || line.seq !== seq) continue;
      const amended = rowsOf(line, phase).map((row, part) => ({ ...row, seq, part }));
      const log = this.#devices.get(device);
      for (const rows of [this.#rows, log?.rows ?? []]) {
        const at = rows.findIndex((row) => row.seq === seq);
        if (at !== -1) rows.splice(at, amended.length, ...amended);
      }
      this.#firstSteps.delete(device);
    }
  }

  #dropFront(count: number): void {
    this.#lines.splice(0, count);
    const oldest = this.firstSeq ?? Infinity;
    const keep = this.#rows.findIndex((row) => row.seq >= oldest);
    const dropped = keep === -1 ? this.#rows.length : keep;
    this.#rows.splice(0, dropped);
    this.frontShift -= dropped;
    this.exhausted = false;
    for (const [device, seq] of this.#firstSteps) if (seq < oldest) this.#firstSteps.delete(device);
  }
}
