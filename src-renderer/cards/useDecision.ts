import { computed, ref, type ComputedRef, type Ref } from 'vue';
import { useSettings } from '../stores/settings.ts';

export interface Decision {
  readonly reason: Ref<string>;
  readonly operator: Ref<string>;
  /** What is still to be filled in, in a sentence; null when nothing is. */
  readonly missing: ComputedRef<string | null>;
  /** What goes with the command. The operator's name is remembered from here on. */
  signed(): { readonly operator: string; readonly reason: string };
}

/** Reason and operator of a card that is written to the journal before it is carried out. */
export const useDecision = (): Decision => {
  const settings = useSettings();
  const reason = ref('');
  const operator = ref(settings.operatorName);
  const missing = computed(() => {
    if (reason.value.trim() === '') return 'Write a reason; it goes into the journal first.';
    return operator.value.trim() === '' ? 'Write who decides; it goes into the journal first.' : null;
  });
  const signed = (): { operator: string; reason: string } => {
    settings.operatorName = operator.value.trim();
    return { operator: operator.value.trim(), reason: reason.value.trim() };
  };
  return { reason, operator, missing, signed };
};
