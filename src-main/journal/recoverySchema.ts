import { z } from 'zod';
import type { RecoveryEffect } from '../core/recovery/effect.ts';
import type { Approval, RecoveryEvent } from '../core/recovery/event.ts';
import { outcomes, protocols } from '../core/recovery/phase.ts';
import { decisions, timeoutActions, type Arming } from '../core/recovery/policy.ts';
import { reasons, type Reason } from '../core/recovery/reasons.ts';
import {
  resetKinds,
  type EehReport,
  type ErrorRecord,
  type Inspection,
  type ProofReport,
  type QuiesceReport,
  type ReinitialiseReport,
  type ResetReport,
} from '../core/recovery/reports.ts';
import { errorCodes, type BenchError } from '../core/result.ts';

/**
 * The values of the phase model as they stand in a journal. `step` trusts its events, so a line read from a file is
 * held against these before it is replayed. The types of `core/recovery` lead; a schema that lacks a member or
 * knows one too many does not compile (`test/journal/schema.test.ts`).
 */
export const microseconds = z.int();
const count = z.int().nonnegative();

export const benchError: z.ZodType<BenchError> = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  errno: z.object({ number: z.int(), name: z.string() }).exactOptional(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
});

const resultOf = <Value extends z.ZodType>(value: Value) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), error: benchError }),
  ]);

export const reason: z.ZodType<Reason> = z.enum(Object.keys(reasons) as [Reason, ...Reason[]]);

export const approval: z.ZodType<Approval> = z.object({
  operator: z.string(),
  reason: z.string(),
  by: z.enum(['person', 'policy', 'timeoutPolicy']),
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

const severity = z.enum(['correctable', 'nonFatal', 'fatal', 'unknown']);

const errorRecord: z.ZodType<ErrorRecord> = z.discriminatedUnion('source', [
  z.object({ source: z.literal('aer'), name: z.string(), severity, bit: count, first: z.boolean() }),
  z.object({
    source: z.literal('ccdf'),
    pec: count,
    pecName: z.string(),
    fid: count,
    functionHandle: count,
    failingAddress: z.string(),
    raw: z.string(),
  }),
  z.object({ source: z.literal('eeh'), text: z.string() }),
]);

const inspection: z.ZodType<Inspection> = z.object({ severity, errors: z.array(errorRecord) });

const stepResult = z.enum(['done', 'notNeeded', 'failed']);

const quiesceReport: z.ZodType<QuiesceReport> = z.object({
  succeeded: z.boolean(),
  actions: z.array(
    z.object({
      action: z.enum(['touchingStopped', 'busMasterOff', 'msixOff', 'barsUnmapped', 'transactionsDrained']),
      result: stepResult,
      error: benchError.exactOptional(),
    }),
  ),
});

const resetKind = z.enum(resetKinds);

const resetReport: z.ZodType<ResetReport> = z.object({
  kind: resetKind,
  took: microseconds,
  affected: z.array(z.string()),
});

const eehOperation = z.enum([
  'getState',
  'unfreezeIo',
  'readLog',
  'resetHot',
  'resetFundamental',
  'resetDeactivate',
  'configure',
  'unfreezeDma',
]);

const eehReport: z.ZodType<EehReport> = z.object({
  state: z.enum(['normal', 'reset', 'stopped', 'stoppedDma', 'unavailable']),
  log: z.string().exactOptional(),
});

const reinitialiseReport: z.ZodType<ReinitialiseReport> = z.object({
  succeeded: z.boolean(),
  steps: z.array(
    z.object({
      step: z.string(),
      result: stepResult,
      detail: z.string().exactOptional(),
      error: benchError.exactOptional(),
    }),
  ),
});

const proofReport: z.ZodType<ProofReport> = z.object({
  verdict: z.enum(['proven', 'notProven', 'failed']),
  checks: z.array(
    z.object({
      check: z.enum(['registers', 'dma', 'msix']),
      result: z.enum(['passed', 'failed', 'notTried']),
      detail: z.string(),
    }),
  ),
});

const at = microseconds;
const recovery = z.int().positive();
const answerError = benchError.nullable();

export const recoveryEvent: z.ZodType<RecoveryEvent> = z.discriminatedUnion('kind', [
  z.object({ at, kind: z.literal('signal'), count }),
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
