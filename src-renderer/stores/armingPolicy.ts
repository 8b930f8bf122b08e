import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { defaultPolicy, type Policy } from '../../src-main/core/recovery/policy.ts';

const keyOf = (rig: string, device: string): string => `${rig} ${device}`;

/**
 * The policy that the next Arm of a device takes along. It is kept while the page is open and no longer: nobody should
 * meet an automatic ack that was chosen on another day.
 */
export const useArmingPolicy = defineStore('armingPolicy', () => {
  const chosen = shallowRef<ReadonlyMap<string, Policy>>(new Map());

  const policyFor = (rig: string, device: string): Policy =>
    chosen.value.get(keyOf(rig, device)) ?? defaultPolicy;

  const choose = (rig: string, device: string, policy: Policy): void => {
    chosen.value = new Map(chosen.value).set(keyOf(rig, device), policy);
  };

  return { policyFor, choose };
});
