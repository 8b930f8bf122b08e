// @vitest-environment happy-dom
import type { DOMWrapper } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { failure, success, type BenchError } from '../../../src-main/core/result.ts';
import CardHost from '../../../src-renderer/cards/CardHost.vue';
import { deviceView, notifyArming, zpciView } from '../fakeBridge.ts';
import { stage, type Stage } from '../handshake/stage.ts';
import { device, expiry, Told, untilQuiet } from '../handshake/told.ts';

let current: Stage | null = null;
const open = async (
  card: string,
  told: Told | null,
  options: Parameters<typeof stage>[2] = {},
): Promise<Stage> => {
  current = await stage(CardHost, told, { query: `?card=${card}`, ...options });
  return current;
};
afterEach(() => {
  current?.wrapper.unmount();
  current = null;
  localStorage.clear();
  vi.useRealTimers();
});

const button = ({ wrapper }: Stage, name: string): DOMWrapper<Element> => {
  const found = wrapper.findAll('button').find((one) => one.text() === name);
  if (found === undefined) throw new Error(`There is no button "${name}".`);
  return found;
};
const box = ({ wrapper }: Stage, name: string): DOMWrapper<HTMLInputElement> => {
  const label = wrapper.findAll('label').find((one) => one.find('span').text() === name);
  if (label === undefined) throw new Error(`There is no box "${name}".`);
  return label.find('input');
};
const reasonOf = (wrapper: DOMWrapper<Element>): string | undefined => wrapper.attributes('title');
const isOff = (wrapper: DOMWrapper<Element>): boolean => wrapper.attributes('aria-disabled') === 'true';
const submit = async (one: Stage): Promise<void> => {
  await one.wrapper.find('form').trigger('submit');
  await one.settle();
};
const sent = (one: Stage, command: string): unknown[] =>
  one.link.calls.filter((call) => call.command === command).map(({ input }) => input);
const pushLines = (one: Stage, told: Told, from: number): Promise<void> =>
  one.push(...told.lines.slice(from).map((line) => ({ kind: 'line', rig: 'one', line }) as const));

describe('the card of an ack', () => {
  it('says what is known and what comes of it before anything is done', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    const text = one.wrapper.text();
    for (const words of [
      device,
      'fatal, MALF_TLP, first error',
      '0000:01:00.1',
      'BARs, bus master, MSI-X off; idle',
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toContain('What acknowledge does.');
    expect(text).toContain('59.0 s left');
    await one.clock(53_000_000);
    expect(one.wrapper.text()).toContain('8.0 s — hurry');
    expect(sent(one, 'acknowledge')).toEqual([]);
  });

  it('wants a reason and a name, and sends them with its token', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    const confirm = button(one, 'Confirm acknowledge');
    expect(isOff(confirm)).toBe(true);
    expect(reasonOf(confirm)).toContain('reason');
    await submit(one);
    await box(one, 'Reason').setValue('lab demo');
    expect(reasonOf(button(one, 'Confirm acknowledge'))).toContain('who decides');
    await submit(one);
    expect(sent(one, 'acknowledge')).toEqual([]);
    await box(one, 'Operator').setValue(' ada ');
    expect(isOff(button(one, 'Confirm acknowledge'))).toBe(false);
    await submit(one);
    expect(sent(one, 'acknowledge')).toEqual([
      { rig: 'one', device, token: 'token-acknowledge', operator: 'ada', reason: 'lab demo' },
    ]);
    expect(one.router.currentRoute.value.query['card']).toBeUndefined();
    expect(one.wrapper.find('dialog').exists()).toBe(false);
  });

  it('remembers the name for the next card', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    await box(one, 'Reason').setValue('lab demo');
    await box(one, 'Operator').setValue('ada');
    await submit(one);
    one.wrapper.unmount();
    const next = await open('withdraw', new Told().happens(...untilQuiet()));
    expect(box(next, 'Operator').element.value).toBe('ada');
    expect(box(next, 'Reason').element.value).toBe('');
  });

  it('goes back on Esc and on Back, and does nothing', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    await one.wrapper.find('dialog').trigger('cancel');
    await one.settle();
    expect(one.wrapper.find('dialog').exists()).toBe(false);
    await one.router.push(`/device/one/${device}/handshake?card=acknowledge`);
    await one.settle();
    await button(one, 'Back').trigger('click');
    await one.settle();
    expect(one.wrapper.find('dialog').exists()).toBe(false);
    expect(sent(one, 'acknowledge')).toEqual([]);
  });

  it('stays open with the errno when the kernel refuses, and asks for another token', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    one.link.answer('acknowledge', () =>
      failure('kernelRefused', 'SET_IRQS was refused.', { errno: { number: 22, name: 'EINVAL' } }),
    );
    await box(one, 'Reason').setValue('lab demo');
    await box(one, 'Operator').setValue('ada');
    const asked = sent(one, 'confirmation').length;
    await submit(one);
    expect(one.wrapper.find('[role=alert]').text()).toBe('EINVAL SET_IRQS was refused.');
    expect(sent(one, 'confirmation').length).toBe(asked + 1);
    expect(isOff(button(one, 'Confirm acknowledge'))).toBe(false);
  });

  it('says so and confirms nothing when the wait ends while it is open', async () => {
    const told = new Told().happens(...untilQuiet());
    const before = told.lines.length;
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    await box(one, 'Reason').setValue('lab demo');
    await box(one, 'Operator').setValue('ada');
    await pushLines(one, told.happens(expiry()), before);
    expect(one.wrapper.find('[role=alert]').text()).toBe('The wait is over: the recovery ended as timedOut.');
    await submit(one);
    expect(sent(one, 'acknowledge')).toEqual([]);
  });

  it('never means the next error instead', async () => {
    const told = new Told().happens(...untilQuiet());
    const before = told.lines.length;
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    await box(one, 'Reason').setValue('lab demo');
    await box(one, 'Operator').setValue('ada');
    told.happens({ kind: 'signal', at: 2_000_000, count: 1 }, ...untilQuiet(2, 2_000_000).slice(1));
    expect(told.state).toMatchObject({ phase: 'awaitingAck', recovery: { number: 2 } });
    await pushLines(one, told, before);
    expect(one.wrapper.find('[role=alert]').text()).toContain('this is another one');
    await submit(one);
    expect(sent(one, 'acknowledge')).toEqual([]);
  });

  it('says so when the device vanishes', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    await one.push({ kind: 'devices', rig: 'one', devices: [] });
    expect(one.wrapper.find('[role=alert]').text()).toContain('has vanished');
    expect(isOff(button(one, 'Confirm acknowledge'))).toBe(true);
  });

  it('is refused before it is confirmed by who does not drive', async () => {
    const one = await open('acknowledge', new Told().happens(...untilQuiet()));
    await one.push({
      kind: 'operator',
      operator: { you: 'me', holder: 'bob', asking: null, viewers: ['me', 'bob'] },
    });
    expect(reasonOf(button(one, 'Confirm acknowledge'))).toContain('bob drives');
  });
});

describe('the card of a reset', () => {
  const legacy = { ...notifyArming, protocol: 'legacy', uevents: 'unobservable' } as const;

  it('lets the kind be chosen with whom it hits, and sends it', async () => {
    const one = await open('reset', new Told(legacy).happens(...untilQuiet()));
    expect(one.wrapper.text()).toContain(`hits ${device} 0000:01:00.1`);
    await one.wrapper.find('input[value=hot]').setValue(true);
    await one.settle();
    expect(sent(one, 'confirmation').at(-1)).toMatchObject({ action: 'reset', kind: 'hot' });
    await box(one, 'Reason').setValue('lab demo');
    await box(one, 'Operator').setValue('ada');
    await submit(one);
    expect(sent(one, 'reset')).toMatchObject([{ kind: 'hot', token: 'token-reset', reason: 'lab demo' }]);
  });

  it('is refused while the kernel waits', async () => {
    const one = await open('reset', new Told().happens(...untilQuiet()));
    expect(reasonOf(button(one, 'Confirm reset'))).toContain('EAGAIN');
  });
});

describe('the card of a fault', () => {
  it('starts with a fatal error, and injects it', async () => {
    const one = await open('inject', new Told());
    expect(sent(one, 'confirmation').at(-1)).toMatchObject({
      action: 'inject',
      fault: { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' },
    });
    await submit(one);
    expect(sent(one, 'inject')).toEqual([
      {
        rig: 'one',
        device,
        token: 'token-inject',
        injector: 'simulated',
        fault: { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' },
      },
    ]);
    expect(one.wrapper.find('dialog').exists()).toBe(false);
  });

  it('says the severity outright, unless it is a correctable error', async () => {
    const one = await open('inject', new Told());
    await one.wrapper.find('input[value="aer UNSUP"]').setValue(true);
    await one.settle();
    expect(sent(one, 'confirmation').at(-1)).toMatchObject({
      fault: { error: 'UNSUP', severity: 'nonFatal' },
    });
    await one.wrapper.find('input[value="aer RCVR"]').setValue(true);
    await one.settle();
    expect(sent(one, 'confirmation').at(-1)).toMatchObject({ fault: { error: 'RCVR', severity: null } });
  });

  it('takes the injector that can cause the fault', async () => {
    const one = await open('inject', new Told());
    await one.wrapper.find('input[value="loopback"]').setValue(true);
    await one.settle();
    await submit(one);
    expect(sent(one, 'inject')).toMatchObject([{ injector: 'loopback', fault: { kind: 'loopback' } }]);
  });

  it('shows a refusal of the pre-flight before it is confirmed', async () => {
    const one = await open('inject', new Told());
    one.link.answer('confirmation', () => ({
      ok: true,
      value: {
        token: 't',
        action: 'inject',
        device,
        recovery: null,
        consequence: '',
        known: {},
        refusal: 'UNSUP is masked.',
      },
    }));
    await one.wrapper.find('input[value="aer UNSUP"]').setValue(true);
    await one.settle();
    expect(reasonOf(button(one, 'Confirm inject'))).toBe('UNSUP is masked.');
    await submit(one);
    expect(sent(one, 'inject')).toEqual([]);
  });

  it('never starts with pulling the device, also while nothing else is allowed', async () => {
    const one = await open('inject', new Told().happens(...untilQuiet()));
    expect(one.wrapper.find<HTMLInputElement>('input[value="unplug"]').element.checked).toBe(false);
  });

  it('offers no AER errors where nothing could report them', async () => {
    const one = await open('inject', null, {
      rig: { devices: [deviceView(device, { aerCounters: null })] },
    });
    expect(one.wrapper.find('input[value="aer MALF_TLP"]').exists()).toBe(false);
    expect(one.wrapper.find('input[value="unplug"]').exists()).toBe(true);
  });
});

describe('the card of a fault on a zPCI device', () => {
  const onZpci = (refusal: BenchError | null = null): Promise<Stage> =>
    open('inject', null, {
      rig: { devices: [{ ...zpciView(0x1234, 0x56), address: device }] },
      prepare: (link) => {
        link.answer('injectors', () =>
          success([
            { injector: 'badDma', faults: ['zpciDma'], refusal },
            { injector: 'loopback', faults: ['loopback'], refusal: null },
          ]),
        );
      },
    });

  it('starts with a DMA to an unmapped address, by the device itself, and has no AER', async () => {
    const one = await onZpci();
    expect(one.wrapper.findAll('input[value^="aer "]')).toEqual([]);
    await submit(one);
    expect(sent(one, 'inject')).toMatchObject([
      { injector: 'badDma', fault: { kind: 'zpciDma', where: 'unmapped' } },
    ]);
  });

  it('says that the device has to be open, and that above the aperture nothing would come', async () => {
    const needsOpen = failure('injectorUnavailable', 'It is not open; arm it first.');
    const one = await onZpci(needsOpen.error);
    expect(reasonOf(button(one, 'Confirm inject'))).toBe('It is not open; arm it first.');
    current?.wrapper.unmount();
    const armed = await onZpci();
    armed.link.answer('confirmation', () => failure('injectionRefused', 'Dropped silently.'));
    await armed.wrapper.find('input[value="zpciDma aboveAperture"]').setValue(true);
    await armed.settle();
    expect(sent(armed, 'confirmation').at(-1)).toMatchObject({ fault: { where: 'aboveAperture' } });
    expect(reasonOf(button(armed, 'Confirm inject'))).toBe('Dropped silently.');
  });

  it('is not there for the devices of other machines', async () => {
    const one = await open('inject', new Told());
    expect(one.wrapper.findAll('input[value^="zpciDma"]')).toEqual([]);
  });
});

describe('the host of the cards', () => {
  it('shows none that the address does not name', async () => {
    current = await stage(CardHost, new Told().happens(...untilQuiet()));
    expect(current.wrapper.find('dialog').exists()).toBe(false);
  });
});
