// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it } from 'vitest';
import { protocols } from '../../../src-main/core/recovery/phase.ts';
import {
  decisions,
  defaultPolicy,
  timeoutActions,
  type Policy,
} from '../../../src-main/core/recovery/policy.ts';
import { armedState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import { failure } from '../../../src-main/core/result.ts';
import { useArmingPolicy } from '../../../src-renderer/stores/armingPolicy.ts';
import { useNotices } from '../../../src-renderer/stores/notices.ts';
import {
  decisionChoices,
  timeoutChoices,
  timeoutMoment,
} from '../../../src-renderer/views/policy/consequences.ts';
import PolicyView from '../../../src-renderer/views/policy/PolicyView.vue';
import { notifyArming } from '../fakeBridge.ts';
import { address, mountView, type Ground, type MountedView } from '../restore/mountView.ts';

let mounted: MountedView | null = null;
afterEach(() => {
  mounted?.wrapper.unmount();
  mounted = null;
});
const show = async (ground: Ground = {}): Promise<MountedView> =>
  (mounted = await mountView(PolicyView, 'policy', ground));

const armed = armedState(notifyArming);
const open = step(armed, { kind: 'signal', at: 1_000, count: 1 }).state;

const pick = async ({ wrapper }: MountedView, label: string): Promise<void> => {
  const found = wrapper
    .findAll('label')
    .find((one) => one.find('b').exists() && one.find('b').text() === label);
  if (found === undefined) throw new Error(`There is no choice ${label}.`);
  await found.find('input').setValue(true);
};
const button = ({ wrapper }: MountedView, name: string) => {
  const found = wrapper.findAll('button').find((one) => one.text() === name);
  if (found === undefined) throw new Error(`There is no button ${name}.`);
  return found;
};
const sent = ({ link }: MountedView) => link.calls.filter(({ command }) => command === 'setPolicy');

describe('Policy of a device that is armed', () => {
  it('is sent as a whole', async () => {
    const view = await show({ state: armed });
    await pick(view, 'Acknowledge once it is quiet');
    await pick(view, 'Wait for a person');
    await view.wrapper.find('input[type="number"]').setValue(12.5);
    await button(view, 'Set policy').trigger('click');
    await flushPromises();
    const policy: Policy = {
      decision: 'ackWhenQuiesced',
      onTimeout: 'letExpire',
      afterReset: 'wait',
      patience: 12_500_000,
    };
    expect(sent(view)).toEqual([{ command: 'setPolicy', input: { rig: 'one', device: address, policy } }]);
    expect(view.wrapper.find('[role="status"]').text()).toContain('in force');
  });

  it('says why it was refused', async () => {
    const view = await show({
      state: armed,
      prepare: (link) =>
        link.answer('setPolicy', () => failure('stepUnderWay', 'A signal is still to come.')),
    });
    await pick(view, 'Never acknowledge');
    await button(view, 'Set policy').trigger('click');
    await flushPromises();
    expect(useNotices().notices[0]?.error.code).toBe('stepUnderWay');
    expect(view.wrapper.find('[role="status"]').text()).toBe('');
  });

  it('is refused here when it contradicts itself, and nothing is sent', async () => {
    const view = await show({ state: armed });
    await pick(view, 'Never acknowledge');
    await pick(view, 'Acknowledge');
    expect(view.wrapper.find('[role="status"]').text()).toContain('never to ack and to ack');
    const set = button(view, 'Set policy');
    expect(set.attributes('aria-disabled')).toBe('true');
    expect(set.attributes('title')).toContain('never to ack and to ack');
    await set.trigger('click');
    expect(sent(view)).toEqual([]);
  });

  it.each([[''], ['0'], ['-1'], ['1e9']])('takes no patience of %j seconds', async (text) => {
    const view = await show({ state: armed });
    await view.wrapper.find('input[type="number"]').setValue(text);
    await button(view, 'Set policy').trigger('click');
    expect(button(view, 'Set policy').attributes('title')).toMatch(/patience/);
    expect(sent(view)).toEqual([]);
  });

  it.each([
    ['while a recovery is open', { state: open }, 'A recovery is open (errorDetected)'],
    ['for a viewer', { state: armed, holder: 'Ada' }, 'Ada drives'],
  ])('cannot be changed %s, and says so', async (_, ground, reason) => {
    const view = await show(ground);
    expect(view.wrapper.findAll('fieldset').every((one) => one.attributes('disabled') !== undefined)).toBe(
      true,
    );
    expect(view.wrapper.find('.closed').text()).toContain(reason);
    expect(button(view, 'Set policy').attributes('title')).toContain(reason);
    await button(view, 'Set policy').trigger('click');
    expect(sent(view)).toEqual([]);
  });

  it('follows a policy that came into force elsewhere, and undoes what was edited', async () => {
    const view = await show({ state: armed });
    await pick(view, 'Never acknowledge');
    await button(view, 'Undo changes').trigger('click');
    expect(button(view, 'Set policy').attributes('title')).toBe('Nothing has been changed.');
    const policy: Policy = { ...defaultPolicy, decision: 'ackWhenQuiesced', patience: 5_000_000 };
    const state = armedState({ ...notifyArming, policy });
    await view.wrapper.setProps({
      armed: { device: address, state, listening: true, found: null },
    } as never);
    expect((view.wrapper.find('input[type="number"]').element as HTMLInputElement).value).toBe('5');
    expect(button(view, 'Set policy').attributes('title')).toBe('Nothing has been changed.');
  });
});

describe('Policy of a device that is not armed', () => {
  it('is kept for the next Arm', async () => {
    const view = await show();
    await pick(view, 'Withdraw');
    await button(view, 'Use for the next Arm').trigger('click');
    expect(sent(view)).toEqual([]);
    expect(useArmingPolicy().policyFor('one', address)).toEqual({ ...defaultPolicy, onTimeout: 'withdraw' });
    expect(view.wrapper.find('[role="status"]').text()).toContain('next Arm');
  });

  it('is what a withdrawn device has as well, although its last state is shown', async () => {
    const view = await show({ state: null, device: { protocols: ['mediated'] } });
    expect(view.wrapper.text()).toContain('Reset once it is quiet');
    expect(view.wrapper.text()).not.toContain('Acknowledge once it is quiet');
  });
});

describe('the consequences', () => {
  it.each(protocols)('stand beside every choice with %s', (protocol) => {
    expect(decisionChoices(protocol).map(({ value }) => value)).toEqual([...decisions]);
    expect(timeoutChoices(protocol).map(({ value }) => value)).toEqual([...timeoutActions]);
    for (const { consequence } of [...decisionChoices(protocol), ...timeoutChoices(protocol)]) {
      expect(consequence).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('never speak of an ack where there is none', () => {
    for (const protocol of ['legacy', 'mediated', 'eeh'] as const) {
      for (const { label, consequence } of [...decisionChoices(protocol), ...timeoutChoices(protocol)]) {
        expect(`${label} ${consequence}`).not.toMatch(/\back/i);
      }
    }
  });

  it('say when the declared action is taken', () => {
    const policy: Policy = { ...defaultPolicy, onTimeout: 'withdraw' };
    expect(timeoutMoment(policy, 'notify', 60_000_000)).toContain('5 s before the kernel’s 60 s');
    expect(timeoutMoment({ ...policy, patience: 10_000_000 }, 'legacy', null)).toContain(
      '1 s before the patience',
    );
    expect(timeoutMoment(defaultPolicy, 'notify', 60_000_000)).toBe('');
  });
});
