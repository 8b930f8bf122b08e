import type { RecoveryEffect } from '../core/recovery/effect.ts';
import {
  isOpenPhase,
  type Microseconds,
  type OpenPhase,
  type Outcome,
  type Phase,
} from '../core/recovery/phase.ts';
import type { Reason } from '../core/recovery/reasons.ts';
import { armedState, type RecoveryState } from '../core/recovery/state.ts';
import { step } from '../core/recovery/step.ts';
import type { Transition } from '../core/recovery/transition.ts';
import type { JournalLine, LineOf } from '../core/journal/line.ts';

/** What a step line says, or what the core makes of its event. */
export interface StepOutcome {
  readonly phase: Phase;
  readonly reason: Reason | null;
  readonly recovery: number | null;
  /** The kinds of the effects, in order. */
  readonly effects: readonly RecoveryEffect['kind'][];
}

/** A step line that the core does not agree with. */
export interface Divergence {
  readonly seq: number;
  readonly device: string;
  /** What the journal says. */
  readonly expected: StepOutcome;
  /** What the core says; null when the device is not armed at this line. */
  readonly actual: StepOutcome | null;
}

export interface RecoverySummary {
  /** Which arming of the device, from 1. Recovery numbers start anew with each. */
  readonly arming: number;
  readonly number: number;
  readonly openedAt: Microseconds;
  readonly concludedAt: Microseconds | null;
  readonly outcome: Outcome | null;
  /** Why it ended as it did; null while it is open. */
  readonly reason: Reason | null;
  /** How long each phase lasted, on the rig's monotonic clock; the phase that is still open is not in it. */
  readonly durations: Readonly<Partial<Record<OpenPhase, Microseconds>>>;
}

export interface DeviceReplay {
  readonly device: string;
  readonly state: RecoveryState;
  readonly armed: boolean;
  readonly armings: number;
  /** The phases in order, the same one never twice in a row. */
  readonly trace: readonly Phase[];
  readonly recoveries: readonly RecoverySummary[];
}

interface OpenRecovery {
  number: number;
  openedAt: Microseconds;
  phase: OpenPhase;
  since: Microseconds;
  durations: Partial<Record<OpenPhase, Microseconds>>;
}

interface Fold {
  device: string;
  state: RecoveryState;
  armed: boolean;
  armings: number;
  trace: Phase[];
  concluded: RecoverySummary[];
  open: OpenRecovery | null;
}

export const recoveryNumberOf = (state: RecoveryState): number | null =>
  state.phase === 'armed' ? null : state.recovery.number;

const outcomeOf = ({ state, reason, effects }: Transition): StepOutcome => ({
  phase: state.phase,
  reason,
  recovery: recoveryNumberOf(state),
  effects: effects.map(({ kind }) => kind),
});

const recordedOutcome = ({ phase, reason, recovery, effects }: LineOf<'step'>): StepOutcome => ({
  phase,
  reason,
  recovery,
  effects: effects.map(({ kind }) => kind),
});

const agrees = (line: LineOf<'step'>, { state, reason, effects }: Transition): boolean =>
  line.phase === state.phase &&
  line.reason === reason &&
  line.recovery === recoveryNumberOf(state) &&
  line.effects.length === effects.length &&
  line.effects.every((effect, index) => {
    const actual = effects[index];
    return actual?.kind === effect.kind && actual.recovery === effect.recovery;
  });

const enter = (fold: Fold, phase: Phase): void => {
  if (fold.trace.at(-1) !== phase) fold.trace.push(phase);
};

const leavePhase = (open: OpenRecovery, at: Microseconds): void => {
  open.durations[open.phase] = (open.durations[open.phase] ?? 0) + at - open.since;
  open.since = at;
};

const summaryOf = (
  fold: Fold,
  open: OpenRecovery,
  end: { at: Microseconds; outcome: Outcome; reason: Reason } | null,
): RecoverySummary => ({
  arming: fold.armings,
  number: open.number,
  openedAt: open.openedAt,
  concludedAt: end?.at ?? null,
  outcome: end?.outcome ?? null,
  reason: end?.reason ?? null,
  durations: open.durations,
});

/** One step can end a recovery and open the next (`supersede`), so the conclusion is taken from the effects. */
const follow = (fold: Fold, { state, effects }: Transition, at: Microseconds): void => {
  for (const effect of effects) {
    if (effect.kind !== 'conclude') continue;
    enter(fold, effect.outcome);
    if (fold.open === null) continue;
    leavePhase(fold.open, at);
    fold.concluded.push(summaryOf(fold, fold.open, { at, outcome: effect.outcome, reason: effect.reason }));
    fold.open = null;
  }
  enter(fold, state.phase);
  if (state.phase === 'armed' || !isOpenPhase(state.phase)) return;
  const { number, openedAt } = state.recovery;
  if (fold.open === null) {
    fold.open = { number, openedAt, phase: state.phase, since: openedAt, durations: {} };
  } else if (fold.open.phase !== state.phase) {
    leavePhase(fold.open, at);
    fold.open.phase = state.phase;
  }
};

/** Divergences that are kept; all of them are counted. */
const divergencesKept = 1_000;

/**
 * Folds a journal through the core: the same lines give the same states as when they were written, and every step line
 * is held against what the core makes of its event. Memory grows with the recoveries (a few hundred bytes each), not
 * with the lines.
 */
export const createReplay = () => {
  const folds = new Map<string, Fold>();
  const divergences: Divergence[] = [];
  let diverged = 0;

  const diverge = (line: LineOf<'step'>, actual: StepOutcome | null): void => {
    diverged += 1;
    if (divergences.length === divergencesKept) return;
    divergences.push({ seq: line.seq, device: line.device, expected: recordedOutcome(line), actual });
  };

  const takeArmed = ({ device, arming }: LineOf<'armed'>): void => {
    const fold = folds.get(device);
    const state = armedState(arming);
    if (fold === undefined) {
      const trace: Phase[] = ['armed'];
      folds.set(device, { device, state, armed: true, armings: 1, trace, concluded: [], open: null });
      return;
    }
    if (fold.open !== null) fold.concluded.push(summaryOf(fold, fold.open, null));
    fold.open = null;
    fold.state = state;
    fold.armed = true;
    fold.armings += 1;
    enter(fold, 'armed');
  };

  const takeStep = (line: LineOf<'step'>): void => {
    const fold = folds.get(line.device);
    if (fold === undefined || !fold.armed) return diverge(line, null);
    const transition = step(fold.state, line.event);
    if (!agrees(line, transition)) diverge(line, outcomeOf(transition));
    fold.state = transition.state;
    follow(fold, transition, line.event.at);
  };

  const view = (fold: Fold): DeviceReplay => ({
    device: fold.device,
    state: fold.state,
    armed: fold.armed,
    armings: fold.armings,
    trace: fold.trace,
    recoveries: fold.open === null ? fold.concluded : [...fold.concluded, summaryOf(fold, fold.open, null)],
  });

  return {
    take: (line: JournalLine): void => {
      if (line.type === 'step') takeStep(line);
      else if (line.type === 'armed') takeArmed(line);
      else if (line.type === 'disarmed') {
        const fold = folds.get(line.device);
        if (fold !== undefined) fold.armed = false;
      }
    },
    /** Every device that was armed, in the order of its first arming. */
    devices: (): readonly DeviceReplay[] => [...folds.values()].map(view),
    device: (address: string): DeviceReplay | null => {
      const fold = folds.get(address);
      return fold === undefined ? null : view(fold);
    },
    /** The phases of a device in order, empty when it was never armed. */
    traceOf: (address: string): readonly Phase[] => folds.get(address)?.trace ?? [],
    /** The first 1,000. */
    divergences: (): readonly Divergence[] => divergences,
    divergenceCount: (): number => diverged,
  };
};

export type Replay = ReturnType<typeof createReplay>;
