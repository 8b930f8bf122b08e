import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { useRoute, useRouter, type LocationQueryRaw, type RouteLocationRaw } from 'vue-router';
import type { ConfirmedAction } from '../../preload/contract/views.ts';
import { confirmedCards, deviceTabs, type DeviceTab } from '../router.ts';
import type { Microseconds } from '../../src-main/core/recovery/phase.ts';

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const isTab = (value: string | null): value is DeviceTab => deviceTabs.some(({ name }) => name === value);
const isCard = (value: string | null): value is ConfirmedAction =>
  confirmedCards.some((card) => card === value);

/**
 * What is looked at, two-way with the hash route, so that a device, a moment and a card have an address. On pages
 * without a device the last one stays selected.
 */
export const useSelection = defineStore('selection', () => {
  const route = useRoute();
  const router = useRouter();
  const lastRig = ref<string | null>(null);
  const lastDevice = ref<string | null>(null);
  /** Where each rig was left. */
  const lastOf = new Map<string, string>();

  watch(
    () => [text(route.params['rig']), text(route.params['address'])] as const,
    ([rig, address]) => {
      if (rig === null) return;
      lastRig.value = rig;
      lastDevice.value = address;
      if (address !== null) lastOf.set(rig, address);
    },
    { immediate: true },
  );

  const onDevicePage = computed(() => route.name === 'device');
  const rig = computed(() => lastRig.value);
  const device = computed(() => lastDevice.value);
  const tab = computed<DeviceTab>(() => {
    const named = text(route.params['tab']);
    return isTab(named) ? named : 'handshake';
  });
  /** The selected moment on the rig's clock, or null for now. */
  const at = computed<Microseconds | null>(() => {
    const moment = Number(text(route.query['at']) ?? NaN);
    return Number.isSafeInteger(moment) && moment >= 0 ? moment : null;
  });
  /** The open card of the selected device. */
  const card = computed<ConfirmedAction | null>(() => {
    const named = text(route.query['card']);
    return onDevicePage.value && isCard(named) ? named : null;
  });

  const addressOf = (
    rigId: string,
    address: string,
    to: DeviceTab = tab.value,
    query: LocationQueryRaw = {},
  ): RouteLocationRaw => ({ name: 'device', params: { rig: rigId, address, tab: to }, query });

  const withQuery = (change: LocationQueryRaw): Promise<unknown> => {
    const query = Object.fromEntries(
      Object.entries({ ...route.query, ...change }).filter(([, value]) => value !== undefined),
    );
    return router.replace({ query });
  };

  const selectDevice = (rigId: string, address: string, to: DeviceTab = tab.value): Promise<unknown> =>
    router.push(addressOf(rigId, address, to));

  const selectDeviceAt = (rigId: string, address: string, moment: Microseconds): Promise<unknown> =>
    router.push(addressOf(rigId, address, tab.value, { at: String(moment) }));

  /** The same without a step in the history: for an address that named no device. */
  const replaceDevice = (rigId: string, address: string): Promise<unknown> =>
    router.replace(addressOf(rigId, address));

  /** Goes to where the rig was left, else to its first device. */
  const selectRig = (rigId: string): Promise<unknown> => {
    const address = lastOf.get(rigId);
    return address === undefined
      ? router.push({ name: 'rig', params: { rig: rigId } })
      : selectDevice(rigId, address);
  };

  const selectTab = (to: DeviceTab): Promise<unknown> => {
    if (lastRig.value === null || lastDevice.value === null) return Promise.resolve();
    const moment = at.value;
    return router.push(
      addressOf(lastRig.value, lastDevice.value, to, moment === null ? {} : { at: String(moment) }),
    );
  };

  /** Null looks at what is now. */
  const selectMoment = (moment: Microseconds | null): Promise<unknown> =>
    withQuery({ at: moment === null ? undefined : String(moment) });

  /** Opens a card of a device: it is on the Handshake tab, whatever page this is; some are on every tab. */
  const openCard = (
    name: ConfirmedAction,
    rigId = lastRig.value,
    address = lastDevice.value,
  ): Promise<unknown> => {
    if (rigId === null || address === null) return Promise.resolve();
    const anywhere = name === 'unbind' || name === 'mark' || name === 'platform';
    const to = anywhere && onDevicePage.value ? tab.value : 'handshake';
    return router.push(addressOf(rigId, address, to, { card: name }));
  };

  const closeCard = (): Promise<unknown> => withQuery({ card: undefined });

  return {
    rig,
    device,
    tab,
    at,
    card,
    onDevicePage,
    addressOf,
    selectDevice,
    selectDeviceAt,
    replaceDevice,
    selectRig,
    selectTab,
    selectMoment,
    openCard,
    closeCard,
  };
});
