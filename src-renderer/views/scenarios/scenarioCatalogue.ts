import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { ScenarioCatalogue, ScenarioSummary } from '../../../preload/contract/views.ts';
import type { BenchError } from '../../../src-main/core/result.ts';
import { useBench } from '../../stores/bench.ts';

/** How a play ended whose rig is gone. */
export interface LastPlay {
  readonly outcome: 'passed' | 'failed' | 'stopped';
  readonly played: number;
  readonly detail: string;
  /** Where it was recorded; null when nothing was. */
  readonly run: string | null;
}

/** The scenarios that the bench can play, read once, and how the last play of each ended. */
export const useScenarioCatalogue = defineStore('scenarioCatalogue', () => {
  const bench = useBench();
  const scenarios = ref<readonly ScenarioSummary[] | null>(null);
  const unreadable = ref<ScenarioCatalogue['unreadable']>([]);
  const trouble = ref<BenchError | null>(null);
  const lastPlays = ref<ReadonlyMap<string, LastPlay>>(new Map());

  const read = async (): Promise<void> => {
    const answer = await bench.ask('scenarios', {});
    trouble.value = answer.ok ? null : answer.error;
    if (!answer.ok) return;
    scenarios.value = answer.value.scenarios;
    unreadable.value = answer.value.unreadable;
  };

  const remember = (name: string, play: LastPlay | null): void => {
    const next = new Map(lastPlays.value);
    if (play === null) next.delete(name);
    else next.set(name, play);
    lastPlays.value = next;
  };

  return { scenarios, unreadable, trouble, lastPlays, read, remember };
});

/** By thread, in the order of the threads; within one as the bench lists them. */
export const byThread = (
  scenarios: readonly ScenarioSummary[],
): readonly { readonly seed: number; readonly scenarios: readonly ScenarioSummary[] }[] =>
  [...Map.groupBy(scenarios, ({ seed }) => seed)]
    .sort(([one], [other]) => one - other)
    .map(([seed, of]) => ({ seed, scenarios: of }));
