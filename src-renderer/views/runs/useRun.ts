import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { OpenedRun, RunMoment } from '../../../preload/contract/views.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import type { BenchError } from '../../../src-main/core/result.ts';
import { useBench } from '../../stores/bench.ts';

/** Between two questions how far the reading of a long run is, in milliseconds. */
const askAgain = 400;

/** A run, opened and asked for again until it has been read to its end. */
export const useRun = (
  run: () => string | null,
): { opened: ShallowRef<OpenedRun | null>; trouble: ShallowRef<BenchError | null>; again: () => void } => {
  const bench = useBench();
  const opened = shallowRef<OpenedRun | null>(null);
  const trouble = shallowRef<BenchError | null>(null);
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const ask = async (name: string, mine: number): Promise<void> => {
    const answer = await bench.ask('openRun', { run: name });
    if (mine !== turn) return;
    trouble.value = answer.ok ? null : answer.error;
    if (!answer.ok) return;
    opened.value = answer.value;
    if (answer.value.reading !== null) timer = setTimeout(() => void ask(name, mine), askAgain);
  };
  const begin = (): void => {
    turn += 1;
    clearTimeout(timer);
    const name = run();
    if (opened.value?.run !== name) opened.value = null;
    trouble.value = null;
    if (name !== null && bench.linkState === 'open') void ask(name, turn);
  };
  watch([run, () => bench.linkState], begin, { immediate: true });
  onScopeDispose(() => {
    turn += 1;
    clearTimeout(timer);
  });
  return { opened, trouble, again: begin };
};

/**
 * The run as it was at a moment. One question at a time, and of those that came meanwhile only the last: dragging the
 * scrubber asks as fast as it is answered, and ends with what it was let go at.
 */
export const useMoment = (
  wish: () => { readonly run: string; readonly at: Microseconds; readonly device: string | null } | null,
): { moment: ShallowRef<RunMoment | null>; trouble: ShallowRef<BenchError | null> } => {
  const bench = useBench();
  const moment = shallowRef<RunMoment | null>(null);
  const trouble = shallowRef<BenchError | null>(null);
  let next: ReturnType<typeof wish> = null;
  let asking = false;
  let gone = false;

  const work = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    while (next !== null && !gone) {
      const now = next;
      next = null;
      const answer = await bench.ask('runMoment', now);
      trouble.value = answer.ok ? null : answer.error;
      if (answer.ok) moment.value = answer.value;
    }
    asking = false;
  };
  watch(
    wish,
    (wanted) => {
      next = wanted;
      void work();
    },
    { immediate: true },
  );
  onScopeDispose(() => (gone = true));
  return { moment, trouble };
};
