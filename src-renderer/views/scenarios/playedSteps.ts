import type { ScenarioProgress } from '../../../preload/contract/views.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';

export interface PlayedStep {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  readonly status: 'passed' | 'failed' | 'running' | 'next' | 'pending' | 'left';
  /** What was found where it failed, or what was refused as expected. */
  readonly detail: string;
  /** On the rig's clock, from the start of the step to its end; null while that is not known. */
  readonly took: Microseconds | null;
}

export const statusWords: Readonly<Record<PlayedStep['status'], string>> = {
  passed: 'passed',
  failed: 'failed',
  running: 'running',
  next: 'next',
  pending: 'to come',
  left: 'not played',
};

const statusOf = (number: number, progress: ScenarioProgress | null): PlayedStep['status'] => {
  if (progress === null) return 'pending';
  const { played, running, failed, ended } = progress;
  if (failed?.step === number) return 'failed';
  if (number <= played) return 'passed';
  if (ended) return 'left';
  if (number > played + 1) return 'pending';
  return running ? 'running' : 'next';
};

/** The steps of a scenario as they stand; details and times come from the lines of its run. */
export const playedSteps = (
  steps: readonly string[],
  progress: ScenarioProgress | null,
  lines: readonly JournalLine[],
): readonly PlayedStep[] => {
  const begun = new Map<number, Microseconds>();
  const ended = new Map<number, { at: Microseconds; detail: string }>();
  for (const line of progress === null ? [] : lines) {
    if (line.type !== 'scenario') continue;
    if (line.result === 'started') begun.set(line.step, line.at);
    else ended.set(line.step, { at: line.at, detail: line.detail ?? '' });
  }
  return steps.map((text, index) => {
    const number = index + 1;
    const from = begun.get(number);
    const to = ended.get(number);
    const failed = progress?.failed?.step === number ? progress.failed.detail : null;
    return {
      number,
      text,
      status: statusOf(number, progress),
      detail: failed ?? to?.detail ?? '',
      took: from === undefined || to === undefined ? null : to.at - from,
    };
  });
};
