import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { vi } from 'vitest';
import type { Component } from 'vue';
import { createMemoryHistory, type Router } from 'vue-router';
import type { ConsoleDelta } from '../../../preload/contract/deltas.ts';
import type { RigView } from '../../../preload/contract/views.ts';
import { success } from '../../../src-main/core/result.ts';
import { createConsoleRouter } from '../../../src-renderer/router.ts';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { useClock } from '../../../src-renderer/stores/clock.ts';
import { fakeLink, rigView, snapshotOf, type FakeLink } from '../fakeBridge.ts';
import { device, type Told } from './told.ts';

type Without<Whole, Key extends PropertyKey> = Whole extends unknown ? Omit<Whole, Key> : never;
type DeltaBody = Without<ConsoleDelta, 'number'>;

export interface Stage {
  readonly link: FakeLink;
  readonly router: Router;
  readonly wrapper: VueWrapper;
  /** The rig's clock shows this from now on. */
  clock(at: number): Promise<void>;
  settle(): Promise<unknown>;
  /** Deltas come in, and the frame that shows them. */
  push(...deltas: readonly DeltaBody[]): Promise<void>;
}

/** A component with stores, routes and a bench that answers; `query` is that of the device's address. */
export const stage = async (
  component: Component,
  told: Told | null,
  options: {
    query?: string;
    rig?: Partial<RigView>;
    props?: () => Record<string, unknown>;
    prepare?: (link: FakeLink) => void;
  } = {},
): Promise<Stage> => {
  vi.useFakeTimers({
    toFake: ['performance', 'setInterval', 'requestAnimationFrame', 'cancelAnimationFrame'],
  });
  const armed =
    told === null
      ? []
      : [{ device, state: told.state, sharers: ['0000:01:00.1'], resetKinds: ['device', 'hot'] }];
  const view = rigView('one', {
    armed: armed as RigView['armed'],
    recent: told?.lines ?? [],
    now: 2_000_000,
    pace: 0,
    ...options.rig,
  });
  const link = fakeLink(() => snapshotOf({ rigs: [view] }));
  link.answer('confirmation', (input: { action: string; device: string }) =>
    success({
      token: `token-${input.action}`,
      action: input.action,
      device: input.device,
      recovery: 1,
      consequence: `What ${input.action} does.`,
      known: {},
      refusal: null,
    }),
  );
  link.answer('injectors', () =>
    success([
      { injector: 'simulated', faults: ['aer', 'unplug'], refusal: null },
      { injector: 'loopback', faults: ['loopback'], refusal: null },
    ]),
  );
  options.prepare?.(link);
  let number = 0;
  const pinia = createPinia();
  setActivePinia(pinia);
  const router = createConsoleRouter(createMemoryHistory());
  await router.push(`/device/one/${device}/handshake${options.query ?? ''}`);
  const bench = useBench(pinia);
  bench.connect(link);
  await flushPromises();
  const wrapper = mount(component, {
    attachTo: document.body,
    props: options.props?.() ?? {},
    global: { plugins: [pinia, router] },
  });
  await flushPromises();
  return {
    link,
    router,
    wrapper,
    clock: async (at) => {
      useClock(pinia).anchor('one', at, 0);
      await flushPromises();
    },
    settle: flushPromises,
    push: async (...deltas) => {
      link.push(...deltas.map((delta) => ({ number: (number += 1), ...delta }) as ConsoleDelta));
      vi.advanceTimersToNextFrame();
      await flushPromises();
    },
  };
};
