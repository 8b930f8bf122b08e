// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it } from 'vitest';
import { defineComponent, h } from 'vue';
import { success } from '../../../src-main/core/result.ts';
import SettingsView from '../../../src-renderer/views/settings/SettingsView.vue';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { mountView, type MountedView } from '../restore/mountView.ts';

const Page = defineComponent({ inheritAttrs: false, render: () => h(SettingsView) });

let mounted: MountedView | null = null;
afterEach(() => {
  mounted?.wrapper.unmount();
  mounted = null;
});

const watched = ({ wrapper }: MountedView) => {
  const label = wrapper.findAll('label').find((one) => one.text() === 'Watch the functions of real kernels');
  return label?.find<HTMLInputElement>('input') ?? expect.fail('There is no switch.');
};

describe('the switch for the kernel trace', () => {
  it('asks the bench, and shows what the bench then says', async () => {
    mounted = await mountView(Page, 'restore');
    mounted.link.answer('watchKernel', () => success(undefined));
    expect(watched(mounted).element.checked).toBe(true);
    await watched(mounted).trigger('click');
    await flushPromises();
    expect(mounted.link.calls.filter(({ command }) => command === 'watchKernel')).toEqual([
      { command: 'watchKernel', input: { watched: false } },
    ]);
    // Not before the bench has said so.
    expect(watched(mounted).element.checked).toBe(true);
    mounted.link.push({ number: 1, kind: 'kernelWatched', kernelWatched: false });
    await expect.poll(() => useBench().kernelWatched).toBe(false);
    await flushPromises();
    expect(watched(mounted).element.checked).toBe(false);
  });

  it('is for who drives; the others read why', async () => {
    mounted = await mountView(Page, 'restore', { holder: 'Ada' });
    await watched(mounted).trigger('click');
    await flushPromises();
    expect(mounted.link.calls.some(({ command }) => command === 'watchKernel')).toBe(false);
    expect(mounted.wrapper.text()).toMatch(/Ada/);
  });
});
