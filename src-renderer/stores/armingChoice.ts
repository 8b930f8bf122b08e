import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { Protocol } from '../../src-main/core/recovery/phase.ts';
import { defaultPolicy, type Policy } from '../../src-main/core/recovery/policy.ts';
import { useBench } from './bench.ts';

interface Choice {
  readonly protocol?: Protocol;
  readonly policy?: Policy;
}

const keyOf = (rig: string, device: string): string => `${rig} ${device}`;

/** What each device would be armed with, before it is: chosen in its header and on its Policy tab. */
export const useArmingChoice = defineStore('armingChoice', () => {
  const bench = useBench();
  const choices = shallowRef<ReadonlyMap<string, Choice>>(new Map());

  const choose = (rig: string, device: string, choice: Choice): void => {
    const key = keyOf(rig, device);
    choices.value = new Map(choices.value).set(key, { ...choices.value.get(key), ...choice });
  };

  /** What was chosen, else what the device was armed with, else the first protocol it offers; null when it offers none. */
  const protocolFor = (rig: string, device: string): Protocol | null => {
    const offered = bench.device(rig, device)?.protocols ?? [];
    const wished =
      choices.value.get(keyOf(rig, device))?.protocol ?? bench.armed(rig, device)?.state.arming.protocol;
    return offered.find((protocol) => protocol === wished) ?? offered[0] ?? null;
  };

  /** What was chosen, else the policy the device was armed with, else the default: a person decides, and time runs out. */
  const policyFor = (rig: string, device: string): Policy =>
    choices.value.get(keyOf(rig, device))?.policy ??
    bench.armed(rig, device)?.state.arming.policy ??
    defaultPolicy;

  return { choose, protocolFor, policyFor };
});
