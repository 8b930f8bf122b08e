// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { defineComponent, h } from 'vue';
import { useSelection } from '../../../src-renderer/stores/selection.ts';
import { stagePage } from '../stagePage.ts';

const device = '0000:01:00.0';
const nothing = defineComponent({ setup: () => () => h('div') });
const at = async (address: string) => {
  const { router, wrapper } = await stagePage(nothing, address, () => undefined);
  return { router, wrapper, selection: useSelection() };
};

describe('useSelection', () => {
  it('reads rig, device, tab, moment and card from the address', async () => {
    const { selection, wrapper } = await at(`/device/one/${device}/errors?at=42&card=reset`);
    expect(selection).toMatchObject({ rig: 'one', device, tab: 'errors', at: 42, card: 'reset' });
    wrapper.unmount();
  });

  it.each(['?at=', '?at=-1', '?at=1.5', '?at=abc', '?at=1e99', '?card=explode', '?card=unbind&card=reset'])(
    'takes nothing from %s',
    async (query) => {
      const { selection, wrapper } = await at(`/device/one/${device}/policy${query}`);
      expect(selection).toMatchObject({ tab: 'policy', at: null, card: null });
      wrapper.unmount();
    },
  );

  it('writes a moment into the address and takes it out again', async () => {
    const { selection, router, wrapper } = await at(`/device/one/${device}/restore`);
    await selection.selectMoment(7);
    expect(router.currentRoute.value.fullPath).toBe(`/device/one/${device}/restore?at=7`);
    await selection.selectMoment(null);
    expect(router.currentRoute.value.fullPath).toBe(`/device/one/${device}/restore`);
    wrapper.unmount();
  });

  it('keeps the device on pages without one, and opens its card from there', async () => {
    const { selection, router, wrapper } = await at(`/device/one/${device}/errors`);
    await router.push('/settings');
    expect(selection).toMatchObject({ rig: 'one', device, onDevicePage: false, card: null });
    await selection.openCard('acknowledge');
    expect(router.currentRoute.value.fullPath).toBe(`/device/one/${device}/handshake?card=acknowledge`);
    await selection.closeCard();
    expect(selection.card).toBeNull();
    wrapper.unmount();
  });

  it('goes back to where each rig was left', async () => {
    const { selection, router, wrapper } = await at(`/device/one/${device}/errors`);
    await selection.selectDevice('two', '0000:09:00.0');
    await selection.selectRig('one');
    expect(selection).toMatchObject({ rig: 'one', device });
    await selection.selectRig('three');
    expect(router.currentRoute.value.fullPath).toBe('/rig/three');
    wrapper.unmount();
  });
});
