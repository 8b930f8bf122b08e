// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { defineComponent, h, type Component } from 'vue';
import type { ConsoleSnapshot } from '../../../preload/contract/views.ts';
import DeviceTree from '../../../src-renderer/shell/DeviceTree.vue';
import TimelinePanel from '../../../src-renderer/shell/TimelinePanel.vue';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { useSelection } from '../../../src-renderer/stores/selection.ts';
import { deviceView, noteLine, rigView, snapshotOf, zpciView } from '../fakeBridge.ts';
import { stagePage } from '../stagePage.ts';

const one = '0000:01:00.0';
const two = '0000:01:00.1';
const port = '0000:00:04.0';
const devices = [
  deviceView(port, { kind: 'bridge', name: 'Root port', protocols: [], driver: 'pcieport' }),
  deviceView(one, { name: 'Virtio RNG', parent: port }),
  deviceView(two, { name: 'Virtio network', parent: port }),
];
const recent = Array.from({ length: 500 }, (_, index) => noteLine(index + 1, `note ${index + 1}`, one));

const onRig = (panel: Component) =>
  defineComponent({
    setup() {
      const bench = useBench();
      return () => {
        const rig = bench.rig('one');
        return rig === null ? null : h('div', [h(panel, { rig })]);
      };
    },
  });
const staged = (panel: Component, snapshot: () => ConsoleSnapshot) =>
  stagePage(onRig(panel), `/device/one/${one}`, () => undefined, snapshot);

// There is no layout here: every element is a window of 600 by 300.
beforeAll(() => {
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(300);
});
afterAll(() => {
  vi.restoreAllMocks();
});
afterEach(() => {
  document.body.innerHTML = '';
});

describe('DeviceTree', () => {
  const tree = async () => {
    const page = await staged(DeviceTree, () => snapshotOf({ rigs: [rigView('one', { devices })] }));
    const items = () => page.wrapper.findAll('[role=treeitem]');
    const press = async (key: string): Promise<void> => {
      await page.wrapper.get('[role=treeitem][tabindex="0"]').trigger('keydown', { key });
      await flushPromises();
    };
    const focused = (): string => document.activeElement?.textContent?.trim() ?? '';
    return { ...page, items, press, focused };
  };

  it('is a tree of levels with one tab stop, on the selected device', async () => {
    const { wrapper, items } = await tree();
    expect(wrapper.get('[role=tree]').attributes('aria-label')).toBe('Devices');
    expect(items().map((item) => item.attributes('aria-level'))).toEqual(['1', '2', '2']);
    expect(items().map((item) => item.attributes('tabindex'))).toEqual(['-1', '0', '-1']);
    expect(items().map((item) => item.attributes('aria-selected'))).toEqual(['false', 'true', 'false']);
    wrapper.unmount();
  });

  it('is walked, closed, opened and chosen from by keyboard', async () => {
    const { wrapper, items, press, focused } = await tree();
    await press('ArrowDown');
    expect(focused()).toContain('01:00.1');
    await press('ArrowLeft');
    expect(focused()).toContain('00:04.0');
    await press('ArrowLeft');
    expect(items()).toHaveLength(1);
    expect(items()[0]?.attributes('aria-expanded')).toBe('false');
    await press('ArrowRight');
    await press('ArrowRight');
    expect(focused()).toContain('01:00.0');
    await press('End');
    await press('Enter');
    await vi.waitFor(() => expect(useSelection().device).toBe(two));
    await press('v');
    expect(focused()).toContain('01:00.0');
    wrapper.unmount();
  });

  it('lists zPCI functions with their FID, and says nothing of AER', async () => {
    const functions = [zpciView(0x1234, 0x56, { name: 'Virtio RNG' })];
    const { wrapper } = await staged(DeviceTree, () =>
      snapshotOf({ rigs: [rigView('one', { devices: functions })] }),
    );
    const row = wrapper.get('[role=treeitem]');
    expect(row.text()).toMatch(/1234:00:00\.0.*FID 56.*Virtio RNG/);
    const { title } = row.attributes();
    expect(title).toContain('UID 0x1234\nFID 0x00000056\nHandle 0x80020000');
    expect(title).toContain('Utility string RB 1');
    expect(`${row.text()} ${title}`).not.toMatch(/AER/);
  });

  it('filters, and says what does not match', async () => {
    const { wrapper, items } = await tree();
    await wrapper.get('input[type=search]').setValue('01:00.1');
    expect(items().map((item) => item.text())).toHaveLength(2);
    await wrapper.get('input[type=search]').setValue('no such thing');
    expect(wrapper.text()).toContain('No device matches');
    wrapper.unmount();
  });
});

describe('TimelinePanel', () => {
  const timeline = () =>
    staged(TimelinePanel, () => snapshotOf({ rigs: [rigView('one', { devices, recent })] }));

  it('draws only what is in sight of many rows, with the time since the first', async () => {
    const { wrapper } = await timeline();
    const log = wrapper.get('[role=log]');
    expect(log.attributes('aria-label')).toBe('Timeline');
    const rows = wrapper.findAll('.row');
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.length).toBeLessThan(100);
    // The end is followed.
    expect(rows.at(-1)?.text()).toMatch(/^\+0\.499\s*note 500$/);
    wrapper.unmount();
  });

  it('selects a row’s moment everywhere, and takes it back', async () => {
    const { wrapper, router } = await timeline();
    const last = () => wrapper.findAll('.row').at(-1);
    await last()?.trigger('click');
    await flushPromises();
    expect(router.currentRoute.value.query['at']).toBe('500000');
    expect(last()?.classes()).toContain('now');
    await last()?.trigger('click');
    await flushPromises();
    expect(router.currentRoute.value.query['at']).toBeUndefined();
    wrapper.unmount();
  });

  it('is walked by keyboard', async () => {
    const { wrapper, router } = await timeline();
    const log = wrapper.get('[role=log]');
    await log.trigger('keydown', { key: 'Home' });
    await log.trigger('keydown', { key: 'ArrowDown' });
    await log.trigger('keydown', { key: 'Enter' });
    await flushPromises();
    expect(router.currentRoute.value.query['at']).toBe('2000');
    wrapper.unmount();
  });

  it('filters by words', async () => {
    const { wrapper } = await timeline();
    await wrapper.get('input[type=search]').setValue('note 499');
    await flushPromises();
    expect(wrapper.findAll('.row').map((row) => row.text())).toEqual([expect.stringContaining('note 499')]);
    wrapper.unmount();
  });
});
