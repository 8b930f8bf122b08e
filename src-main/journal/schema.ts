import { z } from 'zod';
import { phases } from '../core/recovery/phase.ts';
import {
  approvalActions,
  journalSchema,
  scenarioResults,
  snapshotViews,
  type JournalLine,
} from '../core/journal/line.ts';
import { traceTold } from '../../preload/contract/kernelTrace.ts';
import { benchError, microseconds } from '../../preload/contract/reports.ts';
import { approval, arming, automatic, reason, recoveryEffect, recoveryEvent } from './recoverySchema.ts';

const device = z.string().min(1);
const recoveryNumber = z.int().positive();
const envelope = { seq: z.int().positive(), at: microseconds, wall: z.iso.datetime({ precision: 3 }) };

/** Every line of a journal of schema 1. */
export const journalLine: z.ZodType<JournalLine> = z.discriminatedUnion('type', [
  z.object({
    ...envelope,
    type: z.literal('run'),
    schema: z.literal(journalSchema),
    run: z.string().min(1),
    bench: z.string(),
    rig: z.object({
      kind: z.enum(['simulated', 'local', 'remote', 'virtual']),
      name: z.string(),
      title: z.string(),
      kernel: z.string(),
      architecture: z.string(),
    }),
    scenario: z.string().exactOptional(),
    seed: z.number().exactOptional(),
    writer: z.object({ pid: z.int().positive(), started: z.string().nullable() }),
  }),
  z.object({ ...envelope, type: z.literal('armed'), device, arming }),
  z.object({ ...envelope, type: z.literal('disarmed'), device, because: z.string() }),
  z.object({ ...envelope, type: z.literal('handDown'), device, automatic: automatic.nullable() }),
  z.object({
    ...envelope,
    type: z.literal('step'),
    device,
    event: recoveryEvent,
    reason,
    phase: z.enum(phases),
    recovery: recoveryNumber.nullable(),
    effects: z.array(recoveryEffect),
  }),
  z.object({ ...envelope, type: z.literal('refusal'), device, wish: z.string(), error: benchError }),
  z.object({
    ...envelope,
    type: z.literal('operation'),
    device,
    operation: z.string(),
    result: z.union([z.literal('done'), benchError]),
    detail: z.unknown().exactOptional(),
  }),
  z.object({
    ...envelope,
    type: z.literal('approval'),
    device,
    recovery: recoveryNumber,
    action: z.enum(approvalActions),
    approval,
    known: z.record(z.string(), z.unknown()),
  }),
  z.object({ ...envelope, type: z.literal('fault'), device, request: z.unknown(), receipt: z.unknown() }),
  z.object({ ...envelope, type: z.literal('uevent'), device, uevent: z.string() }),
  z.object({ ...envelope, type: z.literal('kernelLog'), device: device.nullable(), text: z.string() }),
  z.object({
    ...envelope,
    type: z.literal('kernelTrace'),
    device: device.nullable(),
    happened: microseconds,
    subject: device.nullable(),
    told: traceTold,
  }),
  z.object({
    ...envelope,
    type: z.literal('snapshot'),
    device,
    recovery: recoveryNumber.nullable(),
    moment: z.string(),
    taken: microseconds.exactOptional(),
    view: z.enum(snapshotViews),
    bytes: z.string(),
  }),
  z.object({
    ...envelope,
    type: z.literal('unreadable'),
    device,
    recovery: recoveryNumber.nullable(),
    moment: z.string(),
    taken: microseconds.exactOptional(),
    view: z.enum(snapshotViews),
    error: benchError,
  }),
  z.object({
    ...envelope,
    type: z.literal('scenario'),
    step: z.int().nonnegative(),
    text: z.string(),
    result: z.enum(scenarioResults),
    detail: z.string().exactOptional(),
  }),
  z.object({ ...envelope, type: z.literal('end'), outcome: z.string() }),
]);

/** What is wrong with a parsed line, with the place inside it, or null. */
export const checkLine = (value: unknown): string | null => {
  const parsed = journalLine.safeParse(value);
  if (parsed.success) return null;
  const [issue] = parsed.error.issues;
  return issue === undefined
    ? 'The line is not one of a journal.'
    : `${issue.path.length === 0 ? 'the line' : issue.path.join('.')}: ${issue.message}`;
};
