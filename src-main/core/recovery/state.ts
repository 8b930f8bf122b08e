import type { BenchError } from '../result.ts';
import type { Approval } from './event.ts';
import type { Microseconds, Outcome } from './phase.ts';
import type { Arming } from './policy.ts';
import type { Reason } from './reasons.ts';
import type {
  AutomaticReport,
  EehOperation,
  ErrorRecord,
  ProofReport,
  QuiesceReport,
  ReinitialiseReport,
  ResetKind,
  ResetReport,
  Severity,
} from './reports.ts';

/** The kernel's last word in uevents since the recovery was opened. */
export type KernelWord = 'silent' | 'begun' | 'successful' | 'failed';

/** What is known about one recovery; it only grows. */
export interface Recovery {
  /** Ordinal within one arming, from 1. */
  readonly number: number;
  readonly openedAt: Microseconds;
  /** Signals that were read together with the one that opened this recovery and belong to nothing that is open. */
  readonly coalesced: number;
  readonly severity: Severity;
  readonly errors: readonly ErrorRecord[];
  readonly kernelWord: KernelWord;
  readonly quiesce: QuiesceReport | null;
  readonly approval: Approval | null;
  readonly reset: ResetReport | null;
  readonly reinitialise: ReinitialiseReport | null;
  readonly proof: ProofReport | null;
}

interface Common {
  readonly arming: Arming;
  /** Loop-back signals that the bench caused itself and that have not been read yet. */
  readonly loopbacksExpected: number;
}

interface Open extends Common {
  readonly recovery: Recovery;
  /** Absolute. At this moment the phase ends by itself, with an outcome. */
  readonly deadline: Microseconds;
}

/** What the bench is asking of the kernel while the kernel waits. At most one thing at a time. */
export type Exchange =
  | { readonly kind: 'none' }
  | { readonly kind: 'acknowledging'; readonly approval: Approval }
  | { readonly kind: 'withdrawing' }
  /** Quiesced and acked by what was handed down; the phases up to it are still to be accounted for. */
  | {
      readonly kind: 'answered';
      readonly report: AutomaticReport;
      readonly by: Exclude<Approval['by'], 'person'>;
    }
  | { readonly kind: 'refused'; readonly error: BenchError };

export interface ArmedState extends Common {
  readonly phase: 'armed';
  /** Recoveries that this arming has opened so far. */
  readonly recoveries: number;
  readonly spuriousSignals: number;
  /** A signal whose cause is being looked up (mediated: feature 13; eeh: the PE's state). */
  readonly check: {
    readonly signalAt: Microseconds;
    readonly count: number;
    readonly deadline: Microseconds;
  } | null;
}

export interface ErrorDetectedState extends Open {
  readonly phase: 'errorDetected';
  readonly exchange: Exchange;
  /** eeh: what is left to do before quiescing. */
  readonly eehRemaining: readonly EehOperation[];
}

export interface QuiescingState extends Open {
  readonly phase: 'quiescing';
  /** `running`: the device is being quiesced. `decision`: it is done, and a person is to decide on the reset. */
  readonly activity: 'running' | 'decision';
  readonly exchange: Exchange;
}

export interface AwaitingAckState extends Open {
  readonly phase: 'awaitingAck';
  readonly exchange: Exchange;
  /** Quiescing asked for again by a person; an ack has to wait for it. */
  readonly requiescing: boolean;
  /** Absolute; null when the policy lets the wait expire or the action has been taken. */
  readonly timeoutActionAt: Microseconds | null;
}

export type ResettingActivity =
  /** notify: the ack is with the kernel, which resets the slot. */
  | { readonly by: 'kernel' }
  /** legacy: the reset is decided, but the kernel's own recovery has to end first or it hits the new state. */
  | { readonly by: 'bench'; readonly step: 'waitingForKernel'; readonly resetKind: ResetKind }
  | {
      readonly by: 'bench';
      readonly step: 'running';
      readonly resetKind: ResetKind;
      readonly attempt: number;
    }
  | {
      readonly by: 'bench';
      readonly step: 'retrying';
      readonly resetKind: ResetKind;
      readonly attempt: number;
      readonly retryAt: Microseconds;
    }
  | { readonly by: 'eeh'; readonly resetKind: ResetKind; readonly remaining: readonly EehOperation[] };

export interface ResettingState extends Open {
  readonly phase: 'resetting';
  readonly activity: ResettingActivity;
}

export interface SlotResetState extends Open {
  readonly phase: 'slotReset';
  /** Absolute; null when a person or a scenario says when the device is brought back. */
  readonly reinitialiseAt: Microseconds | null;
}

export interface ReinitialisingState extends Open {
  readonly phase: 'reinitialising';
  /** `kernelWord`: the device works again, and the kernel has yet to say that its recovery succeeded. */
  readonly activity: 'reinitialise' | 'prove' | 'kernelWord';
}

export interface ConcludedState extends Common {
  readonly phase: Outcome;
  readonly recovery: Recovery;
  readonly reason: Reason;
  readonly concludedAt: Microseconds;
  /** Whether the eventfd is still registered, so that the next error opens the next recovery. */
  readonly eventfd: 'registered' | 'removed';
}

export type OpenState =
  | ErrorDetectedState
  | QuiescingState
  | AwaitingAckState
  | ResettingState
  | SlotResetState
  | ReinitialisingState;

export type RecoveryState = ArmedState | OpenState | ConcludedState;

export const isOpen = (state: RecoveryState): state is OpenState =>
  state.phase !== 'armed' && 'deadline' in state;

export const isConcluded = (state: RecoveryState): state is ConcludedState => 'concludedAt' in state;

/** The state right after arming. */
export const armedState = (arming: Arming): ArmedState => ({
  phase: 'armed',
  arming,
  recoveries: 0,
  loopbacksExpected: 0,
  spuriousSignals: 0,
  check: null,
});

/** The kernel waits for an ack of this device: what the countdown shows and the tray lists. */
export const openWait = (state: RecoveryState): { openedAt: Microseconds; deadline: Microseconds } | null => {
  if (!isOpen(state) || state.arming.protocol !== 'notify') return null;
  if (state.phase !== 'errorDetected' && state.phase !== 'quiescing' && state.phase !== 'awaitingAck')
    return null;
  return { openedAt: state.recovery.openedAt, deadline: state.deadline };
};

/** A person has to decide: ack (notify) or reset (the protocols that user space drives). */
export const openDecision = (state: RecoveryState): 'acknowledge' | 'reset' | null => {
  if (state.phase === 'awaitingAck') return 'acknowledge';
  return state.phase === 'quiescing' && state.activity === 'decision' ? 'reset' : null;
};

/** An answer to the kernel's wait is on its way, or was given: nobody may give another. */
export const isAnswering = ({ exchange }: { readonly exchange: Exchange }): boolean =>
  exchange.kind === 'acknowledging' || exchange.kind === 'withdrawing' || exchange.kind === 'answered';

/** The answer is an ack: the next signal is event 2, and BEGIN_RECOVERY its effect. */
export const isAcknowledging = ({ exchange }: { readonly exchange: Exchange }): boolean =>
  exchange.kind === 'acknowledging' || exchange.kind === 'answered';
