// @vitest-environment happy-dom
import { flushPromises, type DOMWrapper } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ConsoleDelta } from '../../../preload/contract/deltas.ts';
import type {
  ConsoleSnapshot,
  RigView,
  ScenarioProgress,
  ScenarioSummary,
} from '../../../preload/contract/views.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import { armedState } from '../../../src-main/core/recovery/state.ts';
import ScenariosView from '../../../src-renderer/views/scenarios/ScenariosView.vue';
import { lineOf, notifyArming, rigView, snapshotOf, type FakeLink } from '../fakeBridge.ts';
import { stagePage, type PageStage } from '../stagePage.ts';

const device = '0000:01:00.0';
const scenario: ScenarioSummary = {
  name: 'acknowledged',
  title: 'Fatal error, acknowledged',
  seed: 1,
  story: 'The kernel waits and is acked.',
  protocol: 'notify',
  profiles: ['notify-7.2', 'notify-6.1'],
  topology: 'single',
  device,
  steps: ['arm: { protocol: notify }', 'ack: { reason: lab demo }', 'quiesce'],
};
const progress = (rest: Partial<ScenarioProgress> = {}): ScenarioProgress => ({
  scenario,
  played: 0,
  running: false,
  failed: null,
  ended: false,
  ...rest,
});
const playing = (now: ScenarioProgress, rest: Partial<RigView> = {}): RigView =>
  rigView('scenario-2', { scenario: now, run: '2026-11-21T02-31-07Z-5f0a', ...rest });

let current: PageStage | null = null;
const show = async (
  address: string,
  rigs: readonly RigView[] = [rigView('one')],
  rest: Partial<ConsoleSnapshot> = {},
  answers: (link: FakeLink) => void = () => undefined,
): Promise<PageStage> => {
  vi.useFakeTimers({ toFake: ['requestAnimationFrame', 'cancelAnimationFrame'] });
  current = await stagePage(
    ScenariosView,
    address,
    (link) => {
      link.answer('scenarios', () =>
        success({
          scenarios: [scenario, { ...scenario, name: 'other', title: 'Other', seed: 3 }],
          unreadable: [],
        }),
      );
      answers(link);
    },
    () => snapshotOf({ rigs, ...rest }),
  );
  return current;
};
afterEach(() => {
  current?.wrapper.unmount();
  current = null;
  vi.useRealTimers();
});
let number = 0;
const push = async ({ link }: PageStage, ...deltas: readonly object[]): Promise<void> => {
  link.push(...deltas.map((delta) => ({ number: (number += 1), ...delta }) as ConsoleDelta));
  vi.advanceTimersToNextFrame();
  await flushPromises();
};
const button = ({ wrapper }: PageStage, name: string): DOMWrapper<Element> => {
  const found = wrapper.findAll('button').find((one) => one.text() === name);
  if (found === undefined) throw new Error(`There is no button ${name}.`);
  return found;
};
const inputs = ({ link }: PageStage, command: string): readonly unknown[] =>
  link.calls.filter((call) => call.command === command).map(({ input }) => input);

describe('the scenarios', () => {
  it('are listed by thread, each with a link to its page', async () => {
    number = 0;
    const { wrapper } = await show('/scenarios');
    expect(wrapper.findAll('h2').map((heading) => heading.text())).toEqual([
      'The notify handshake',
      'Error recovery on s390x',
    ]);
    expect(wrapper.findAll('nav a').map((link) => link.attributes('href'))).toEqual([
      '/scenarios/acknowledged',
      '/scenarios/other',
    ]);
  });

  it('that cannot be read say why, and are read again when asked for', async () => {
    const page = await show('/scenarios', [], {}, (link) =>
      link.answer('scenarios', () => failure('scenarioMalformed', 'x.yaml, line 3: not so.')),
    );
    expect(page.wrapper.text()).toContain('x.yaml, line 3: not so.');
    const unreadable = [{ name: 'y', message: 'y.yaml, line 1: not so either.' }];
    page.link.answer('scenarios', () => success({ scenarios: [scenario], unreadable }));
    await button(page, 'Try again').trigger('click');
    await flushPromises();
    expect(page.wrapper.findAll('nav a')).toHaveLength(1);
    expect(page.wrapper.text()).toContain('y.yaml, line 1: not so either.');
  });

  it('that is not there says so', async () => {
    const { wrapper } = await show('/scenarios/nothing');
    expect(wrapper.text()).toContain('There is no scenario named nothing.');
  });
});

describe('a scenario', () => {
  it('tells its story, and what each step does with the consequence of each choice, before it is started', async () => {
    const page = await show('/scenarios/acknowledged');
    expect(page.wrapper.text()).toContain(scenario.story);
    const steps = page.wrapper.findAll('ol[aria-label=Steps] > li');
    expect(steps.map((step) => step.find('code').text())).toEqual(scenario.steps);
    expect(steps[1]?.findAll('dt').map((choice) => choice.text())).toEqual([
      'Acknowledgethis step',
      'Let it expire',
      'Withdraw',
    ]);
    await page.wrapper.find('select').setValue('notify-6.1');
    await button(page, 'Start').trigger('click');
    expect(inputs(page, 'startScenario')).toEqual([{ name: 'acknowledged', profile: 'notify-6.1' }]);
  });

  it('says why it cannot be started while another viewer drives, and does nothing', async () => {
    const operator = { you: 'me', holder: 'Grace', asking: null, viewers: ['me', 'Grace'] };
    const page = await show('/scenarios/acknowledged', [rigView('one')], { operator });
    const start = button(page, 'Start');
    expect(start.attributes('aria-disabled')).toBe('true');
    expect(start.attributes('title')).toMatch(/Grace drives/);
    await start.trigger('click');
    expect(inputs(page, 'startScenario')).toEqual([]);
  });

  it('is stepped by a button with the key N, once at a time, and each result stands at its step', async () => {
    number = 0;
    const page = await show('/scenarios/acknowledged', [playing(progress())]);
    expect(button(page, 'Next step').attributes('aria-keyshortcuts')).toBe('N');
    await button(page, 'Next step').trigger('click');
    expect(inputs(page, 'stepScenario')).toEqual([{ rig: 'scenario-2' }]);
    const words = (): readonly string[] =>
      page.wrapper.findAll('ol[aria-label=Steps] .word').map((one) => one.text());
    const tell = (now: ScenarioProgress): Promise<void> =>
      push(page, { kind: 'scenario', rig: 'scenario-2', progress: now });

    await tell(progress({ running: true }));
    expect(words()).toEqual(['running', 'to come', 'to come']);
    expect(page.wrapper.find('[aria-current=step]').text()).toContain('Stop ends it');
    await button(page, 'Next step').trigger('click');
    expect(inputs(page, 'stepScenario')).toHaveLength(1);

    await tell(progress({ played: 1 }));
    expect(words()).toEqual(['passed', 'next', 'to come']);
    expect(page.wrapper.find('[aria-current=step]').text()).toContain('NEED_RESET');

    await tell(progress({ played: 2, ended: true, failed: { step: 2, detail: 'no wait was open' } }));
    expect(words()).toEqual(['passed', 'failed', 'not played']);
    expect(page.wrapper.find('[aria-label=Progress]').text()).toBe('Step 2 failed: no wait was open');
    expect(button(page, 'Next step').attributes('title')).toMatch(/Step 2 failed/);
  });

  it('shows the phase of its device, and leads to its Handshake tab', async () => {
    number = 0;
    const page = await show('/scenarios/acknowledged', [playing(progress({ played: 1 }))]);
    expect(page.wrapper.find('[role=status][aria-label=Phase]').text()).toBe('not armed');
    expect(page.wrapper.find('.live a').attributes('href')).toBe(`/device/scenario-2/${device}/handshake`);
    const line = lineOf(1, { type: 'armed', device, arming: notifyArming });
    const armed = { device, state: armedState(notifyArming), sharers: [], resetKinds: [] };
    await push(page, { kind: 'line', rig: 'scenario-2', line }, { kind: 'armed', rig: 'scenario-2', armed });
    expect(page.wrapper.find('[role=status][aria-label=Phase]').text()).toBe('armed');
  });

  it('is stopped also while a step runs; its end and its run stay to be looked at', async () => {
    number = 0;
    const page = await show('/scenarios/acknowledged', [playing(progress({ played: 1, running: true }))]);
    await button(page, 'Stop').trigger('click');
    expect(inputs(page, 'stopScenario')).toEqual([{ rig: 'scenario-2' }]);
    await push(page, { kind: 'rigRemoved', rig: 'scenario-2' });
    expect(page.wrapper.find('.last').text()).toMatch(/^stopped\s+after 1 of 3 steps\./);
    expect(page.wrapper.find('.last a').attributes('href')).toBe('/runs/2026-11-21T02-31-07Z-5f0a');
    expect(button(page, 'Start').attributes('aria-disabled')).toBe('false');
  });
});
