import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { Protocol } from '../../src-main/core/recovery/phase.ts';
import { useBench } from './bench.ts';

const keyOf = (rig: string, device: string): string => `${rig} ${device}`;

/** The protocol that the next Arm of a device takes; its policy is in `armingPolicy.ts`. */
export const useArmingProtocol = defineStore('armingProtocol', () => {
  const bench = useBench();
  const chosen = shallowRef<ReadonlyMap<string, Protocol>>(new Map());

  const choose = (rig: string, device: string, protocol: Protocol): void => {
    chosen.value = new Map(chosen.value).set(keyOf(rig, device), protocol);
  };

  /** What was chosen, else what the device was armed with, else the first it offers; null when it offers none. */
  const protocolFor = (rig: string, device: string): Protocol | null => {
    const offered = bench.device(rig, device)?.protocols ?? [];
    const wished = chosen.value.get(keyOf(rig, device)) ?? bench.armed(rig, device)?.state.arming.protocol;
    return offered.find((protocol) => protocol === wished) ?? offered[0] ?? null;
  };

  return { choose, protocolFor };
});
