// @vitest-environment happy-dom
import { mount } from '@vue/test-utils';
import { describe, expect, it } from 'vitest';
import ActionButton from '../../../src-renderer/components/ActionButton.vue';

describe('ActionButton', () => {
  it('acts when nothing is against it', async () => {
    const wrapper = mount(ActionButton, { props: { reason: null, main: true }, slots: { default: 'Reset' } });
    const button = wrapper.get('button');
    expect(button.attributes()).toMatchObject({ 'aria-disabled': 'false' });
    expect(button.attributes('aria-describedby')).toBeUndefined();
    await button.trigger('click');
    expect(wrapper.emitted('act')).toHaveLength(1);
  });

  it('does nothing while there is a reason, and says it in its title and its description', async () => {
    const reason = 'The kernel waits for an ack.';
    const wrapper = mount(ActionButton, {
      props: { reason, main: true },
      slots: { default: 'Reset' },
      attachTo: document.body,
    });
    const button = wrapper.get('button');
    await button.trigger('click');
    expect(wrapper.emitted('act')).toBeUndefined();
    expect(button.attributes('aria-disabled')).toBe('true');
    expect(button.attributes('title')).toBe(reason);
    expect(document.getElementById(button.attributes('aria-describedby') ?? '')?.textContent).toBe(reason);
    expect(button.classes()).not.toContain('main');
    wrapper.unmount();
  });

  it('can be reached by keyboard also when it is disabled, and is named by its text alone', () => {
    const wrapper = mount(ActionButton, {
      props: { reason: 'Not now.' },
      slots: { default: 'Reset' },
      attachTo: document.body,
    });
    const button = wrapper.get('button');
    expect(button.attributes('disabled')).toBeUndefined();
    button.element.focus();
    expect(document.activeElement).toBe(button.element);
    expect(button.text()).toBe('Reset');
    wrapper.unmount();
  });
});
