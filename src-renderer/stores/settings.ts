import { defineStore } from 'pinia';
import { ref, watch } from 'vue';

const place = 'recovery-bench:settings';

interface Kept {
  readonly operatorName: string;
  readonly soundOnWaits: boolean;
}

const read = (): Kept => {
  const fallback: Kept = { operatorName: '', soundOnWaits: false };
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(place) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return fallback;
    const { operatorName, soundOnWaits } = kept as Partial<Kept>;
    return {
      operatorName: typeof operatorName === 'string' ? operatorName : '',
      soundOnWaits: soundOnWaits === true,
    };
  } catch {
    return fallback;
  }
};

/** What this viewer prefers; remembered in this browser only. */
export const useSettings = defineStore('settings', () => {
  const kept = read();
  /** Stands in each approval; the cards start with it. */
  const operatorName = ref(kept.operatorName);
  const soundOnWaits = ref(kept.soundOnWaits);

  watch([operatorName, soundOnWaits], () => {
    try {
      window.localStorage.setItem(
        place,
        JSON.stringify({ operatorName: operatorName.value, soundOnWaits: soundOnWaits.value } satisfies Kept),
      );
    } catch {
      // Without storage the settings hold until the page is closed.
    }
  });

  return { operatorName, soundOnWaits };
});
