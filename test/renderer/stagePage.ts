import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import type { Component } from 'vue';
import { createMemoryHistory, type Router } from 'vue-router';
import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import { createConsoleRouter } from '../../src-renderer/router.ts';
import { useBench } from '../../src-renderer/stores/bench.ts';
import { fakeLink, snapshotOf, type FakeLink } from './fakeBridge.ts';

export interface PageStage {
  readonly link: FakeLink;
  readonly router: Router;
  readonly wrapper: VueWrapper;
}

/** A page of the console with its address, stores, and a bench that answers as the test says. */
export const stagePage = async (
  component: Component,
  address: string,
  answers: (link: FakeLink) => void,
  snapshot: () => ConsoleSnapshot = snapshotOf,
): Promise<PageStage> => {
  const link = fakeLink(snapshot);
  answers(link);
  const pinia = createPinia();
  setActivePinia(pinia);
  const router = createConsoleRouter(createMemoryHistory());
  await router.push(address);
  useBench(pinia).connect(link);
  await flushPromises();
  const wrapper = mount(component, { attachTo: document.body, global: { plugins: [pinia, router] } });
  await flushPromises();
  return { link, router, wrapper };
};
