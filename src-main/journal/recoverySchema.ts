import { z } from 'zod';
import {
  automaticReport,
  benchError,
  eehOperation,
  eehReport,
  errorRecord,
  inspection,
  microseconds,
  proofReport,
  quiesceReport,
  reinitialiseReport,
  resetKind,
  resetReport,
  resultOf,
} from '../../preload/contract/reports.ts';
import type { Automatic } from '../core/recovery/automatic.ts';
import type { RecoveryEffect } from '../core/recovery/effect.ts';
import type { Approval, RecoveryEvent } from '../core/recovery/event.ts';
import { outcomes, protocols } from '../core/recovery/phase.ts';
import { decisions, timeoutActions, type Arming } from '../core/recovery/policy.ts';
import { reasons, type Reason } from '../core/recovery/reasons.ts';

/**
 * The values of the phase model as they stand in a journal. `step` trusts its events, so a line read from a file is
 * held against these before it is replayed. The types of `core/recovery` lead; a schema that lacks a member or
 * knows one too many does not compile (`test/journal/schema.test.ts`).
 */
const count = z.int().nonnegative();

export const reason: z.ZodType<Reason> = z.enum(Object.keys(reasons) as [Reason, ...Reason[]]);

export const approval: z.ZodType<Approval> = z.object({
  operator: z.string(),
  reason: z.string(),
  by: z.enum(['person', 'policy', 'timeoutPolicy']),
});

export const automatic: z.ZodType<Automatic> = z.object({
  at: z.union([z.literal('signal'), microseconds.nonnegative()]),
  latest: microseconds.nonnegative(),
  approval,
});

export const arming: z.ZodType<Arming> = z.object({
  protocol: z.enum(protocols),
  policy: z.object({
    decision: z.enum(decisions),
    onTimeout: z.enum(timeoutActions),
    afterReset: z.enum(['reinitialise', 'wait']),
    patience: microseconds.positive(),
  }),
  ackTimeout: microseconds.positive(),
  uevents: z.enum(['observable', 'unobservable']),
  sharers: count,
});

const at = microseconds;
const recovery = z.int().positive();
const answerError = benchError.nullable();

export const recoveryEvent: z.ZodType<RecoveryEvent> = z.discriminatedUnion('kind', [
  z.object({ at, kind: z.literal('signal'), count, answered: automaticReport.nullable().exactOptional() }),
  z.object({ at, kind: z.literal('answered'), answered: automaticReport }),
  z.object({ at, kind: z.literal('loopbackTriggered'), count }),
  z.object({
    at,
    kind: z.literal('uevent'),
    uevent: z.enum(['beginRecovery', 'successfulRecovery', 'failedRecovery']),
  }),
  z.object({ at, kind: z.literal('deviceRemoved') }),
  z.object({ at, kind: z.literal('closed') }),
  z.object({ at, kind: z.literal('clockReached') }),
  z.object({ at, kind: z.literal('quiesceRequested') }),
  z.object({ at, kind: z.literal('acknowledgeRequested'), approval }),
  z.object({ at, kind: z.literal('withdrawRequested'), approval }),
  z.object({ at, kind: z.literal('resetRequested'), resetKind, approval }),
  z.object({ at, kind: z.literal('reinitialiseRequested') }),
  z.object({ at, kind: z.literal('inspected'), recovery, result: resultOf(inspection) }),
  z.object({ at, kind: z.literal('drained'), recovery, result: resultOf(z.array(errorRecord)) }),
  z.object({ at, kind: z.literal('quiesceFinished'), recovery, report: quiesceReport }),
  z.object({ at, kind: z.literal('acknowledgeFinished'), recovery, error: answerError }),
  z.object({ at, kind: z.literal('withdrawFinished'), recovery, error: answerError }),
  z.object({ at, kind: z.literal('resetFinished'), recovery, result: resultOf(resetReport) }),
  z.object({
    at,
    kind: z.literal('eehFinished'),
    recovery,
    operation: eehOperation,
    result: resultOf(eehReport),
  }),
  z.object({ at, kind: z.literal('reinitialiseFinished'), recovery, report: reinitialiseReport }),
  z.object({ at, kind: z.literal('proofFinished'), recovery, report: proofReport }),
]);

export const recoveryEffect: z.ZodType<RecoveryEffect> = z.discriminatedUnion('kind', [
  z.object({ recovery, kind: z.literal('inspect') }),
  z.object({ recovery, kind: z.literal('drainErrors') }),
  z.object({ recovery, kind: z.literal('quiesce') }),
  z.object({ recovery, kind: z.literal('acknowledge'), approval }),
  z.object({ recovery, kind: z.literal('withdraw'), approval }),
  z.object({ recovery, kind: z.literal('reset'), resetKind, attempt: count }),
  z.object({ recovery, kind: z.literal('eeh'), operation: eehOperation }),
  z.object({ recovery, kind: z.literal('reinitialise') }),
  z.object({ recovery, kind: z.literal('prove') }),
  z.object({
    recovery,
    kind: z.literal('snapshot'),
    moment: z.enum(['duringWait', 'afterReset', 'end']),
  }),
  z.object({ recovery, kind: z.literal('conclude'), outcome: z.enum(outcomes), reason }),
]);
