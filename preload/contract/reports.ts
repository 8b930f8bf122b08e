import { z } from 'zod';
import {
  resetKinds,
  type DeviceAction,
  type AutomaticReport,
  type EehReport,
  type ErrorRecord,
  type Inspection,
  type ProofReport,
  type QuiesceReport,
  type ReinitialiseReport,
  type ResetReport,
} from '../../src-main/core/recovery/reports.ts';
import { errorCodes, type BenchError } from '../../src-main/core/result.ts';

/**
 * What a device session reports, as a journal keeps it and as an agent sends it. The types of `core/recovery` lead; a
 * schema that lacks a member or knows one too many does not compile (`test/journal/schema.test.ts`).
 */
export const microseconds = z.int();
const count = z.int().nonnegative();

export const benchError: z.ZodType<BenchError> = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  errno: z.object({ number: z.int(), name: z.string() }).exactOptional(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
});

/** A Result as it crosses a process boundary. */
export const resultOf = <Value extends z.ZodType>(value: Value) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), error: benchError }),
  ]);

const severity = z.enum(['correctable', 'nonFatal', 'fatal', 'unknown']);

export const errorRecord: z.ZodType<ErrorRecord> = z.discriminatedUnion('source', [
  z.object({ source: z.literal('aer'), name: z.string(), severity, bit: count, first: z.boolean() }),
  z.object({
    source: z.literal('ccdf'),
    pec: count,
    pecName: z.string(),
    fid: count,
    functionHandle: count,
    failingAddress: z.string(),
    raw: z.string(),
    aperture: z.object({ start: z.string(), end: z.string() }).exactOptional(),
    handleNow: count.exactOptional(),
  }),
  z.object({ source: z.literal('eeh'), text: z.string() }),
]);

export const inspection: z.ZodType<Inspection> = z.object({ severity, errors: z.array(errorRecord) });

const stepResult = z.enum(['done', 'notNeeded', 'failed']);

const deviceAction: z.ZodType<DeviceAction> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('write'),
    offset: z.int().min(0).max(4095),
    width: z.union([z.literal(1), z.literal(2), z.literal(4)]),
    value: z.int().min(0).max(0xffff_ffff),
  }),
  z.object({ kind: z.literal('deviceReset') }),
  z.object({ kind: z.literal('msix'), change: z.enum(['enabled', 'disabled']) }),
]);

export const quiesceReport: z.ZodType<QuiesceReport> = z.object({
  succeeded: z.boolean(),
  actions: z.array(
    z.object({
      action: z.enum(['touchingStopped', 'busMasterOff', 'msixOff', 'barsUnmapped', 'transactionsDrained']),
      result: stepResult,
      error: benchError.exactOptional(),
    }),
  ),
  did: z.array(deviceAction).exactOptional(),
});

export const resetKind = z.enum(resetKinds);

export const resetReport: z.ZodType<ResetReport> = z.object({
  kind: resetKind,
  took: microseconds,
  affected: z.array(z.string()),
});

export const eehOperation = z.enum([
  'getState',
  'unfreezeIo',
  'readLog',
  'resetHot',
  'resetFundamental',
  'resetDeactivate',
  'configure',
  'unfreezeDma',
]);

export const eehReport: z.ZodType<EehReport> = z.object({
  state: z.enum(['normal', 'reset', 'stopped', 'stoppedDma', 'unavailable']),
  log: z.string().exactOptional(),
});

export const reinitialiseReport: z.ZodType<ReinitialiseReport> = z.object({
  succeeded: z.boolean(),
  steps: z.array(
    z.object({
      step: z.string(),
      result: stepResult,
      detail: z.string().exactOptional(),
      error: benchError.exactOptional(),
      did: z.array(deviceAction).exactOptional(),
    }),
  ),
  did: z.array(deviceAction).exactOptional(),
});

export const proofReport: z.ZodType<ProofReport> = z.object({
  verdict: z.enum(['proven', 'notProven', 'failed']),
  checks: z.array(
    z.object({
      check: z.enum(['registers', 'dma', 'msix']),
      result: z.enum(['passed', 'failed', 'notTried']),
      detail: z.string(),
    }),
  ),
});

export const automaticReport: z.ZodType<AutomaticReport> = z.object({
  at: microseconds,
  inspection: resultOf(inspection),
  quiesce: quiesceReport,
  acknowledge: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('taken') }),
    z.object({ kind: z.literal('refused'), error: benchError }),
    z.object({ kind: z.literal('withheld') }),
  ]),
});
