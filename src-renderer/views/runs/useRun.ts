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

/** A moment that is slow to come, because the run is still being read, is not waited for longer than this. */
const slow = 300;

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
  let asked = 0;
  let shown = 0;
  let busy = false;
  let patience: ReturnType<typeof setTimeout> | undefined;

  const work = (): void => {
    if (busy || next === null) return;
    const question = next;
    const mine = (asked += 1);
    next = null;
    busy = true;
    const goOn = (): void => {
      if (mine !== asked) return;
      clearTimeout(patience);
      busy = false;
      work();
    };
    patience = setTimeout(goOn, slow);
    void bench.ask('runMoment', question).then((answer) => {
      if (mine > shown) {
        shown = mine;
        trouble.value = answer.ok ? null : answer.error;
        if (answer.ok) moment.value = answer.value;
      }
      goOn();
    });
  };
  watch(
    wish,
    (wanted) => {
      next = wanted;
      work();
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    next = null;
    shown = Infinity;
    clearTimeout(patience);
  });
  return { moment, trouble };
};
