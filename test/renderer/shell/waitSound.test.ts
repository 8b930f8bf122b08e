// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defineComponent, h } from 'vue';
import type { ConsoleDelta } from '../../../preload/contract/deltas.ts';
import { armedState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import { beepOnNewWaits } from '../../../src-renderer/shell/waitSound.ts';
import { useSettings } from '../../../src-renderer/stores/settings.ts';
import { notifyArming, rigView, snapshotOf } from '../fakeBridge.ts';
import { stagePage } from '../stagePage.ts';

const waiting = (device: string, at: number) => ({
  device,
  state: step(armedState(notifyArming), { kind: 'signal', at, count: 1 }).state,
  sharers: [],
  resetKinds: [],
});
const delta = (number: number, device: string, at: number): ConsoleDelta => ({
  number,
  kind: 'armed',
  rig: 'one',
  armed: waiting(device, at),
});

afterEach(() => {
  vi.useRealTimers();
  window.localStorage.clear();
});

describe('beepOnNewWaits', () => {
  it('sounds once for each wait that is added, and only when it is switched on', async () => {
    vi.useFakeTimers({
      toFake: ['requestAnimationFrame', 'cancelAnimationFrame', 'setTimeout', 'clearTimeout'],
    });
    const sound = vi.fn();
    const listener = defineComponent({
      setup() {
        beepOnNewWaits(sound);
        return () => h('div');
      },
    });
    const { link, wrapper } = await stagePage(
      listener,
      '/settings',
      () => undefined,
      () => snapshotOf({ rigs: [rigView('one', { armed: [waiting('0000:01:00.0', 5)] })] }),
    );
    const push = async (one: ConsoleDelta): Promise<void> => {
      link.push(one);
      vi.advanceTimersToNextFrame();
      await flushPromises();
    };
    await push(delta(1, '0000:02:00.0', 6));
    expect(sound).not.toHaveBeenCalled();
    useSettings().soundOnWaits = true;
    await push(delta(2, '0000:03:00.0', 7));
    expect(sound).toHaveBeenCalledTimes(1);
    await push(delta(3, '0000:03:00.0', 7));
    expect(sound).toHaveBeenCalledTimes(1);
    wrapper.unmount();
  });
});
