import { z } from 'zod';
import {
  traceMeans,
  unseenReasons,
  type TraceState,
  type TraceTold,
} from '../../src-main/core/kernelTrace/told.ts';
import { benchError, microseconds } from './reports.ts';

/** A name of the kernel, as long as it lets one be (KSYM_NAME_LEN), with its module. */
const name = z.string().max(600);
const took = microseconds.nonnegative();

export const traceState: z.ZodType<TraceState> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('watching'),
    means: z.enum(traceMeans),
    seen: z.array(name),
    unseen: z.array(z.object({ function: name, because: z.enum(unseenReasons) })),
    devices: z.enum(['known', 'unknown']),
  }),
  z.object({ kind: z.literal('off'), error: benchError.nullable() }),
]);

export const traceTold: z.ZodType<TraceTold> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('call'),
    call: z.object({
      function: name,
      edge: z.enum(['began', 'ended']),
      took,
      returned: z.int().nullable(),
      request: name.nullable(),
      within: name.nullable(),
      steps: z.array(z.object({ function: name, after: took, took })),
    }),
  }),
  z.object({ kind: z.literal('state'), state: traceState }),
  z.object({ kind: z.literal('lost'), count: z.int().positive() }),
]);
