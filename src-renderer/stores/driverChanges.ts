import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { InputOf } from '../../preload/contract/commands.ts';
import type { DeviceView } from '../../preload/contract/views.ts';
import { failure, type Result } from '../../src-main/core/result.ts';
import { useBench } from './bench.ts';
import { useNotices } from './notices.ts';

export type VfioDriver = Exclude<InputOf<'bind'>['driver'], 'previous'>;

/** The drivers that the bench can give a device to. */
export const benchDrivers = ['vfio-pci-notify', 'vfio-pci', null] as const satisfies readonly VfioDriver[];

export const driverName = (driver: string | null): string => driver ?? 'no driver';

const keyOf = (rig: string, device: string): string => `${rig} ${device}`;
const isBenchDriver = (driver: string | null): driver is VfioDriver =>
  benchDrivers.some((known) => known === driver);

/** Changes of drivers made here, so that the last one of each device can be taken back. */
export const useDriverChanges = defineStore('driverChanges', () => {
  const bench = useBench();
  const notices = useNotices();
  const before = shallowRef<ReadonlyMap<string, string | null>>(new Map());

  /** Notes what a device was on. */
  const note = (rig: string, { address, driver }: DeviceView): void => {
    before.value = new Map(before.value).set(keyOf(rig, address), driver);
  };

  /** What undoing would give the device to; undefined when there is nothing to undo. */
  const undoable = (rig: string, { address, driver }: DeviceView): string | null | undefined => {
    const known = before.value.get(keyOf(rig, address));
    return known === driver ? undefined : known;
  };

  const undo = async (rig: string, device: DeviceView): Promise<Result<void>> => {
    const known = undoable(rig, device);
    if (known === undefined) return failure('malformedInput', 'There is nothing to undo.');
    // A driver of the host goes by the bench's own memory of it.
    const driver = isBenchDriver(known) ? known : 'previous';
    const on = { rig, device: device.address };
    const about = `Give ${device.address} back to ${driverName(known)}`;
    const asked = await bench.perform('confirmation', { ...on, action: 'unbind', driver }, about);
    if (!asked.ok) return asked;
    if (asked.value.refusal !== null) {
      const refused = failure('preflightRefused', asked.value.refusal);
      notices.add(refused.error, about);
      return refused;
    }
    const bound = await bench.perform('bind', { ...on, token: asked.value.token, driver }, about);
    if (bound.ok) note(rig, device);
    return bound;
  };

  return { note, undoable, undo };
});
