import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { SnapshotView } from '../../src-main/core/journal/line.ts';
import type { Microseconds } from '../../src-main/core/recovery/phase.ts';
import type { BenchError } from '../../src-main/core/result.ts';
import { useBench } from '../stores/bench.ts';
import { useClock } from '../stores/clock.ts';
import { bytesOfBase64 } from './inflate.ts';

export interface LiveReading {
  readonly view: SnapshotView;
  readonly at: Microseconds;
  readonly bytes: Uint8Array;
}

export interface LiveConfig {
  readonly live: Readonly<ShallowRef<LiveReading | null>>;
  /** Why it could not be read, or null. */
  readonly error: Readonly<ShallowRef<BenchError | null>>;
  readonly reading: Readonly<Ref<boolean>>;
  readonly readNow: () => Promise<void>;
}

/** The config space as it is now: read at once, again when `changed` changes, and when asked for. */
export const useLiveConfig = (
  device: () => { readonly rig: string; readonly device: string },
  view: () => SnapshotView,
  changed: () => unknown,
): LiveConfig => {
  const bench = useBench();
  const clock = useClock();
  const live = shallowRef<LiveReading | null>(null);
  const error = shallowRef<BenchError | null>(null);
  const reading = ref(false);
  let turn = 0;

  const readNow = async (): Promise<void> => {
    turn += 1;
    const mine = turn;
    const wanted = view();
    reading.value = true;
    const answer = await bench.ask('readConfig', { ...device(), view: wanted });
    // A newer question was asked meanwhile, and its answer is the one to show.
    if (mine !== turn) return;
    reading.value = false;
    const bytes = answer.ok ? bytesOfBase64(answer.value.bytes) : answer;
    error.value = bytes.ok ? null : bytes.error;
    live.value = bytes.ok ? { view: wanted, at: clock.now(device().rig), bytes: bytes.value } : null;
  };
  watch([view, changed], () => void readNow(), { immediate: true });
  return { live, error, reading, readNow };
};
