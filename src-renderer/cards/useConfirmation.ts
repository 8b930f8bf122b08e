import { computed, onUnmounted, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue';
import type { InputOf } from '../../preload/contract/commands.ts';
import type { ConfirmationView } from '../../preload/contract/views.ts';
import type { BenchError, Result } from '../../src-main/core/result.ts';
import { useBench } from '../stores/bench.ts';

export interface Confirmation {
  /** What the bench says about the deed; null until it has answered. */
  readonly view: Ref<ConfirmationView | null>;
  /** What went wrong with the last try, or with asking. */
  readonly error: Ref<BenchError | null>;
  readonly busy: Ref<boolean>;
  /** Why it cannot be confirmed as far as the bench is concerned. */
  readonly reason: ComputedRef<string | null>;
  /** Does it with the token of this card, which is good once; true when it was done. */
  confirm(deed: (token: string) => Promise<Result<unknown>>): Promise<boolean>;
}

/**
 * The token of a card and what the bench says before it is used. It is asked for when the card opens and again whenever
 * what is asked for changes, or `situation` does: then the consequence may be another one.
 */
export const useConfirmation = (
  asked: () => InputOf<'confirmation'>,
  situation: () => unknown,
): Confirmation => {
  const bench = useBench();
  const view = shallowRef<ConfirmationView | null>(null);
  const error = shallowRef<BenchError | null>(null);
  const busy = ref(false);
  let latest = 0;

  const ask = async (): Promise<void> => {
    latest += 1;
    const mine = latest;
    const answer = await bench.ask('confirmation', asked());
    if (mine !== latest) return;
    view.value = answer.ok ? answer.value : null;
    if (!answer.ok) error.value = answer.error;
  };

  watch(
    () => JSON.stringify([asked(), situation()]),
    () => {
      if (busy.value) return;
      error.value = null;
      void ask();
    },
    { immediate: true },
  );
  onUnmounted(() => {
    latest = -1;
  });

  const reason = computed(() => {
    if (busy.value) return 'It is being done.';
    if (view.value !== null) return view.value.refusal;
    return error.value === null ? 'The bench is being asked.' : error.value.message;
  });

  const confirm = async (deed: (token: string) => Promise<Result<unknown>>): Promise<boolean> => {
    const token = view.value?.token;
    if (token === undefined || busy.value) return false;
    busy.value = true;
    error.value = null;
    const result = await deed(token);
    busy.value = false;
    if (result.ok) return true;
    error.value = result.error;
    // The token may be used up; another try needs another one.
    if (latest !== -1) await ask();
    return false;
  };

  return { view, error, busy, reason, confirm };
};
