import type { PhaseBand } from '../../preload/contract/views.ts';
import type { JournalLine, LineOf } from '../core/journal/line.ts';
import type { Microseconds, Phase } from '../core/recovery/phase.ts';
import { armedState, isConcluded, type RecoveryState } from '../core/recovery/state.ts';
import { step } from '../core/recovery/step.ts';

/** A device at one moment of a run. Never changed, so that checkpoints share it. */
export interface DeviceAt {
  readonly state: RecoveryState;
  readonly armed: boolean;
  /** Indexes of the lines that its last recovery begins and ends with; `to` is null while it is open. */
  readonly story: { readonly from: number; readonly to: number | null } | null;
  /** The line of the arming or the fault that the next recovery comes from. */
  readonly cause: number | null;
}

export type DevicesAt = Map<string, DeviceAt>;

/** A fault further away than this is not what the signal came from, or not worth reading all lines between. */
const nearCause = 500;

const recoveryOf = (state: RecoveryState): number | null =>
  state.phase === 'armed' ? null : state.recovery.number;

const afterStep = (known: DeviceAt, line: LineOf<'step'>, index: number): DeviceAt => {
  const { state } = step(known.state, line.event);
  const opened = recoveryOf(state) !== null && recoveryOf(state) !== recoveryOf(known.state);
  const { cause } = known;
  const from = cause !== null && index - cause <= nearCause ? cause : index;
  const story = opened ? { from, to: null } : known.story;
  if (!isConcluded(state)) return { ...known, state, story };
  const ended = story === null || story.to !== null ? story : { ...story, to: index };
  return { ...known, state, story: ended, cause: ended === story ? cause : null };
};

/** What one line makes of its device; undefined when it says nothing of the kind. */
const after = (known: DeviceAt | undefined, line: JournalLine, index: number): DeviceAt | undefined => {
  if (line.type === 'armed') {
    return { state: armedState(line.arming), armed: true, story: null, cause: index };
  }
  if (known === undefined) return undefined;
  if (line.type === 'step') return known.armed ? afterStep(known, line, index) : undefined;
  if (line.type === 'disarmed') return { ...known, armed: false };
  if (line.type !== 'fault') return undefined;
  // A fault is two lines, the wish and the receipt; the first one counts.
  const stands = known.cause !== null && index - known.cause <= nearCause && known.story === null;
  return stands ? undefined : { ...known, cause: index };
};

/** Folds one line in. `index` counts the whole lines of the journal from 0. Answers the device that changed. */
export const follow = (devices: DevicesAt, line: JournalLine, index: number): DeviceAt | null => {
  const device = 'device' in line ? line.device : null;
  if (device === null) return null;
  const next = after(devices.get(device), line, index);
  if (next === undefined) return null;
  devices.set(device, next);
  return next;
};

/** The gravest last. */
const gravity: readonly (Phase | null)[] = [
  null,
  'armed',
  'recovered',
  'reinitialising',
  'slotReset',
  'resetting',
  'quiescing',
  'errorDetected',
  'awaitingAck',
  'withdrawn',
  'timedOut',
  'failed',
  'deviceLost',
];

/** The phases of one device in time, as they change. Two numbers for each change. */
export class PhaseHistory {
  readonly #moments: Microseconds[] = [];
  readonly #phases: (Phase | null)[] = [];

  add(at: Microseconds, phase: Phase | null): void {
    if (this.#phases.at(-1) === phase) return;
    // Armed, signalled and concluded may come at one moment; nothing of the former can be seen then.
    if (this.#moments.at(-1) === at) {
      this.#phases[this.#phases.length - 1] = phase;
      return;
    }
    this.#moments.push(at);
    this.#phases.push(phase);
  }

  /** Up to `most` bands; where that is too few, equal parts of the time, each with its gravest phase. */
  bands(from: Microseconds, to: Microseconds, most: number): readonly PhaseBand[] {
    const all = this.#moments.map((at, index): PhaseBand => ({ at, phase: this.#phases[index] ?? null }));
    if (all.length <= most || to <= from) return all.slice(0, most);
    const width = (to - from) / most;
    const gravest = new Map<number, Phase | null>();
    all.forEach(({ at, phase }, index) => {
      const last = Math.min(most - 1, Math.floor(((all[index + 1]?.at ?? to) - from) / width));
      for (let bin = Math.max(0, Math.floor((at - from) / width)); bin <= last; bin += 1) {
        const held = gravest.get(bin);
        if (held === undefined || gravity.indexOf(phase) > gravity.indexOf(held)) gravest.set(bin, phase);
      }
    });
    const bands: PhaseBand[] = [];
    for (const bin of [...gravest.keys()].sort((one, other) => one - other)) {
      const phase = gravest.get(bin) ?? null;
      if (bands.at(-1)?.phase !== phase) bands.push({ at: Math.round(from + bin * width), phase });
    }
    return bands;
  }
}
