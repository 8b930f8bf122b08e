// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { encodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import { inflateSnapshot } from '../../../src-renderer/snapshots/inflate.ts';
import RestoreView from '../../../src-renderer/views/restore/RestoreView.vue';
import { notHandedDown, withSession } from '../../coordinator/between.ts';
import { Lab, fatal, rng, type LabOptions } from '../../coordinator/lab.ts';
import { mountView, type Ground, type MountedView } from './mountView.ts';

let mounted: MountedView | null = null;
afterEach(() => {
  mounted?.wrapper.unmount();
  mounted = null;
});

const recordedLines = async (
  until: 'afterReset' | 'end',
  options: LabOptions & { readonly afterReset?: 'wait' } = {},
): Promise<Ground> => {
  // Acked here, so that there is a reading during the wait as well.
  const lab = new Lab({ between: (rig) => withSession(rig, notHandedDown), ...options });
  try {
    const afterReset = options.afterReset ?? 'reinitialise';
    await lab.arm({ decision: 'ackWhenQuiesced', afterReset });
    await lab.hit(fatal);
    await lab.until(until, () =>
      lab.linesOf('snapshot').some(({ moment, view }) => moment === until && view === 'hardware'),
    );
    return { lines: [...lab.lines], state: lab.state() };
  } finally {
    await lab.close();
  }
};

const show = async (ground: Ground): Promise<MountedView> => {
  mounted = await mountView(RestoreView, 'restore', ground);
  // The platform inflates the readings in its own time.
  const read = ground.lines?.some(({ type }) => type === 'snapshot') === true;
  await vi.waitFor(() => expect(mounted?.wrapper.text().includes('pci_restore_pcie_state')).toBe(read));
  await flushPromises();
  return mounted;
};

const rowWith = ({ wrapper }: MountedView, label: string): string =>
  wrapper
    .findAll('table.restore tbody tr')
    .find((row) => row.findAll('td').some((cell) => cell.text() === label))
    ?.text()
    .replaceAll(/\s+/g, ' ') ?? '';
const button = ({ wrapper }: MountedView, name: string) => {
  const found = wrapper.findAll('button').find((one) => one.text() === name);
  if (found === undefined) throw new Error(`There is no button ${name}.`);
  return found;
};

describe('State restore', () => {
  it('says what brings something when nothing is recorded', async () => {
    const { wrapper } = await show({});
    expect(wrapper.text()).toContain('Nothing is recorded yet');
  });

  it('shows each register of a recovery with its verdict and its source', async () => {
    const view = await show(await recordedLines('end'));
    expect(rowWith(view, 'DevCtl')).toMatch(/000f.*≠ ?0000.*user space, proved.*restored/);
    expect(rowWith(view, 'Control')).toContain('restored');
    const hazards = view.wrapper.find('[aria-label="Hazards"]').text();
    expect(hazards).toContain('6 put right on the way');
    // Quiescing told the kernel, so that nothing is on in it alone.
    expect(hazards).not.toContain('Kernel only');
    expect(view.wrapper.text()).toContain('Steps of Linux 7.2');
    const heads = view.wrapper.findAll('thead th').map((head) => head.text().replace(/ .*$/, ''));
    expect(heads).toEqual(expect.arrayContaining(['Open', 'Armed', 'Before', 'Error', 'Reset', 'End']));
  });

  it('spells out the hazards that are there, one at a time, with what to do', async () => {
    const view = await show(await recordedLines('afterReset', { afterReset: 'wait' }));
    const strip = view.wrapper.find('[aria-label="Hazards"]');
    expect(strip.text()).toContain('7 hazards');
    expect(strip.text()).toContain('Hazard: BARs are zero in hardware.');
    const msix = strip.findAll('button').find((one) => one.text().includes('MSI-X off'));
    await msix?.trigger('click');
    expect(strip.text()).toContain('Hazard: MSI-X is off in hardware.');
    expect(strip.text()).toContain('DEVICE_RESET after the COMMAND write');
    expect(strip.text()).toContain('Message Control 0x0001, was 0x8001');
  });

  it('counts what is as expected until it is asked for, step by step', async () => {
    const view = await show(await recordedLines('end'));
    expect(rowWith(view, 'LnkCtl')).toBe('');
    const more = view.wrapper.find('button[aria-label="3 as expected, pci_restore_pcie_state"]');
    expect(more.attributes('aria-expanded')).toBe('false');
    await more.trigger('click');
    expect(more.attributes('aria-expanded')).toBe('true');
    expect(rowWith(view, 'LnkCtl')).toContain('expected');
    expect(view.wrapper.text()).toMatch(/pci_restore_tph_state[^_]*absent/);
  });

  it('shows what the device held after each step of the bench when it is asked for', async () => {
    const view = await show(await recordedLines('end'));
    const heads = (): readonly string[] =>
      view.wrapper.findAll('table.restore thead th').map((head) => head.text());
    const steps = view.wrapper.find('table.restore thead button[aria-expanded]');
    const before = heads();
    expect(steps.attributes('aria-expanded')).toBe('false');
    await steps.trigger('click');
    expect(steps.attributes('aria-expanded')).toBe('true');
    const added = heads().filter((head) => !before.includes(head));
    expect(added.map((head) => head.replace(/ [+−].*$/, ''))).toEqual(
      expect.arrayContaining(['COMMAND', 'DEVICE_RESET', 'COMMAND again', 'DevCtl']),
    );
    // Every row has a cell for every column.
    const row = view.wrapper.find('table.restore tbody tr');
    expect(row.element.children).toHaveLength(heads().length);
  });

  it('marks where a trace of the kernel saw a step run, and says which it cannot show', async () => {
    const ground = await recordedLines('afterReset', { afterReset: 'wait' });
    const after = ground.lines?.find((line) => line.type === 'snapshot' && line.moment === 'afterReset');
    const at = (after?.at ?? 0) - 1;
    const common = { at, wall: '2026-11-21T00:00:00.000Z', type: 'kernelTrace', happened: at } as const;
    const silent = { edge: 'ended', took: 0, returned: null, request: null } as const;
    const trace: readonly JournalLine[] = [
      {
        ...{ ...common, seq: 100_000, device: null, subject: null },
        told: {
          kind: 'state',
          state: {
            ...{ kind: 'watching', means: 'kprobes', unseen: [], devices: 'known' },
            seen: ['pci_restore_state', 'pci_restore_pcie_state'],
          },
        },
      },
      {
        ...{ ...common, seq: 100_001, device: rng, subject: rng },
        told: {
          kind: 'call',
          call: {
            ...{ ...silent, function: 'pci_restore_state', within: 'vfio_pci_notify:slot_reset' },
            steps: [{ function: 'pci_restore_pcie_state', after: 0, took: 0 }],
          },
        },
      },
    ];
    const view = await show({ ...ground, lines: [...(ground.lines ?? []), ...trace] });
    const step = (name: string): string =>
      view.wrapper
        .findAll('tr.step')
        .find((row) => row.text().startsWith(name))
        ?.text() ?? '';
    expect(step('pci_restore_pcie_state')).toContain('a trace saw it run before this reading');
    expect(step('pci_restore_pcie_state')).toContain('seen to run');
    expect(step('pci_restore_ats_state')).toContain('unseen, may have run');
    expect(view.wrapper.find('.legend').text()).toContain('the trace saw the step run before');
  });

  it('tells the evidence for a register when it is asked for', async () => {
    const view = await show(await recordedLines('end'));
    expect(view.wrapper.find('tr.evidence').exists()).toBe(false);
    const why = view.wrapper.find('button[aria-label$="evidence for DevCtl"]');
    await why.trigger('click');
    const told = view.wrapper.find('tr.evidence').text();
    expect(told).toMatch(/CorrErr: user space \(proved\)\. User space at [\d.]+ s had 0x0001\./);
    expect(told).toContain('(pci_restore_pcie_state) had 0x0000: ruled out.');
    await why.trigger('click');
    expect(view.wrapper.find('tr.evidence').exists()).toBe(false);
  });

  it('filters to what is lost and to what is dangerous', async () => {
    const view = await show(await recordedLines('afterReset', { afterReset: 'wait' }));
    expect(rowWith(view, 'AERCap')).toContain('changed');
    await button(view, 'Only hazards').trigger('click');
    expect(rowWith(view, 'AERCap')).toBe('');
    expect(rowWith(view, 'DevCtl')).toContain('hazard');
    const restored = await show(await recordedLines('end'));
    await button(restored, 'Only lost').trigger('click');
    expect(rowWith(restored, 'interruptLine')).toMatch(/0a.*00.*lost/);
    expect(rowWith(restored, 'DevCtl')).toBe('');
    await button(restored, 'Only hazards').trigger('click');
    expect(restored.wrapper.text()).toContain('No register is dangerous as of the last reading.');
  });

  it('shows the difference of two moments, decoded', async () => {
    const view = await show(await recordedLines('afterReset', { afterReset: 'wait' }));
    const changes = view.wrapper.find('[aria-label="Registers that differ"]').text();
    expect(changes).toContain('Mem + → −');
    expect(changes).toContain('MalfTLP − → +');
  });

  it('selects the moment of a reading everywhere', async () => {
    const ground = await recordedLines('end');
    const view = await show(ground);
    const reset = view.wrapper.find('thead button[title^="Select the moment: After the reset"]');
    await reset.trigger('click');
    await flushPromises();
    const kept = ground.lines?.find(
      (line) => line.type === 'snapshot' && line.moment === 'afterReset' && line.device === rng,
    );
    expect(view.router.currentRoute.value.query['at']).toBe(String(kept?.at));
  });

  it('says that the end of a fatal time-out was read before the kernel reset the bus', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'neverAck' });
    await lab.hit(fatal);
    await lab.until('end', () =>
      lab.linesOf('snapshot').some(({ moment, view }) => moment === 'end' && view === 'hardware'),
    );
    const view = await show({ lines: [...lab.lines], state: lab.state() });
    await lab.close();
    expect(view.wrapper.find('.note').text()).toContain('resets the bus after that');
  });
});

describe('the readings of a journal', () => {
  it('are unpacked to the bytes that were packed', async () => {
    for (const bytes of [
      new Uint8Array(256).fill(0x5a),
      Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff),
    ]) {
      expect(await inflateSnapshot(encodeSnapshot(bytes))).toEqual({ ok: true, value: bytes });
    }
  });

  it.each([
    ['no base64', '***'],
    ['no DEFLATE', btoa('hello, this is not deflated')],
    ['cut off', encodeSnapshot(Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) & 0xff)).slice(0, 40)],
    ['too large', encodeSnapshot(new Uint8Array(1 << 20))],
  ])('that are damaged (%s) are an error and no exception', async (_, text) => {
    expect(await inflateSnapshot(text)).toMatchObject({ ok: false, error: { code: 'journalDamaged' } });
  });
});
