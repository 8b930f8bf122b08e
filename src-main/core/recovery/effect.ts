import type { Approval } from './event.ts';
import type { Outcome } from './phase.ts';
import type { Reason } from './reasons.ts';
import type { EehOperation, ResetKind } from './reports.ts';

/** A moment at which both views of the config space are kept. */
export type SnapshotMoment = 'duringWait' | 'afterReset' | 'end';

/**
 * What `step` wants done. The journal line that announces an effect is written before the effect. All but `snapshot`
 * and `conclude` are answered by an event that carries the same recovery number.
 */
export type RecoveryEffect = { readonly recovery: number } & (
  | { readonly kind: 'inspect' }
  | { readonly kind: 'drainErrors' }
  | { readonly kind: 'quiesce' }
  | { readonly kind: 'acknowledge'; readonly approval: Approval }
  | { readonly kind: 'withdraw'; readonly approval: Approval }
  | { readonly kind: 'reset'; readonly resetKind: ResetKind; readonly attempt: number }
  | { readonly kind: 'eeh'; readonly operation: EehOperation }
  | { readonly kind: 'reinitialise' }
  | { readonly kind: 'prove' }
  | { readonly kind: 'snapshot'; readonly moment: SnapshotMoment }
  | { readonly kind: 'conclude'; readonly outcome: Outcome; readonly reason: Reason }
);

export type RecoveryEffectKind = RecoveryEffect['kind'];
