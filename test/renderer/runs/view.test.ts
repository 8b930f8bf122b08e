// @vitest-environment happy-dom
import { flushPromises, type DOMWrapper } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OpenedRun, RunMoment, RunView } from '../../../preload/contract/views.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import RunsView from '../../../src-renderer/views/runs/RunsView.vue';
import { noteLine, type FakeLink } from '../fakeBridge.ts';
import { device, Told, untilQuiet } from '../handshake/told.ts';
import { stagePage, type PageStage } from '../stagePage.ts';
import { openedRun } from './opened.ts';

const run = '2026-11-21T02-31-07Z-5f0a';
const other = '2026-11-21T03-00-00Z-0001';
const listed: readonly RunView[] = [
  { run: other, bytes: 500, lines: 3, status: 'interrupted', outcome: null, rig: null, scenario: null },
  {
    run,
    bytes: 18_000,
    lines: 69,
    status: 'ended',
    outcome: 'passed',
    rig: 'simulated',
    scenario: 'acknowledged',
  },
];
const told = new Told().happens(...untilQuiet());
const opened = (rest: Partial<OpenedRun> = {}): OpenedRun =>
  openedRun({
    run,
    scenario: 'acknowledged',
    lines: told.lines.length,
    to: 2_000_000,
    devices: [
      {
        device,
        trace: ['armed', 'errorDetected', 'quiescing', 'awaitingAck'],
        traceLength: 4,
        bands: [
          { at: 500_000, phase: 'armed' },
          { at: 1_000_000, phase: 'errorDetected' },
          { at: 1_009_000, phase: 'awaitingAck' },
        ],
        recoveries: [{ number: 1, openedAt: 1_000_000, concludedAt: null, outcome: null, durations: {} }],
        recoveryCount: 1,
      },
    ],
    ...rest,
  });
const momentAt = (at: number): RunMoment => {
  const lines = told.lines.filter((line) => line.at <= at);
  const open = at >= 1_000_000;
  return {
    run,
    at,
    lines: lines.length,
    devices: [{ device, phase: open ? 'awaitingAck' : 'armed', recovery: open ? 1 : null, outcome: null }],
    story: open ? { device, state: told.state, lines, cut: false } : null,
  };
};

let current: PageStage | null = null;
const show = async (
  address: string,
  answers: (link: FakeLink) => void = () => undefined,
): Promise<PageStage> => {
  current = await stagePage(RunsView, address, (link) => {
    link.answer('runs', () => success(listed));
    link.answer('openRun', (input: { run: string }) => success(opened({ run: input.run })));
    link.answer('runMoment', (input: { at: number }) => success(momentAt(input.at)));
    link.answer('runLines', () => success(told.lines));
    answers(link);
  });
  return current;
};
afterEach(() => {
  current?.wrapper.unmount();
  current = null;
  vi.restoreAllMocks();
  vi.useRealTimers();
});
const button = ({ wrapper }: PageStage, name: string): DOMWrapper<Element> => {
  const found = wrapper.findAll('button').find((one) => one.text() === name);
  if (found === undefined) throw new Error(`There is no button ${name}.`);
  return found;
};
const slider = ({ wrapper }: PageStage): DOMWrapper<HTMLInputElement> => wrapper.find('input[type=range]');
const asked = ({ link }: PageStage, command: string): readonly unknown[] =>
  link.calls.filter((call) => call.command === command).map(({ input }) => input);

describe('the runs', () => {
  it('are a table with links, filtered by any word', async () => {
    const { wrapper } = await show('/runs');
    const rows = (): readonly string[] => wrapper.findAll('tbody tr').map((row) => row.find('a').text());
    expect(rows()).toEqual(['2026-11-21 03:00:00', '2026-11-21 02:31:07']);
    expect(wrapper.find('tbody tr a').attributes('href')).toBe(`/runs/${other}`);
    await wrapper.find('input[type=search]').setValue('acknowledged passed');
    expect(rows()).toEqual(['2026-11-21 02:31:07']);
    expect(wrapper.find('[role=status]').text()).toBe('1 of 2');
  });

  it('that cannot be listed say why', async () => {
    const { wrapper } = await show('/runs', (link) =>
      link.answer('runs', () => failure('journalUnreadable', 'The runs cannot be listed: EACCES.')),
    );
    expect(wrapper.text()).toContain('EACCES');
  });
});

describe('a run that is replayed', () => {
  it('says that it is read-only and stands at its end', async () => {
    const page = await show(`/runs/${run}`);
    expect(page.wrapper.text()).toContain('replay, read-only');
    expect(slider(page).element.value).toBe('2000000');
    expect(asked(page, 'runMoment').at(-1)).toEqual({ run, at: 2_000_000, device });
    expect(page.wrapper.find('[aria-label="The device at this moment"]').text()).toMatch(
      /awaitingAck.*The kernel waited for the ack and would have gone on by itself in /s,
    );
    expect(slider(page).attributes('aria-valuetext')).toBe(`2.000000 s, ${device} awaitingAck`);
  });

  it('begins at the moment of its address, and writes it back when the scrubber rests', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const page = await show(`/runs/${run}?at=600000`);
    expect(asked(page, 'runMoment').at(-1)).toMatchObject({ at: 600_000 });
    expect(page.wrapper.text()).toContain(`No recovery of ${device} by this moment`);
    slider(page).element.value = '1009000';
    await slider(page).trigger('input');
    await flushPromises();
    expect(asked(page, 'runMoment').at(-1)).toMatchObject({ at: 1_009_000 });
    expect(page.router.currentRoute.value.query['at']).toBe('600000');
    vi.advanceTimersByTime(300);
    await flushPromises();
    expect(page.router.currentRoute.value.query['at']).toBe('1009000');
  });

  it.each([
    ['ArrowRight', {}, 605_000],
    ['ArrowLeft', { shiftKey: true }, 599_999],
    ['PageUp', {}, 725_000],
    ['PageDown', {}, 475_000],
  ])('moves by the key %s', async (key, modifiers, at) => {
    const page = await show(`/runs/${run}?at=600000`);
    await slider(page).trigger('keydown', { key, ...modifiers });
    await flushPromises();
    expect(asked(page, 'runMoment').at(-1)).toMatchObject({ at });
  });

  it('steps to the next and the previous change, and says where there is none', async () => {
    const page = await show(`/runs/${run}?at=600000`);
    await button(page, 'Next change').trigger('click');
    await flushPromises();
    expect(asked(page, 'runMoment').at(-1)).toMatchObject({ at: 1_000_000 });
    await button(page, 'Previous change').trigger('click');
    await flushPromises();
    expect(asked(page, 'runMoment').at(-1)).toMatchObject({ at: 500_000 });
    expect(button(page, 'Previous change').attributes('aria-disabled')).toBe('true');
  });

  it('asks for one moment at a time, and of those in between for the last only', async () => {
    const answers: (() => void)[] = [];
    const page = await show(`/runs/${run}?at=0`, (link) =>
      link.answer(
        'runMoment',
        (input: { at: number }) =>
          new Promise((resolve) => answers.push(() => resolve(success(momentAt(input.at))))),
      ),
    );
    for (const at of [100, 200, 300]) {
      slider(page).element.value = String(at);
      await slider(page).trigger('input');
    }
    expect(asked(page, 'runMoment')).toHaveLength(1);
    answers.shift()?.();
    await flushPromises();
    expect(asked(page, 'runMoment').map((input) => (input as { at: number }).at)).toEqual([0, 300]);
  });

  it('says what is wrong with its file in sentences', async () => {
    const { wrapper } = await show(`/runs/${run}`, (link) =>
      link.answer('openRun', () =>
        success(
          opened({
            findings: ['Line 9 was never finished.'],
            findingCount: 3,
            divergences: 1,
            diverged: ['Line 4 says so.'],
          }),
        ),
      ),
    );
    const text = wrapper.find('details').text();
    expect(text).toMatch(
      /^3 things are wrong with the file, and the core comes to another state in one step\./,
    );
    expect(text).toMatch(/Line 9 was never finished\.\s*and 2 more\s*Line 4 says so\./);
  });

  it('asks again while it is being read, and stops when it is whole', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let share: number | null = 0.37;
    const page = await show(`/runs/${run}`, (link) =>
      link.answer('openRun', () =>
        success(opened({ reading: share === null ? null : { lines: 3, share }, ended: null })),
      ),
    );
    expect(page.wrapper.find('[aria-label=Reading]').text()).toContain('37 % read');
    share = null;
    vi.advanceTimersByTime(1_000);
    await flushPromises();
    expect(page.wrapper.find('[aria-label=Reading]').exists()).toBe(false);
    const { length } = asked(page, 'openRun');
    vi.advanceTimersByTime(10_000);
    await flushPromises();
    expect(asked(page, 'openRun')).toHaveLength(length);
  });

  it('that is not there says so', async () => {
    const { wrapper } = await show(`/runs/${run}`, (link) =>
      link.answer('openRun', () => failure('unknownRun', 'There is no run of this name.')),
    );
    expect(wrapper.text()).toContain('There is no run of this name.');
  });

  it('is handed over as a file of its own name', async () => {
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      if (this.download !== '') names.push(this.download);
    });
    const page = await show(`/runs/${run}`, (link) =>
      link.answer('exportRun', (input: { format: string }) =>
        success({ name: `${run}.${input.format}`, mediaType: 'text/plain', text: 'x' }),
      ),
    );
    await button(page, 'Export JSONL').trigger('click');
    await flushPromises();
    await button(page, 'Export report').trigger('click');
    await flushPromises();
    expect(names).toEqual([`${run}.jsonl`, `${run}.html`]);
  });
});

describe('two runs that are compared', () => {
  it('are chosen by the address, side by side, with the first difference in a sentence', async () => {
    const page = await show(`/runs/${run}?with=${other}`, (link) =>
      link.answer('openRun', (input: { run: string }) => {
        const one = opened({ run: input.run });
        const [first] = one.devices;
        if (input.run === run || first === undefined) return success(one);
        return success({ ...one, devices: [{ ...first, trace: ['armed', 'errorDetected', 'timedOut'] }] });
      }),
    );
    expect(page.wrapper.find('[aria-label="First difference"]').text()).toMatch(
      /quiescing on the left, timedOut on the right\.$/,
    );
    expect(page.wrapper.find('tr.first').text()).toMatch(/3.*quiescing.*timedOut.*first difference/s);
    await page.wrapper.find('header select').setValue('');
    await flushPromises();
    expect(page.router.currentRoute.value.query['with']).toBeUndefined();
    expect(slider(page).exists()).toBe(true);
  });

  it('with one that cannot be opened say so', async () => {
    const page = await show(`/runs/${run}?with=${other}`, (link) =>
      link.answer('openRun', (input: { run: string }) =>
        input.run === run ? success(opened()) : failure('unknownRun', 'There is no such run.'),
      ),
    );
    expect(page.wrapper.text()).toContain('There is no such run.');
  });
});

describe('the lines of a run', () => {
  it('that are not in sight are not loaded', async () => {
    const page = await show(`/runs/${run}`, (link) => {
      link.answer('openRun', () => success(opened({ lines: 1_000_000 })));
      link.answer('runLines', (input: { from: number; count: number }) =>
        success(Array.from({ length: input.count }, (_, at) => noteLine(input.from + at + 1))),
      );
    });
    expect(asked(page, 'runLines').length).toBeLessThan(4);
  });
});
