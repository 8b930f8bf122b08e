// @vitest-environment happy-dom
import { flushPromises, type DOMWrapper } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OpeningView, RigOffers } from '../../../preload/contract/views.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import AddRigDialog from '../../../src-renderer/rigs/AddRigDialog.vue';
import ConsoleFrame from '../../../src-renderer/shell/ConsoleFrame.vue';
import type { FakeLink } from '../fakeBridge.ts';
import { rigView, snapshotOf } from '../fakeBridge.ts';
import { stagePage, type PageStage } from '../stagePage.ts';

const offers: RigOffers = {
  virtual: {
    x86: {
      refusal: null,
      topologies: [
        { name: 'single', title: 'one function below a root port' },
        { name: 'switch', title: 'two devices below one switch' },
      ],
      kernels: [
        { name: 'bookworm', toBuild: false },
        { name: 'sid', toBuild: true },
      ],
    },
    s390x: {
      refusal: null,
      topologies: [{ name: 'zpci', title: 'two functions with an identity of their own' }],
      kernels: [{ name: 'newest', toBuild: true }],
    },
  },
  local: { refusal: 'There is no /dev/vfio: the IOMMU is off.' },
};
const opening = (rest: Partial<OpeningView> = {}): OpeningView => ({
  id: 'virtual-2',
  kind: 'virtual',
  title: 'Virtual x86, one function',
  state: 'opening',
  steps: ['booting Linux 6.1'],
  question: null,
  error: null,
  ...rest,
});

let page: PageStage | null = null;
afterEach(() => {
  page?.wrapper.unmount();
  page = null;
  document.body.innerHTML = '';
  vi.useRealTimers();
});
const show = async (answers: (link: FakeLink) => void = () => undefined): Promise<PageStage> => {
  page = await stagePage(AddRigDialog, '/', (link) => {
    link.answer('rigOffers', () => success(offers));
    link.answer('addRig', () => success('virtual-2'));
    answers(link);
  });
  return page;
};
const radio = ({ wrapper }: PageStage, name: string): Omit<DOMWrapper<HTMLInputElement>, 'exists'> =>
  wrapper.get<HTMLInputElement>(`input[type=radio][aria-label="${name}"]`);
const asked = ({ link }: PageStage, command: string): readonly unknown[] =>
  link.calls.filter((call) => call.command === command).map(({ input }) => input);
const button = (name: string): HTMLButtonElement => {
  const found = [...document.querySelectorAll('button')].find((one) => one.textContent?.trim() === name);
  if (found === undefined) throw new Error(`There is no button ${name}.`);
  return found;
};

describe('adding a rig', () => {
  it('asks for a simulated one as it is described', async () => {
    const shown = await show();
    await shown.wrapper.get('input[max="600"]').setValue('3.5');
    await shown.wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toEqual([
      { kind: 'simulated', profile: 'notify-7.2', topology: 'lab', seed: 1, ackTimeout: 3_500_000 },
    ]);
  });

  it('asks for a guest with its kernel, topology, driver, time-out and repairs', async () => {
    const shown = await show();
    await radio(shown, 'Virtual x86').setValue();
    const { wrapper } = shown;
    const [kernel, topology] = wrapper.findAll('select');
    await kernel?.setValue('sid');
    expect(wrapper.text()).toContain('Its image is made first');
    await topology?.setValue('switch');
    await wrapper.get('input[max="600"]').setValue('3');
    await wrapper.get('input[type=checkbox][value=close_withdraws]').setValue(true);
    await wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toEqual([
      {
        kind: 'virtual',
        machine: 'x86',
        kernel: 'sid',
        topology: 'switch',
        driver: 'vfio-pci-notify',
        moduleParameters: { ack_timeout_ms: '3000', close_withdraws: 'Y' },
      },
    ]);
    expect(wrapper.emitted('added')).toEqual([['virtual-2', 'virtual']]);
  });

  it('gives the stock driver no parameters', async () => {
    const shown = await show();
    await radio(shown, 'Virtual x86').setValue();
    await shown.wrapper.get('input[max="600"]').setValue('3');
    await shown.wrapper.findAll('select').at(2)?.setValue('vfio-pci');
    expect(shown.wrapper.get('input[max="600"]').attributes('disabled')).toBeDefined();
    await shown.wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toMatchObject([{ driver: 'vfio-pci', moduleParameters: {} }]);
  });

  it('asks for a guest of s390x with what that has: its kernel, its topology, the stock driver', async () => {
    const shown = await show();
    await radio(shown, 'Virtual s390x').setValue();
    const { wrapper } = shown;
    expect(wrapper.text()).toContain('the newest that Debian has, built first');
    expect(wrapper.findAll('option').map((option) => option.element.value)).toEqual([
      'newest',
      'zpci',
      'vfio-pci',
    ]);
    expect(wrapper.get('input[max="600"]').attributes('disabled')).toBeDefined();
    await wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toEqual([
      {
        kind: 'virtual',
        machine: 's390x',
        kernel: 'newest',
        topology: 'zpci',
        driver: 'vfio-pci',
        moduleParameters: {},
      },
    ]);
  });

  it('keeps the fields of each machine, and says what a machine lacks', async () => {
    const refusal = 'qemu-system-s390x is missing; install the Debian package "qemu-system-misc".';
    const { virtual } = offers;
    const shown = await show((link) =>
      link.answer('rigOffers', () =>
        success({ ...offers, virtual: { ...virtual, s390x: { ...virtual.s390x, refusal } } }),
      ),
    );
    await radio(shown, 'Virtual x86').setValue();
    await shown.wrapper.findAll('select').at(1)?.setValue('switch');
    const refused = radio(shown, 'Virtual s390x');
    expect(refused.attributes('aria-disabled')).toBe('true');
    expect(shown.wrapper.text()).toContain(refusal);
    refused.element.checked = true;
    await refused.trigger('change');
    expect(radio(shown, 'Virtual x86').element.checked).toBe(true);
    await radio(shown, 'Simulated').setValue();
    await radio(shown, 'Virtual x86').setValue();
    await shown.wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toMatchObject([{ machine: 'x86', topology: 'switch' }]);
  });

  it('says why this machine is none, and does not choose it', async () => {
    const shown = await show();
    const local = radio(shown, 'This machine');
    expect(local.attributes('aria-disabled')).toBe('true');
    const described = document.getElementById(local.attributes('aria-describedby') ?? '');
    expect(described?.textContent).toContain('no /dev/vfio');
    local.element.checked = true;
    await local.trigger('change');
    expect(local.element.checked).toBe(false);
    expect(radio(shown, 'Simulated').element.checked).toBe(true);
  });

  it('runs a command as it was confirmed, with what comes of it on the card', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const shown = await show((link) =>
      link.answer('confirmRig', ({ commandLine }: { commandLine: string }) =>
        success({ token: `for ${commandLine}`, consequence: 'A shell runs this line.' }),
      ),
    );
    await radio(shown, 'Remote').setValue();
    expect(button('Run and add rig').getAttribute('aria-disabled')).toBe('true');
    const line = shown.wrapper.get('input[type=text]');
    await line.setValue('ssh lab');
    await line.setValue('ssh lab agent ');
    await vi.runAllTimersAsync();
    expect(shown.wrapper.text()).toContain('A shell runs this line.');
    await shown.wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toEqual([
      { kind: 'remote', commandLine: 'ssh lab agent', token: 'for ssh lab agent' },
    ]);
    // Another line is another confirmation.
    await line.setValue('rm -r /');
    expect(button('Run and add rig').getAttribute('aria-disabled')).toBe('true');
  });

  it('asks for a machine over ssh, and says at once what is none', async () => {
    const shown = await show();
    await radio(shown, 'Over ssh').setValue();
    const target = shown.wrapper.get('input[type=text]');
    const reason = (): string | undefined =>
      document.getElementById('add-rig-reason')?.textContent ?? undefined;
    expect(reason()).toBe('Type the machine, such as user@host.');
    await target.setValue('-oProxyCommand=touch');
    expect(reason()).toContain('has no host of letters');
    await shown.wrapper.get('form').trigger('submit');
    expect(asked(shown, 'addRig')).toEqual([]);
    await target.setValue(' ada@lab:2222 ');
    expect(reason()).toBe('');
    await shown.wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(asked(shown, 'addRig')).toEqual([{ kind: 'ssh', target: 'ada@lab:2222' }]);
    expect(shown.wrapper.emitted('added')).toEqual([['virtual-2', 'ssh']]);
  });

  it('says what was refused, and stays', async () => {
    const shown = await show((link) =>
      link.answer('addRig', () => failure('malformedInput', 'There is no such topology.')),
    );
    await shown.wrapper.get('form').trigger('submit');
    await flushPromises();
    expect(shown.wrapper.get('[role=alert]').text()).toBe('malformedInput There is no such topology.');
    expect(shown.wrapper.emitted('added')).toBeUndefined();
  });
});

describe('a rig on its way', () => {
  const frame = async (
    snapshot: () => ReturnType<typeof snapshotOf>,
    answers: (link: FakeLink) => void = () => undefined,
  ): Promise<PageStage> => {
    vi.useFakeTimers({ toFake: ['requestAnimationFrame', 'cancelAnimationFrame'] });
    page = await stagePage(ConsoleFrame, '/settings', answers, snapshot);
    return page;
  };
  const push = async ({ link }: PageStage, ...deltas: readonly object[]): Promise<void> => {
    link.push(...(deltas as Parameters<FakeLink['push']>));
    vi.advanceTimersToNextFrame();
    await flushPromises();
  };
  const inBar = (text: string): HTMLButtonElement | undefined =>
    [...document.querySelectorAll<HTMLButtonElement>('[aria-label=Rigs] button')].find((one) =>
      one.textContent?.includes(text),
    );
  const dialog = (): Element | null => document.querySelector('dialog');

  it('stands in the rig bar, shows how far it is, and can be given up', async () => {
    const shown = await frame(() => snapshotOf({ openings: [opening()] }));
    const entry = inBar('Virtual x86, one function');
    expect(entry?.textContent).toContain('being opened');
    entry?.click();
    await flushPromises();
    expect(dialog()?.querySelector('[role=log]')?.textContent).toContain('booting Linux 6.1');
    button('Cancel opening').click();
    await flushPromises();
    expect(asked(shown, 'cancelOpening')).toEqual([{ rig: 'virtual-2' }]);
    await push(shown, { number: 1, kind: 'openingEnded', id: 'virtual-2' });
    expect(dialog()).toBeNull();
    expect(inBar('Virtual x86, one function')).toBeUndefined();
  });

  it('is gone to when it is there', async () => {
    const shown = await frame(() => snapshotOf({ openings: [opening()] }));
    inBar('Virtual x86, one function')?.click();
    await flushPromises();
    await push(
      shown,
      { number: 1, kind: 'rigAdded', rig: rigView('virtual-2') },
      { number: 2, kind: 'openingEnded', id: 'virtual-2' },
    );
    expect(dialog()).toBeNull();
    await vi.waitFor(() => {
      expect(shown.router.currentRoute.value.params).toMatchObject({ rig: 'virtual-2' });
    });
  });

  it.each([
    ['Copy the agent', true],
    ['Do not copy', false],
  ])('that asks something says so, and "%s" answers what was read', async (name, agreed) => {
    const question = 'lab has no agent yet. Copy it there?';
    const shown = await frame(() => snapshotOf({ openings: [opening({ kind: 'ssh', question })] }));
    inBar('asks something')?.click();
    await flushPromises();
    expect(dialog()?.textContent).toContain(question);
    button(name).click();
    await flushPromises();
    expect(asked(shown, 'answerOpening')).toEqual([{ rig: 'virtual-2', question, agreed }]);
    await push(shown, { number: 1, kind: 'opening', opening: opening({ kind: 'ssh' }) });
    expect(dialog()?.textContent).not.toContain(question);
  });

  it('that failed says why, with its last words, and is tried again', async () => {
    const { error } = failure('rigNotStarted', 'The guest did not come up: QEMU ended with 1.', {
      details: { qemu: ['no memory'], console: [''] },
    });
    const shown = await frame(
      () => snapshotOf({ openings: [opening({ state: 'failed', error })] }),
      (link) => link.answer('restartRig', () => success('virtual-3')),
    );
    inBar('not opened')?.click();
    await flushPromises();
    expect(dialog()?.querySelector('[role=alert]')?.textContent).toContain('QEMU ended with 1.');
    expect(dialog()?.querySelector('pre')?.textContent).toBe('no memory');
    button('Try again').click();
    await flushPromises();
    expect(asked(shown, 'restartRig')).toEqual([{ rig: 'virtual-2' }]);
    await push(shown, { number: 1, kind: 'opening', opening: opening({ id: 'virtual-3', steps: ['anew'] }) });
    expect(dialog()?.querySelector('[role=log]')?.textContent).toContain('anew');
  });

  it('that is gone is said so on every page, and is restarted after a question', async () => {
    const gone = rigView('one', {
      link: 'gone',
      trouble: 'The guest is gone; restart the rig or remove it.',
    });
    const shown = await frame(
      () => snapshotOf({ rigs: [gone] }),
      (link) => link.answer('restartRig', () => success('virtual-3')),
    );
    expect(document.querySelector('[role=alert]')?.textContent).toContain('The guest is gone');
    button('Restart rig…').click();
    await flushPromises();
    expect(asked(shown, 'restartRig')).toEqual([]);
    button('Restart rig').click();
    await flushPromises();
    expect(asked(shown, 'restartRig')).toEqual([{ rig: 'one' }]);
  });
});

describe('the panels beside a scenario', () => {
  it('follow the rig that it is played on', async () => {
    const scenario = {
      scenario: {
        name: 'acknowledged',
        title: 'Acknowledged',
        seed: 1,
        story: '',
        protocol: 'notify',
        profiles: [],
        topology: 'single',
        device: '0000:01:00.0',
        steps: [],
      },
      played: 0,
      running: false,
      failed: null,
      ended: false,
    } as const;
    page = await stagePage(
      ConsoleFrame,
      '/scenarios/acknowledged',
      (link) => link.answer('scenarios', () => success({ scenarios: [], unreadable: [] })),
      () => snapshotOf({ rigs: [rigView('one'), rigView('scenario-2', { scenario })] }),
    );
    const chosen = (): string | undefined =>
      document.querySelector('[aria-label=Rigs] [aria-pressed=true]')?.textContent ?? undefined;
    expect(chosen()).toContain('Rig scenario-2');
    await page.router.push('/settings');
    await flushPromises();
    expect(chosen()).toContain('Rig one');
  });
});
