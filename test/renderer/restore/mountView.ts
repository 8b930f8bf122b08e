import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import type { Component } from 'vue';
import { createMemoryHistory, type Router } from 'vue-router';
import type { DeviceView, RigView } from '../../../preload/contract/views.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import type { RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { createConsoleRouter, type DeviceTab } from '../../../src-renderer/router.ts';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { deviceView, fakeLink, rigView, snapshotOf, type FakeLink } from '../fakeBridge.ts';

export const address = '0000:01:00.0';

export interface MountedView {
  readonly link: FakeLink;
  readonly router: Router;
  readonly wrapper: VueWrapper;
}

export interface Ground {
  readonly lines?: readonly JournalLine[];
  readonly state?: RecoveryState | null;
  readonly rig?: Partial<RigView>;
  readonly device?: Partial<DeviceView>;
  /** Who drives; the viewer is `me`. */
  readonly holder?: string | null;
  readonly query?: string;
  readonly prepare?: (link: FakeLink) => void;
}

/** A view of one device with stores, routes and a bench that answers. */
export const mountView = async (
  component: Component,
  tab: DeviceTab,
  ground: Ground = {},
): Promise<MountedView> => {
  const { lines = [], state = null, rig = {}, device = {}, holder = 'me', query = '', prepare } = ground;
  const view = rigView('one', {
    devices: [deviceView(address, device)],
    armed: state === null ? [] : [{ device: address, state, sharers: [], resetKinds: ['device'] }],
    recent: lines,
    pace: 0,
    ...rig,
  });
  const operator = { you: 'me', holder, asking: null, viewers: ['me', 'Ada'] };
  const link = fakeLink(() => snapshotOf({ rigs: [view], operator }));
  prepare?.(link);
  const pinia = createPinia();
  setActivePinia(pinia);
  const router = createConsoleRouter(createMemoryHistory());
  await router.push(`/device/one/${address}/${tab}${query}`);
  const bench = useBench(pinia);
  bench.connect(link);
  await flushPromises();
  const wrapper = mount(component, {
    attachTo: document.body,
    props: {
      rig: bench.rig('one'),
      device: bench.device('one', address),
      armed: bench.armed('one', address),
    },
    global: { plugins: [pinia, router] },
  });
  await flushPromises();
  return { link, router, wrapper };
};
