import { shallowRef, watch, type ShallowRef } from 'vue';
import type { Result } from '../../src-main/core/result.ts';
import { inflateSnapshot } from './inflate.ts';

export type Inflated = ReadonlyMap<string, Result<Uint8Array>>;

/** The bytes of each packed snapshot that is wanted, once they are unpacked; those no longer wanted are forgotten. */
export const useInflated = (wanted: () => readonly string[]): Readonly<ShallowRef<Inflated>> => {
  const known = shallowRef<Inflated>(new Map());
  let turn = 0;
  watch(
    () => [...new Set(wanted())],
    async (texts, before) => {
      if (
        before !== undefined &&
        texts.length === before.length &&
        texts.every((text) => known.value.has(text))
      )
        return;
      turn += 1;
      const mine = turn;
      const entries = await Promise.all(
        texts.map(async (text): Promise<readonly [string, Result<Uint8Array>]> => [
          text,
          known.value.get(text) ?? (await inflateSnapshot(text)),
        ]),
      );
      if (mine === turn) known.value = new Map(entries);
    },
    { immediate: true },
  );
  return known;
};
