import { missingCase } from '../../../src-main/core/exhaustive.ts';
import type { JournalLine, LineOf } from '../../../src-main/core/journal/line.ts';
import {
  isOpenPhase,
  type Microseconds,
  type OpenPhase,
  type Outcome,
  type Protocol,
} from '../../../src-main/core/recovery/phase.ts';
import type { Reason } from '../../../src-main/core/recovery/reasons.ts';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { placeByTime } from '../../../src-main/core/timeline/placing.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import type { DeviceLog, LogRow } from '../../stores/rigLog.ts';

export interface Conclusion {
  readonly at: Microseconds;
  readonly outcome: Outcome;
  readonly reason: Reason;
}

/** One recovery as its lines tell it, with the fault before it and what was done to the device after it. */
export interface RecoveryStory {
  /** Tells it from every other one of this device; numbers start anew with each arming. */
  readonly key: string;
  readonly number: number;
  readonly openedAt: Microseconds;
  readonly protocol: Protocol | null;
  readonly rows: readonly LogRow[];
  /** Its last state; null where the lines begin in the middle of its arming. */
  readonly state: RecoveryState | null;
  readonly conclusion: Conclusion | null;
  readonly durations: readonly { readonly phase: OpenPhase; readonly took: Microseconds }[];
}

export interface RecoveryRecord {
  /** Oldest first. */
  readonly stories: readonly RecoveryStory[];
  /** What has happened since the device was armed, while that has led to no recovery. */
  readonly idleRows: readonly LogRow[];
}

interface Draft {
  number: number;
  openedAt: Microseconds;
  protocol: Protocol | null;
  rows: LogRow[];
  state: RecoveryState | null;
  conclusion: Conclusion | null;
  phases: { phase: OpenPhase; since: Microseconds; took: Microseconds }[];
}

/** A recovery has a few dozen rows; of one in a storm the newest are drawn. */
const mostRows = 300;
const mostStories = 100;

const endPhase = (draft: Draft, at: Microseconds): void => {
  const last = draft.phases.at(-1);
  if (last !== undefined && last.took === 0) last.took = Math.max(0, at - last.since);
};

const enter = (draft: Draft, line: LineOf<'step'>): void => {
  if (!isOpenPhase(line.phase) || draft.conclusion !== null) return;
  if (draft.phases.at(-1)?.phase === line.phase) return;
  endPhase(draft, line.event.at);
  draft.phases.push({ phase: line.phase, since: line.event.at, took: 0 });
};

/**
 * The recoveries of one device, kept up as lines come. The same fold as everywhere through the core's `step`; where the
 * lines do not begin with the arming, what the lines say themselves is all there is.
 */
class RecoveryReader {
  #drafts: Draft[] = [];
  #state: RecoveryState | null = null;
  #current: Draft | null = null;
  /** While the current arming has no recovery yet. */
  #idle: LogRow[] = [];
  /** Where in the rows kept last a fault begins that may lead to the next recovery. */
  #fault: number | null = null;

  read(line: JournalLine, rows: readonly LogRow[]): void {
    switch (line.type) {
      case 'armed':
        this.#state = armedState(line.arming);
        this.#current = null;
        this.#idle = [];
        this.#fault = null;
        return;
      case 'step':
        this.#step(line, rows);
        return;
      case 'fault':
        if (line.receipt === null) this.#fault = this.#isOpen() ? null : this.#kept().length;
        return this.#keep(rows);
      case 'disarmed':
      case 'handDown':
      case 'refusal':
      case 'operation':
      case 'approval':
      case 'uevent':
      case 'kernelLog':
      case 'snapshot':
      case 'unreadable':
      case 'run':
      case 'scenario':
      case 'end':
        return this.#keep(rows);
      case 'kernelTrace':
        return this.#place(rows);
      default:
        return missingCase(line);
    }
  }

  record(): RecoveryRecord {
    const stories = this.#drafts.map(({ phases, ...draft }) => ({
      ...draft,
      rows: [...draft.rows],
      key: `${draft.openedAt} ${draft.number}`,
      durations: phases.map(({ phase, took }) => ({ phase, took })),
    }));
    return { stories, idleRows: [...this.#idle] };
  }

  #isOpen(): boolean {
    return this.#current !== null && this.#current.conclusion === null;
  }

  #kept(): LogRow[] {
    return this.#current?.rows ?? this.#idle;
  }

  #keep(rows: readonly LogRow[]): void {
    this.#kept().push(...rows);
    this.#trim();
  }

  /** What the kernel did is told a little after it did it. */
  #place(rows: readonly LogRow[]): void {
    for (const row of rows) {
      const index = placeByTime(this.#kept(), row);
      if (this.#fault !== null && index <= this.#fault) this.#fault += 1;
    }
    this.#trim();
  }

  #trim(): void {
    const into = this.#kept();
    const surplus = into.length - mostRows;
    if (surplus <= 0) return;
    into.splice(0, surplus);
    if (this.#fault !== null) this.#fault = Math.max(0, this.#fault - surplus);
  }

  #step(line: LineOf<'step'>, rows: readonly LogRow[]): void {
    const state = this.#state === null ? null : step(this.#state, line.event).state;
    this.#state = state;
    for (const effect of line.effects) {
      if (effect.kind === 'conclude') this.#conclude(effect, line.event.at);
    }
    const open = isOpenPhase(line.phase) && line.recovery !== null;
    const known = this.#current?.number === line.recovery && (this.#current.conclusion === null || !open);
    if (open && !known) this.#open(line, state);
    const current = this.#current;
    if (current !== null && current.number === line.recovery) {
      current.state = state ?? current.state;
      enter(current, line);
    }
    this.#keep(rows);
  }

  #open(line: LineOf<'step'>, state: RecoveryState | null): void {
    const recovery = state !== null && 'recovery' in state ? state.recovery : null;
    // The fault belongs to what it caused, and to nothing that was before.
    const leading = this.#fault === null ? [] : this.#kept().splice(this.#fault);
    const draft: Draft = {
      number: line.recovery ?? 0,
      openedAt: recovery?.openedAt ?? line.event.at,
      protocol: state?.arming.protocol ?? null,
      rows: leading,
      state,
      conclusion: null,
      phases: [],
    };
    this.#idle = [];
    this.#fault = null;
    this.#current = draft;
    this.#drafts.push(draft);
    if (this.#drafts.length > mostStories) this.#drafts.shift();
  }

  #conclude(
    { recovery, outcome, reason }: { recovery: number; outcome: Outcome; reason: Reason },
    at: Microseconds,
  ): void {
    const draft = this.#drafts.findLast((one) => one.number === recovery && one.conclusion === null);
    if (draft === undefined) return;
    endPhase(draft, at);
    draft.conclusion = { at, outcome, reason };
  }
}

/** Reads a device's log as it grows; lines that are put in front of it start the reading anew. */
export const recoveryReader = (): ((log: DeviceLog) => RecoveryRecord) => {
  let reader = new RecoveryReader();
  let record = reader.record();
  let first: JournalLine | null = null;
  let last: JournalLine | null = null;
  return ({ lines, rows }) => {
    const from = last === null ? 0 : lines.indexOf(last) + 1;
    const [head] = lines;
    const continues = last !== null && from > 0 && (first?.seq ?? 0) <= (head?.seq ?? 0);
    if (!continues) reader = new RecoveryReader();
    first = continues ? first : (head ?? null);
    const added = continues ? lines.slice(from) : lines;
    if (added.length === 0 && continues) return record;
    last = lines.at(-1) ?? null;
    const start = added[0]?.seq ?? Infinity;
    let row = rows.findIndex(({ seq }) => seq >= start);
    for (const line of added) {
      const of: LogRow[] = [];
      for (let next = rows[row]; row !== -1 && next?.seq === line.seq; next = rows[++row]) of.push(next);
      reader.read(line, of);
    }
    record = reader.record();
    return record;
  };
};

/** The same, for who is not interested in what leads to nothing. */
export const recoveryStories = (): ((log: DeviceLog) => readonly RecoveryStory[]) => {
  const read = recoveryReader();
  return (log) => read(log).stories;
};
