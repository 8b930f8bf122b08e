// @vitest-environment happy-dom
import { flushPromises, type DOMWrapper, type VueWrapper } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { failure, success } from '../../../src-main/core/result.ts';
import { armedState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import ApprovalTray from '../../../src-renderer/shell/ApprovalTray.vue';
import DeviceHeader from '../../../src-renderer/shell/DeviceHeader.vue';
import NoticeList from '../../../src-renderer/shell/NoticeList.vue';
import OperatorBar from '../../../src-renderer/shell/OperatorBar.vue';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { useNotices } from '../../../src-renderer/stores/notices.ts';
import { defineComponent, h } from 'vue';
import { deviceView, notifyArming, rigView, snapshotOf } from '../fakeBridge.ts';
import { stagePage } from '../stagePage.ts';

const one = '0000:01:00.0';
const two = '0000:02:00.0';
const waiting = (device: string, at: number) => ({
  device,
  state: step(armedState(notifyArming), { kind: 'signal', at, count: 1 }).state,
  sharers: [],
  resetKinds: [],
});

afterEach(() => {
  document.body.innerHTML = '';
});

describe('ApprovalTray', () => {
  it('says so when nothing waits', async () => {
    const { wrapper } = await stagePage(ApprovalTray, '/settings', () => undefined);
    expect(wrapper.get('section').attributes('aria-label')).toBe('Awaiting approval');
    expect(wrapper.text()).toContain('Nothing waits');
    wrapper.unmount();
  });

  it('lists waits, the soonest first, and opens the card of the one that is reviewed', async () => {
    const { wrapper, router } = await stagePage(
      ApprovalTray,
      '/settings',
      () => undefined,
      () =>
        snapshotOf({
          rigs: [
            rigView('one', {
              devices: [deviceView(one), deviceView(two)],
              armed: [waiting(one, 900_000), waiting(two, 400_000)],
              pace: 0,
            }),
          ],
        }),
    );
    const items = wrapper.findAll('li').map((item) => item.text());
    expect(items[0]).toMatch(/02:00\.0.*59 s/s);
    expect(items[1]).toMatch(/01:00\.0.*59 s/s);
    const review = wrapper.findAll('button').at(1);
    expect(review?.text()).toBe('Review');
    const described = document.getElementById(review?.attributes('aria-describedby') ?? '');
    expect(described?.textContent).toContain('01:00.0');
    await review?.trigger('click');
    // The page behind the address is loaded first.
    await vi.waitFor(() => {
      expect(router.currentRoute.value.fullPath).toBe(`/device/one/${one}/handshake?card=acknowledge`);
    });
    wrapper.unmount();
  });
});

const header = defineComponent({
  setup() {
    const bench = useBench();
    return () => {
      const rig = bench.rig('one');
      const device = bench.device('one', one);
      return rig === null || device === null
        ? null
        : h(DeviceHeader, { rig, device, armed: bench.armed('one', one) });
    };
  },
});
const button = (wrapper: VueWrapper, name: string): DOMWrapper<HTMLButtonElement> | undefined =>
  wrapper.findAll('button').find((found) => found.text() === name);

describe('DeviceHeader', () => {
  it('arms with the chosen protocol and the policy, and has one button of the two at a time', async () => {
    const { wrapper, link } = await stagePage(header, `/device/one/${one}`, () => undefined);
    await wrapper.get('select').setValue('legacy');
    await wrapper.get('button.arm').trigger('click');
    expect(link.calls.at(-1)).toMatchObject({
      command: 'arm',
      input: { rig: 'one', device: one, protocol: 'legacy', policy: { decision: 'askPerson' } },
    });
    expect(button(wrapper, 'Disarm')).toBeUndefined();
    wrapper.unmount();
  });

  it('shows the phase by its name, and why an open recovery cannot be disarmed', async () => {
    const { wrapper, link } = await stagePage(
      header,
      `/device/one/${one}`,
      () => undefined,
      () => snapshotOf({ rigs: [rigView('one', { armed: [waiting(one, 5)] })] }),
    );
    const phase = wrapper.get('[role=status][aria-label=Phase]');
    expect(phase.text()).toBe('errorDetected');
    const disarm = wrapper.get('button.arm');
    expect(disarm.text()).toBe('Disarm');
    expect(disarm.attributes('title')).toMatch(/recovery is open/);
    await disarm.trigger('click');
    expect(link.calls.map(({ command }) => command)).not.toContain('disarm');
    wrapper.unmount();
  });

  it('says why a device cannot be armed', async () => {
    const { wrapper } = await stagePage(
      header,
      `/device/one/${one}`,
      () => undefined,
      () =>
        snapshotOf({
          rigs: [rigView('one', { devices: [deviceView(one, { protocols: [], driver: 'nvme' })] })],
        }),
    );
    expect(wrapper.get('button.arm').attributes('title')).toMatch(/nvme offers no error eventfd/);
    expect(wrapper.get('[aria-label=Phase]').text()).toBe('not armed');
    wrapper.unmount();
  });
});

describe('NoticeList', () => {
  it('shows the sentence, the code and the errno, explains them, and goes away', async () => {
    const { wrapper } = await stagePage(NoticeList, '/settings', () => undefined);
    const errno = { number: 11, name: 'EAGAIN' } as const;
    const { error } = failure('busy', 'The device is busy; try again.', { errno });
    useNotices().add(error, 'Reset');
    await flushPromises();
    const alert = wrapper.get('[role=alert]');
    expect(alert.text()).toContain('The device is busy; try again.');
    expect(alert.text()).toContain('EAGAIN (11) · busy');
    await wrapper
      .findAll('button')
      .find((found) => found.text() === 'Explain')
      ?.trigger('click');
    expect(wrapper.text()).toContain('busy (error code)');
    await wrapper
      .findAll('button')
      .find((found) => found.text() === 'Dismiss')
      ?.trigger('click');
    expect(wrapper.find('[role=alert]').exists()).toBe(false);
    wrapper.unmount();
  });
});

describe('OperatorBar', () => {
  const viewers = ['me', 'Ada'];
  const shown = (operator: { holder: string | null; asking: string | null; viewers: string[] }) =>
    stagePage(
      OperatorBar,
      '/settings',
      (link) => link.answer('answerOffer', () => success(undefined)),
      () => snapshotOf({ operator: { you: 'me', ...operator } }),
    );

  it('is silent for a viewer who is alone and drives', async () => {
    const { wrapper } = await shown({ holder: 'me', asking: null, viewers: ['me'] });
    expect(wrapper.text()).toBe('');
    wrapper.unmount();
  });

  it('asks the holder, and takes what nobody holds', async () => {
    const held = await shown({ holder: 'Ada', asking: null, viewers });
    expect(held.wrapper.text()).toContain('Ada drives');
    await held.wrapper.get('button').trigger('click');
    expect(held.link.calls.at(-1)?.command).toBe('takeOperator');
    held.wrapper.unmount();
    const free = await shown({ holder: null, asking: null, viewers });
    expect(free.wrapper.get('button').text()).toBe('Take over');
    free.wrapper.unmount();
  });

  it('lets the holder answer who asks', async () => {
    const { wrapper, link } = await shown({ holder: 'me', asking: 'Ada', viewers });
    expect(wrapper.get('[role=alert]').text()).toBe('Ada asks to drive');
    await button(wrapper, 'Keep')?.trigger('click');
    expect(link.calls.at(-1)).toMatchObject({ command: 'answerOffer', input: { grant: false } });
    wrapper.unmount();
  });
});
