import type { JournalLine } from '../journal/line.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { RestoreEvent, TraceSight } from './history.ts';
import { momentOf } from './moments.ts';
import { tracedReset } from './runTrace.ts';

type Reset = RestoreEvent & { readonly kind: 'recoveryReset' };

const possible = (at: Microseconds): Reset => ({ at, kind: 'recoveryReset', proof: 'possible' });

/** Whether what this line tells of comes after event 2, if there was one. */
const isAfter = (line: JournalLine): boolean => {
  if (line.type === 'step') {
    return line.event.kind === 'reinitialiseFinished' || line.event.kind === 'resetFinished';
  }
  if (line.type !== 'snapshot' && line.type !== 'unreadable') return false;
  const kind = momentOf(line.moment)?.kind;
  return kind === 'afterReset' || kind === 'afterStep' || kind === 'end';
};

/**
 * Of each recovery the kernel may have reset the device before event 2; of one in which the bench has no part, before the
 * kernel says that it is over. A trace says when it did, or that it did not.
 */
export class KernelResets {
  /** Resets whose time the trace tells: they belong where that time is. */
  readonly timed: Reset[] = [];
  readonly #lines: readonly JournalLine[];
  readonly #trace: TraceSight | undefined;
  /** Of each recovery of this arming: when it began, until its reset is told. Null: told. */
  #begun = new Map<number, Microseconds | null>();
  #listening = true;

  constructor(lines: readonly JournalLine[], trace: TraceSight | undefined) {
    this.#lines = lines;
    this.#trace = trace;
  }

  /** What comes before `line` in the history. */
  before(line: JournalLine): readonly Reset[] {
    if (line.type === 'armed') {
      this.#begun = new Map();
      this.#listening = true;
    }
    if (line.type === 'disarmed') this.#listening = false;
    if (line.type === 'uevent') {
      return this.#listening || line.uevent === 'beginRecovery' ? [] : [possible(line.at)];
    }
    const number = 'recovery' in line ? line.recovery : null;
    if (number === null) return [];
    const begun = this.#begun.get(number);
    if (begun === undefined) this.#begun.set(number, line.at);
    if (begun === null || !isAfter(line)) return [];
    this.#begun.set(number, null);
    return this.#reset(begun ?? line.at, line.at);
  }

  #reset(from: Microseconds, to: Microseconds): readonly Reset[] {
    const told = tracedReset(this.#lines, this.#trace, from, to);
    switch (told.kind) {
      case 'reset':
        this.timed.push({ at: told.at, kind: 'recoveryReset', proof: 'certain' });
        return [];
      case 'restoredOnly':
        // Something was restored; whether anything was reset before it the trace does not show.
        this.timed.push(possible(told.at));
        return [];
      case 'none':
        return [];
      case 'unsaid':
        return [possible(to)];
    }
  }
}
