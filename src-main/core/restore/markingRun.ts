/**
 * A marking run in the lines of a device, each of type `operation`: `marking` announces it with what is going to be
 * written and who approved it; `mark` and `unmark` say what was written, in `detail.report.did`.
 */
import type { JournalLine, LineOf } from '../journal/line.ts';
import type { Approval } from '../recovery/event.ts';
import type { DeviceAction } from '../recovery/reports.ts';
import type { BenchError } from '../result.ts';
import type { MarkingMoment, MarkingPlan } from './marking.ts';

/** Why the old values are written again. */
export const unmarkCauses = [
  'recoveryEnded',
  'cancelled',
  'disarmed',
  'closed',
  'deviceVanished',
  'notStarted',
] as const;
export type UnmarkCause = (typeof unmarkCauses)[number];

export interface MarkingDetail {
  readonly plan: MarkingPlan;
  readonly approval: Approval;
}

export interface MarkDetail {
  readonly moment: MarkingMoment;
  readonly recovery: number | null;
  readonly report: {
    readonly did: readonly DeviceAction[];
    /** Registers that were to be written and do not hold what was written. */
    readonly notTaken: readonly string[];
  };
}

export interface UnmarkDetail {
  readonly because: UnmarkCause;
  readonly report: {
    readonly did: readonly DeviceAction[];
    /** Registers that do not hold again what they held before. */
    readonly notBack: readonly string[];
  };
}

export type MarkingLine =
  | ({ readonly operation: 'marking' } & MarkingDetail)
  | ({ readonly operation: 'mark' } & MarkDetail)
  | ({ readonly operation: 'unmark' } & UnmarkDetail);

/** What a line says of a marking run; null for any other line, and one that does not say what these say. */
export const markingLineOf = ({ operation, detail }: LineOf<'operation'>): MarkingLine | null => {
  if (typeof detail !== 'object' || detail === null) return null;
  const said = (...keys: readonly string[]): boolean => keys.every((key) => key in detail);
  if (operation === 'marking' && said('plan', 'approval')) return { operation, ...(detail as MarkingDetail) };
  if (operation === 'mark' && said('moment', 'report')) return { operation, ...(detail as MarkDetail) };
  if (operation === 'unmark' && said('because', 'report')) return { operation, ...(detail as UnmarkDetail) };
  return null;
};

export type MarkingState =
  | { readonly kind: 'none' }
  /** Marked: it waits for the next fault, or for the end of the recovery; or `trouble` kept the old values away. */
  | {
      readonly kind: 'marked';
      readonly detail: MarkingDetail;
      readonly moments: readonly MarkingMoment[];
      readonly trouble: BenchError | null;
    }
  /** `trouble`: why some values were not put back, and nobody can do it any more. */
  | {
      readonly kind: 'ended';
      readonly because: UnmarkCause;
      readonly moments: readonly MarkingMoment[];
      readonly trouble: BenchError | null;
    };

/** After these the bench does not hold the device any more, and cannot try again. */
export const isLastTry = (because: UnmarkCause): boolean =>
  because === 'closed' || because === 'deviceVanished';

/** How the newest marking run of the device stands. */
export const markingStateOf = (lines: readonly JournalLine[]): MarkingState => {
  let state: MarkingState = { kind: 'none' };
  for (const line of lines) {
    const said = line.type === 'operation' ? markingLineOf(line) : null;
    if (line.type !== 'operation' || said === null) continue;
    if (said.operation === 'marking') {
      if (line.result === 'done') state = { kind: 'marked', detail: said, moments: [], trouble: null };
      continue;
    }
    if (state.kind !== 'marked') continue;
    const moments: readonly MarkingMoment[] = state.moments;
    if (said.operation === 'mark') {
      if (line.result === 'done') state = { ...state, moments: [...moments, said.moment] };
      continue;
    }
    const { because } = said;
    const trouble = line.result === 'done' ? null : line.result;
    const over = trouble === null || isLastTry(because);
    state = over ? { kind: 'ended', because, moments, trouble } : { ...state, trouble };
  }
  return state;
};
