// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defineComponent, h } from 'vue';
import { markingPlan } from '../../../src-main/core/restore/marking.ts';
import { whatIf, recoveryActions } from '../../../src-main/rigs/simulated/whatIf.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import CardHost from '../../../src-renderer/cards/CardHost.vue';
import RestoreView from '../../../src-renderer/views/restore/RestoreView.vue';
import { decision, fatal, Lab, nonFatal, rng, valueOf } from '../../coordinator/lab.ts';
import { mountView, type Ground, type MountedView } from './mountView.ts';

/** Mounted as on the page: it takes nothing. */
const Cards = defineComponent({ inheritAttrs: false, render: () => h(CardHost) });

let mounted: MountedView | null = null;
afterEach(() => {
  mounted?.wrapper.unmount();
  mounted = null;
  localStorage.clear();
});

const button = ({ wrapper }: MountedView, name: string) =>
  wrapper.findAll('button').find((one) => one.text() === name) ?? expect.fail(`There is no button ${name}.`);
const sent = ({ link }: MountedView, command: string): unknown[] =>
  link.calls.filter((call) => call.command === command).map(({ input }) => input);
const strip = ({ wrapper }: MountedView): string => wrapper.find('[aria-label="Marking run"]').text();

/** One recovery, marked or not, and what is asked of the device after it. */
const recorded = async (then: (lab: Lab) => Promise<void> = async () => undefined): Promise<Ground> => {
  const lab = new Lab();
  try {
    await lab.arm({ decision: 'ackWhenQuiesced' });
    await lab.hit(fatal);
    await lab.phase('recovered');
    await lab.until('end', () =>
      lab.linesOf('snapshot').some(({ moment, view }) => moment === 'end' && view === 'hardware'),
    );
    await then(lab);
    return { lines: [...lab.lines], state: lab.coordinator.state(rng) };
  } finally {
    await lab.close();
  }
};
const show = async (ground: Ground): Promise<MountedView> => {
  mounted = await mountView(RestoreView, 'restore', ground);
  await vi.waitFor(() => expect(mounted?.wrapper.text()).toContain('pci_restore_pcie_state'));
  await flushPromises();
  return mounted;
};

describe('the strip of a marking run', () => {
  it('offers one where registers are ambiguous, and opens its card on this tab', async () => {
    const view = await show(await recorded());
    expect(strip(view)).toMatch(/registers are ambiguous: several sources had the value/);
    await button(view, 'Marking run…').trigger('click');
    await flushPromises();
    expect(view.router.currentRoute.value.fullPath).toContain('/restore?card=mark');
  });

  it('tells what is marked by whom, and cancels it', async () => {
    const view = await show(
      await recorded(async (lab) => valueOf(await lab.coordinator.mark(rng, decision))),
    );
    expect(strip(view)).toMatch(/Marked \(Cache Line Size.*\) at: Armed\. Approved by Ada; inject a fault/);
    view.link.answer('unmark', () => success('putBack'));
    await button(view, 'Cancel the marking run').trigger('click');
    await flushPromises();
    expect(sent(view, 'unmark')).toEqual([{ rig: 'one', device: rng }]);
  });

  it('tells in a recovery what the next cancel would do', async () => {
    const view = await show(
      await recorded(async (lab) => {
        valueOf(
          await lab.coordinator.setPolicy(rng, { ...lab.state().arming.policy, decision: 'askPerson' }),
        );
        valueOf(await lab.coordinator.mark(rng, decision));
        await lab.hit(nonFatal);
        await lab.phase('awaitingAck');
      }),
    );
    expect(strip(view)).toContain('at: Armed, Error.');
    view.link.answer('unmark', () => success('atTheEnd'));
    await button(view, 'Cancel the marking run').trigger('click');
    await flushPromises();
    expect(button(view, 'Cancel the marking run').attributes('title')).toContain(
      'at the end of this recovery',
    );
  });

  it('says that a device that vanished took its marks along', async () => {
    const view = await show(
      await recorded(async (lab) => {
        valueOf(await lab.coordinator.mark(rng, decision));
        valueOf(await lab.coordinator.inject(rng, { kind: 'unplug' }, 'simulated'));
        await lab.until('said', () =>
          lab.linesOf('operation').some(({ operation }) => operation === 'unmark'),
        );
      }),
    );
    expect(strip(view)).toContain('has vanished, and its marks with it');
  });
});

describe('the card of a marking run', () => {
  const open = async (marks: boolean): Promise<MountedView> => {
    const plan = markingPlan(templates.virtioRng.layout.resetValue);
    mounted = await mountView(Cards, 'restore', {
      ...(await recorded()),
      query: '?card=mark',
      prepare: (link) => {
        link.answer('planMarking', () => success(marks ? plan : { ...plan, marks: [] }));
        link.answer('confirmation', () =>
          success({
            token: 'token-mark',
            action: 'mark',
            device: rng,
            recovery: null,
            consequence: 'What mark does.',
            known: {},
            refusal: null,
          }),
        );
      },
    });
    return mounted;
  };

  it('shows registers, values and where they go back to, and takes a name and a reason', async () => {
    const view = await open(true);
    const text = view.wrapper.text().replaceAll(/\s+/g, ' ');
    const row = view.wrapper
      .findAll('.registers tbody tr')[0]
      ?.findAll('td')
      .map((cell) => cell.text());
    expect(row?.slice(0, 7)).toEqual(['00c', 'Cache Line Size', '0xff', '0x24', '0x28', '0x2c', '0x00']);
    expect(text).toContain('Left alone: Interrupt Line');
    expect(text).toContain('What mark does.');
    expect(button(view, 'Confirm marking').attributes('title')).toContain('Write a reason');
    const [reason, operator] = view.wrapper.findAll('.body label input');
    await reason?.setValue('two sources, one value');
    await operator?.setValue('Ada');
    await view.wrapper.find('form').trigger('submit');
    await flushPromises();
    expect(sent(view, 'mark')).toEqual([
      { rig: 'one', device: rng, token: 'token-mark', operator: 'Ada', reason: 'two sources, one value' },
    ]);
    expect(view.router.currentRoute.value.fullPath).not.toContain('card');
  });

  it('cannot be confirmed where there is nothing to mark', async () => {
    const view = await open(false);
    expect(button(view, 'Confirm marking').attributes('title')).toContain('no register');
  });
});

describe('what if', () => {
  it('shows the registers that differ, policy beside policy, and the hazards of each', async () => {
    const { acceleratorWithEverything: template } = templates;
    const answer = {
      ...whatIf(template, '7.2', recoveryActions(template)),
      device: template.name,
      playedOn: 'twin',
      history: 'recorded',
    };
    const ground = await recorded();
    const view = await show({ ...ground, prepare: (link) => link.answer('whatIf', () => success(answer)) });
    await button(view, 'What if…').trigger('click');
    await flushPromises();
    const panel = view.wrapper.find('[aria-label="What if"]');
    const heads = panel.findAll('thead th').map((head) => head.text());
    expect(heads).toEqual([
      'At',
      'Register',
      'Before',
      'RFC',
      'pci_restore_state',
      'open-time snapshot',
      'reset_done',
    ]);
    expect(panel.text()).toContain(`played on a simulated twin (${template.name}) once for each policy`);
    const rows = (): readonly string[] =>
      panel.findAll('tbody tr').map((row) => row.text().replaceAll(/\s+/g, ' '));
    const differing = rows().length;
    expect(rows().find((row) => row.includes('TPHCtl'))).toMatch(
      /0x00000101≠ 0x00000000, not as before.*= 0x00000101.*≠ 0x00000000.*open-time snapshot$/,
    );
    expect(panel.find('tfoot').text()).toContain('TPH');
    await panel.find('input[type="checkbox"]').setValue(true);
    expect(rows().length).toBeGreaterThan(differing);
  });

  it('says in one sentence why there is nothing to compare', async () => {
    const refused = failure('notSupported', 'There is no simulated twin of it.');
    const view = await show({
      ...(await recorded()),
      prepare: (link) => link.answer('whatIf', () => refused),
    });
    await button(view, 'What if…').trigger('click');
    await flushPromises();
    expect(view.wrapper.find('[aria-label="What if"]').text()).toContain('There is no simulated twin of it.');
  });
});
