// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { failure, success } from '../../../src-main/core/result.ts';
import { encodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import ConfigView from '../../../src-renderer/views/config/ConfigView.vue';
import { Lab, rng, valueOf } from '../../coordinator/lab.ts';
import { lineOf } from '../fakeBridge.ts';
import { address, mountView, type MountedView } from '../restore/mountView.ts';

const lab = new Lab();
await lab.arm();
const bytes = valueOf(
  (await lab.coordinator.session(rng)?.readConfig('hardware')) ?? failure('notArmed', ''),
);
await lab.close();
const wiped = Uint8Array.from(bytes);
wiped.fill(0, 4, 6);
const base64 = (config: Uint8Array): string => btoa(String.fromCharCode(...config));
const kept = (seq: number, moment: string, config: Uint8Array) =>
  lineOf(seq, {
    type: 'snapshot',
    device: address,
    recovery: 1,
    moment,
    view: 'hardware',
    bytes: encodeSnapshot(config),
  });

let mounted: MountedView | null = null;
afterEach(() => {
  mounted?.wrapper.unmount();
  mounted = null;
});

const show = async (
  answer: 'bytes' | 'closed',
  options: { readonly query?: string } = {},
): Promise<MountedView> => {
  mounted = await mountView(ConfigView, 'config', {
    lines: [kept(1, 'duringWait', bytes), kept(2, 'afterReset', wiped)],
    ...options,
    prepare: (link) =>
      link.answer('readConfig', (input: { view: string }) =>
        answer === 'bytes'
          ? success({ device: address, view: input.view, bytes: base64(bytes) })
          : failure('sessionClosed', `${address} is not open; arm it first.`),
      ),
  });
  await flushPromises();
  return mounted;
};
const rowAt = ({ wrapper }: MountedView, offset: string) =>
  wrapper.findAll('tr.register').find((row) => row.find('td').text() === offset);
const choose = async ({ wrapper }: MountedView, label: string, option: string): Promise<void> => {
  const select = wrapper
    .findAll('label')
    .find((one) => one.text().startsWith(label))
    ?.find('select');
  const value = select?.findAll('option').find((one) => one.text().includes(option))?.element.value;
  await select?.setValue(value);
};

describe('Config space', () => {
  it('reads the hardware now, and again in the other view', async () => {
    const view = await show('bytes');
    expect(view.link.calls.filter(({ command }) => command === 'readConfig')).toHaveLength(1);
    expect(rowAt(view, '004')?.text()).toContain('Mem');
    await view.wrapper.find('select').setValue('vfio');
    await flushPromises();
    expect(view.link.calls.at(-1)?.input).toEqual({ rig: 'one', device: address, view: 'vfio' });
  });

  it('shows the newest reading of the run, and why, when nothing can be read now', async () => {
    const view = await show('closed');
    await vi.waitFor(() => expect(rowAt(view, '004')?.text()).toContain('0000'));
    expect(view.wrapper.text()).toContain('sessionClosed');
    expect(view.wrapper.text()).toContain('arm it first');
  });

  it('shows what was kept by the selected moment', async () => {
    const view = await show('bytes', { query: '?at=1500' });
    const selected = view.wrapper.findAll('select')[1]?.element as HTMLSelectElement;
    expect(selected.selectedOptions[0]?.textContent).toContain('error');
  });

  it('marks what differs from another reading, with a sign, and lists only that when asked', async () => {
    const view = await show('bytes');
    await choose(view, 'Compare with', 'after reset');
    await vi.waitFor(() => expect(view.wrapper.text()).toContain('that differ'));
    expect(rowAt(view, '004')?.text()).toContain('≠0000');
    await view.wrapper.find('input[type="checkbox"]').setValue(true);
    expect(view.wrapper.findAll('tr.register')).toHaveLength(1);
  });

  it('is walked by keyboard: one stop, arrows between lines, and the bytes of the register are marked', async () => {
    const view = await show('bytes');
    expect(view.wrapper.findAll('[role="treegrid"] tr[tabindex="0"]')).toHaveLength(1);
    const first = view.wrapper.find('tr.block');
    await first.trigger('focus');
    await first.trigger('keydown', { key: 'ArrowDown' });
    await flushPromises();
    expect(document.activeElement?.textContent).toContain('000');
    const command = rowAt(view, '004');
    await command?.trigger('focus');
    await command?.trigger('keydown', { key: 'ArrowRight' });
    expect(command?.attributes('aria-expanded')).toBe('true');
    expect(view.wrapper.findAll('tr.field').length).toBeGreaterThan(5);
    expect(view.wrapper.findAll('.byte.selected')).toHaveLength(2);
  });

  it('finds the register that a byte belongs to', async () => {
    const view = await show('bytes');
    await view.wrapper.findAll('.byte')[5]?.trigger('click');
    expect(rowAt(view, '004')?.classes()).toContain('selected');
  });

  it('narrows the list to what is searched for', async () => {
    const view = await show('bytes');
    await view.wrapper.find('input[type="search"]').setValue('busmaster');
    expect(rowAt(view, '004')).toBeDefined();
    expect(rowAt(view, '000')).toBeUndefined();
    await view.wrapper.find('input[type="search"]').setValue('no such thing');
    expect(view.wrapper.text()).toContain('No register matches.');
  });
});
