// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { failure, success } from '../../../src-main/core/result.ts';
import { platformActions, platformWords } from '../../../src-main/core/zpci/platformActions.ts';
import CardHost from '../../../src-renderer/cards/CardHost.vue';
import { zpciView } from '../fakeBridge.ts';
import { stage, type Stage } from '../handshake/stage.ts';
import { device } from '../handshake/told.ts';

let current: Stage | null = null;
afterEach(() => {
  current?.wrapper.unmount();
  current = null;
  localStorage.clear();
  vi.useRealTimers();
});

const busy = failure('busy', 'It is open in this bench; close the device first.').error;
const open = async (
  refusals: Readonly<Record<string, typeof busy>> = {},
  devices = [{ ...zpciView(0x1234, 0x56), address: device }],
): Promise<Stage> => {
  current = await stage(CardHost, null, {
    query: '?card=platform',
    rig: { devices },
    prepare: (link) => {
      link.answer('platformOffers', () =>
        success(platformActions.map((action) => ({ action, refusal: refusals[action] ?? null }))),
      );
      link.answer('confirmation', ({ platform }: { platform?: string }) =>
        success({
          ...{ token: `token-${platform}`, action: 'platform', device, recovery: null },
          ...{ consequence: `What ${platform} does.`, known: {} },
          refusal: refusals[platform ?? '']?.message ?? null,
        }),
      );
      link.answer('platformAct', () => success({ action: 'recover', took: 1, present: true }));
    },
  });
  return current;
};
const confirm = ({ wrapper }: Stage) => wrapper.get('button[type=submit]');
const fill = async ({ wrapper, settle }: Stage): Promise<void> => {
  const [reason, operator] = wrapper.findAll('input[type=text]');
  await reason?.setValue('stuck in error');
  await operator?.setValue('R. Weber');
  await settle();
};
const choose = async (one: Stage, action: string): Promise<void> => {
  await one.wrapper.get(`input[value=${action}]`).setValue(true);
  await one.settle();
};
const sent = ({ link }: Stage): unknown[] =>
  link.calls.filter(({ command }) => command === 'platformAct').map(({ input }) => input);

describe('the card of platform actions', () => {
  it('shows each action with its consequence, apart from the reset of VFIO', async () => {
    const one = await open();
    const text = one.wrapper.text();
    for (const { title, typed, consequence } of Object.values(platformWords)) {
      expect(text).toContain(title);
      expect(text).toContain(typed);
      expect(text).toContain(consequence);
    }
    expect(text).toContain('VFIO_DEVICE_RESET, is “Reset” on the Handshake tab');
  });

  it('wants a reason and a name, and sends the action with the token of its consequence', async () => {
    const one = await open();
    expect(confirm(one).attributes('title')).toContain('reason');
    await one.wrapper.get('form').trigger('submit');
    expect(sent(one)).toEqual([]);
    await choose(one, 'powerOff');
    await fill(one);
    await one.wrapper.get('form').trigger('submit');
    await one.settle();
    expect(sent(one)).toEqual([
      {
        ...{ rig: 'one', device, token: 'token-powerOff', action: 'powerOff' },
        ...{ reason: 'stuck in error', operator: 'R. Weber' },
      },
    ]);
    expect(one.wrapper.find('dialog').exists()).toBe(false);
  });

  it('says why an action is refused instead of what comes of it, and does not confirm it', async () => {
    const one = await open({ recover: busy, powerOff: busy });
    // What can be done is chosen first.
    expect(one.wrapper.get<HTMLInputElement>('input[value=powerOn]').element.checked).toBe(true);
    await fill(one);
    await choose(one, 'recover');
    expect(confirm(one).attributes('title')).toBe(busy.message);
    expect(one.wrapper.text()).not.toContain(platformWords.powerOff.consequence);
    await one.wrapper.get('form').trigger('submit');
    expect(sent(one)).toEqual([]);
  });

  it('is there for a function that is powered off, and says that it is not on the bus', async () => {
    const one = await open({}, []);
    expect(one.wrapper.text()).toContain(`${device} (not on the bus)`);
    await choose(one, 'powerOn');
    await fill(one);
    expect(confirm(one).attributes('aria-disabled')).toBe('false');
  });

  it('stays with the errno when the kernel refuses', async () => {
    const one = await open();
    one.link.answer('platformAct', () =>
      failure('kernelRefused', 'No service element.', { errno: { number: 95, name: 'EOPNOTSUPP' } }),
    );
    await choose(one, 'zpcictlReportError');
    await fill(one);
    await one.wrapper.get('form').trigger('submit');
    await one.settle();
    expect(one.wrapper.get('[role=alert]').text()).toBe('EOPNOTSUPP No service element.');
  });
});
