import type { BenchError, Result } from '../result.ts';
import type { Microseconds } from './phase.ts';
import type {
  AutomaticReport,
  EehOperation,
  EehReport,
  ErrorRecord,
  Inspection,
  ProofReport,
  QuiesceReport,
  ReinitialiseReport,
  ResetKind,
  ResetReport,
} from './reports.ts';

/** Who approved an ack or a reset, why, and what the console showed at that moment. */
export interface Approval {
  readonly operator: string;
  readonly reason: string;
  readonly by: 'person' | 'policy' | 'timeoutPolicy';
}

/** The ERROR_EVENT of pci_uevent_ers() (drivers/pci/pci-driver.c). */
export type RecoveryUevent = 'beginRecovery' | 'successfulRecovery' | 'failedRecovery';

/** Something that happened, with the moment it happened. Facts first, then wishes, then the answers to effects. */
export type RecoveryEvent = { readonly at: Microseconds } & (
  | {
      readonly kind: 'signal';
      readonly count: number;
      /** What was done at the signal without asking; null or absent when nothing was. */
      readonly answered?: AutomaticReport | null;
    }
  /** What was done without asking some time after the signal, because nobody had decided by then. */
  | { readonly kind: 'answered'; readonly answered: AutomaticReport }
  | { readonly kind: 'loopbackTriggered'; readonly count: number }
  | { readonly kind: 'uevent'; readonly uevent: RecoveryUevent }
  | { readonly kind: 'deviceRemoved' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'clockReached' }
  // what a person or a policy wants
  | { readonly kind: 'quiesceRequested' }
  | { readonly kind: 'acknowledgeRequested'; readonly approval: Approval }
  | { readonly kind: 'withdrawRequested'; readonly approval: Approval }
  | { readonly kind: 'resetRequested'; readonly resetKind: ResetKind; readonly approval: Approval }
  | { readonly kind: 'reinitialiseRequested' }
  // answers; `recovery` is the number of the recovery whose effect they answer
  | { readonly kind: 'inspected'; readonly recovery: number; readonly result: Result<Inspection> }
  | { readonly kind: 'drained'; readonly recovery: number; readonly result: Result<readonly ErrorRecord[]> }
  | { readonly kind: 'quiesceFinished'; readonly recovery: number; readonly report: QuiesceReport }
  | { readonly kind: 'acknowledgeFinished'; readonly recovery: number; readonly error: BenchError | null }
  | { readonly kind: 'withdrawFinished'; readonly recovery: number; readonly error: BenchError | null }
  | { readonly kind: 'resetFinished'; readonly recovery: number; readonly result: Result<ResetReport> }
  | {
      readonly kind: 'eehFinished';
      readonly recovery: number;
      readonly operation: EehOperation;
      readonly result: Result<EehReport>;
    }
  | { readonly kind: 'reinitialiseFinished'; readonly recovery: number; readonly report: ReinitialiseReport }
  | { readonly kind: 'proofFinished'; readonly recovery: number; readonly report: ProofReport }
);

export type RecoveryEventKind = RecoveryEvent['kind'];
export type EventOf<Kind extends RecoveryEventKind> = Extract<RecoveryEvent, { kind: Kind }>;
