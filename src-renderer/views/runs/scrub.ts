import type { OpenedRun, PhaseBand } from '../../../preload/contract/views.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import type { Microseconds, Phase } from '../../../src-main/core/recovery/phase.ts';
import type { LogRow } from '../../stores/rigLog.ts';
import { rowsOf } from '../../../src-main/core/timeline/rows.ts';

/** The part of a run that the scrubber spans. */
export interface Span {
  readonly from: Microseconds;
  readonly to: Microseconds;
}

export const clamp = (at: Microseconds, { from, to }: Span): Microseconds => Math.min(to, Math.max(from, at));

/** One press of an arrow key: a five-hundredth of the span as a round number, a microsecond at least. */
export const arrowStep = ({ from, to }: Span): Microseconds => {
  const wanted = Math.max(1, (to - from) / 500);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const rounded = [1, 2, 5, 10].find((factor) => factor * power >= wanted) ?? 10;
  return Math.max(1, Math.round(rounded * power));
};

/** Where a moment lies in a span, from 0 to 1. */
export const shareOf = (at: Microseconds, { from, to }: Span): number =>
  to <= from ? 0 : Math.min(1, Math.max(0, (at - from) / (to - from)));

export interface DrawnBand {
  readonly phase: Phase;
  /** From 0 to 1 of the span. */
  readonly left: number;
  readonly width: number;
}

/** The bands of a device inside a span, as shares of it. Nothing is drawn while it is not armed. */
export const drawnBands = (
  bands: readonly PhaseBand[],
  span: Span,
  runEnd: Microseconds,
): readonly DrawnBand[] =>
  bands.flatMap(({ at, phase }, index): DrawnBand[] => {
    const until = bands[index + 1]?.at ?? runEnd;
    if (phase === null || until < span.from || at > span.to) return [];
    const left = shareOf(at, span);
    const width = shareOf(until, span) - left;
    return width <= 0 && at !== until ? [] : [{ phase, left, width }];
  });

/** The moments at which something changes, of all devices, in order. */
export const changesOf = (devices: OpenedRun['devices']): readonly Microseconds[] =>
  [...new Set(devices.flatMap(({ bands }) => bands.map(({ at }) => at)))].sort((one, other) => one - other);

export const changeBefore = (changes: readonly Microseconds[], at: Microseconds): Microseconds | null =>
  changes.findLast((one) => one < at) ?? null;

export const changeAfter = (changes: readonly Microseconds[], at: Microseconds): Microseconds | null =>
  changes.find((one) => one > at) ?? null;

/** A recovery that the scrubber can be spread over. */
export interface RecoverySpan extends Span {
  readonly key: string;
  readonly device: string;
  readonly title: string;
}

/** With a tenth of its length before and after it, so that its beginning and its end can be looked at. */
export const recoverySpans = (run: Pick<OpenedRun, 'devices' | 'from' | 'to'>): readonly RecoverySpan[] =>
  run.devices.flatMap(({ device, recoveries }) =>
    recoveries.map(({ number, openedAt, concludedAt, outcome }, index) => {
      const until = concludedAt ?? run.to;
      const margin = Math.max(1_000, Math.round((until - openedAt) / 10));
      return {
        key: `${device} ${index}`,
        device,
        title: `${index + 1}. ${device}, recovery ${number}, ${outcome ?? 'open'}`,
        from: Math.max(run.from, openedAt - margin),
        to: Math.min(run.to, until + margin),
      };
    }),
  );

/** The phases of one device as its lines tell them: exact where the bands of a long run are not. */
export const bandsOfLines = (lines: readonly JournalLine[]): readonly PhaseBand[] => {
  const bands: PhaseBand[] = [];
  for (const line of lines) {
    const phase = line.type === 'step' ? line.phase : line.type === 'armed' ? 'armed' : null;
    if (phase !== null && bands.at(-1)?.phase !== phase) bands.push({ at: line.at, phase });
  }
  return bands;
};

/** The rows of a story for its diagram. */
export const rowsOfStory = (lines: readonly JournalLine[]): readonly LogRow[] => {
  let previous: Phase | null = null;
  return lines.flatMap((line) => {
    const rows = rowsOf(line, previous).map((row, part) => ({ ...row, seq: line.seq, part }));
    if (line.type === 'step') previous = line.phase;
    if (line.type === 'armed') previous = 'armed';
    return rows;
  });
};
