// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defineComponent, h } from 'vue';
import GoneDevice from '../../../src-renderer/views/handshake/GoneDevice.vue';
import HandshakeView from '../../../src-renderer/views/handshake/HandshakeView.vue';
import TimeLeft from '../../../src-renderer/views/handshake/TimeLeft.vue';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { stage, type Stage } from './stage.ts';
import { device, expiry, Told, untilQuiet } from './told.ts';

/** As the page of a device mounts it. */
const View = defineComponent(() => {
  const bench = useBench();
  return () => {
    const rig = bench.rig('one');
    const shown = bench.device('one', device);
    return rig === null || shown === null
      ? null
      : h(HandshakeView, { rig, device: shown, armed: bench.armed('one', device) });
  };
});

let current: Stage | null = null;
const show = async (told: Told | null, options: Parameters<typeof stage>[2] = {}): Promise<Stage> => {
  current = await stage(View, told, options);
  return current;
};
afterEach(() => {
  current?.wrapper.unmount();
  current = null;
  vi.useRealTimers();
});
const names = ['Inject fault', 'Quiesce', 'Acknowledge', 'Withdraw', 'Reset', 'Reinitialise', 'Prove'];
const bar = ({ wrapper }: Stage): ReturnType<typeof wrapper.findAll> =>
  wrapper.findAll('[role=toolbar] button');

describe('the action bar', () => {
  it('has the buttons by their names, each disabled one with its reason as title and description', async () => {
    const one = await show(new Told().happens(...untilQuiet()));
    expect(bar(one).map((button) => button.text())).toEqual(names);
    for (const button of bar(one)) {
      if (button.attributes('aria-disabled') !== 'true') continue;
      const description = one.wrapper.find(`[id="${button.attributes('aria-describedby')}"]`).text();
      expect(description.length).toBeGreaterThan(10);
      expect(button.attributes('title')).toBe(description);
    }
    expect(
      bar(one)
        .filter((button) => button.classes('main'))
        .map((button) => button.text()),
    ).toEqual(['Acknowledge']);
  });

  it('opens the card of what can be done, and nothing for what cannot', async () => {
    const one = await show(new Told().happens(...untilQuiet()));
    await bar(one)[4]?.trigger('click');
    await one.settle();
    expect(one.router.currentRoute.value.query['card']).toBeUndefined();
    await bar(one)[2]?.trigger('click');
    await one.settle();
    expect(one.router.currentRoute.value.query['card']).toBe('acknowledge');
  });

  it('quiesces without a card', async () => {
    const one = await show(new Told().happens(...untilQuiet()));
    await bar(one)[1]?.trigger('click');
    await one.settle();
    expect(one.link.calls.filter(({ command }) => command === 'quiesce')).toEqual([
      { command: 'quiesce', input: { rig: 'one', device } },
    ]);
  });
});

describe('what is to be seen', () => {
  it('says how to arm what is not armed', async () => {
    const one = await show(null);
    expect(one.wrapper.text()).toContain('Not armed');
    expect(one.wrapper.text()).toContain('waits for your ack before it resets the slot');
    expect(one.wrapper.find('svg[role=img]').exists()).toBe(false);
  });

  it('says how to cause an error on what is armed', async () => {
    const one = await show(new Told());
    expect(one.wrapper.text()).toContain('Armed and quiet');
    expect(one.wrapper.text()).toContain('60 s');
  });

  it('draws an open wait with a text alternative, its rows as a list, the countdown and the choices', async () => {
    const one = await show(new Told().happens(...untilQuiet()));
    expect(one.wrapper.find('svg[role=img]').attributes('aria-label')).toContain(
      `Sequence of recovery 1 of ${device}`,
    );
    const rows = one.wrapper.findAll('ol li');
    expect(rows[0]?.text()).toBe(
      'Kernel to Bench: signal, count 1, phase errorDetected. The kernel signalled the error eventfd: an error was detected, and a recovery is open.',
    );
    expect(one.wrapper.find('[role=timer]').attributes('aria-label')).toBe('Time left');
    expect(one.wrapper.find('[role=timer]').text()).toBe('59.0 s');
    expect(one.wrapper.text()).toContain(
      'the eventfd is removed; the kernel still waits out its time'.slice(4),
    );
    expect(one.wrapper.text()).toContain('without an ack: CAN_RECOVER');
  });

  it('moves now with the clock, and not the diagram', async () => {
    const one = await show(new Told().happens(...untilQuiet()));
    const marks = (): string =>
      one.wrapper
        .findAll('.mark')
        .map((mark) => mark.html())
        .join('');
    const before = marks();
    const place = (): string | undefined => one.wrapper.find('.now').attributes('transform');
    const from = place();
    expect(one.wrapper.find('.now').text()).toBe('now +1.0');
    await one.clock(31_000_000);
    expect(one.wrapper.find('.now').text()).toBe('now +30.0');
    expect(place()).not.toBe(from);
    expect(marks()).toBe(before);
  });

  it('selects the moment of a row that is clicked, and gives its reason', async () => {
    const one = await show(new Told().happens(...untilQuiet()));
    const row = one.wrapper.findAll('ol button')[2];
    await row?.trigger('pointerenter');
    expect(one.wrapper.find('.why').text()).toContain('The error registers were read');
    await row?.trigger('click');
    await one.settle();
    expect(one.router.currentRoute.value.query['at']).toBe('1001000');
    expect(one.wrapper.findAll('ol button')[2]?.attributes('aria-pressed')).toBe('true');
  });

  it('tells the outcome with its reason and its durations, and no countdown', async () => {
    const one = await show(new Told().happens(...untilQuiet(), expiry()));
    const text = one.wrapper.text();
    expect(text).toContain('timedOut');
    expect(text).toContain('awaitingAck');
    expect(text).toContain('59.991 s');
    expect(one.wrapper.find('[role=timer]').exists()).toBe(false);
    expect(one.wrapper.find('.now').exists()).toBe(false);
  });

  it('offers earlier recoveries, and shows the one that a selected moment belongs to', async () => {
    const told = new Told().happens(...untilQuiet(), expiry(), ...untilQuiet(2, 70_000_000));
    const one = await show(told, { rig: { now: 71_000_000 } });
    expect(one.wrapper.findAll('.which option')).toHaveLength(3);
    expect(one.wrapper.find('[role=timer]').exists()).toBe(true);
    await one.router.push(`/device/one/${device}/handshake?at=1001000`);
    await one.settle();
    expect(one.wrapper.find('svg[role=img]').attributes('aria-label')).toContain('timedOut');
  });
});

describe('a long diagram', () => {
  /** A room of 400 pixels, scrolled to `top`: nothing is laid out here. */
  const scrollTo = async (one: Stage, top: number): Promise<void> => {
    const box = one.wrapper.find('.scroller');
    for (const [name, value] of Object.entries({ clientHeight: 400, scrollHeight: 9_000 })) {
      Object.defineProperty(box.element, name, { value, configurable: true });
    }
    box.element.scrollTop = top;
    await box.trigger('scroll');
  };
  const long = (): Told => {
    const told = new Told().happens(...untilQuiet());
    for (let note = 1; note <= 250; note += 1) {
      told.line({ type: 'kernelLog', device, text: `note ${note}` }, 1_010_000 + note);
    }
    return told;
  };
  const numbers = (one: Stage): number[] =>
    one.wrapper.findAll('ol li').map((row) => Number(row.attributes('aria-posinset')));

  it('has only the rows in sight and a few around them, and tells how many there are', async () => {
    const one = await show(long());
    const all = numbers(one).length;
    expect(all).toBeGreaterThan(250);
    await scrollTo(one, 4_000);
    const shown = numbers(one);
    expect(shown.length).toBeLessThan(all / 3);
    expect(one.wrapper.findAll('.mark.past').length).toBeLessThan(all / 3);
    const middle = shown[Math.floor(shown.length / 2)] ?? 0;
    await scrollTo(one, 0);
    expect(numbers(one)).not.toContain(middle);
    expect(numbers(one)).toContain(1);
    expect(one.wrapper.find('ol li').attributes('aria-setsize')).toBe(String(all));
  });

  it('is walked to its ends by keyboard', async () => {
    const one = await show(long());
    const all = numbers(one).length;
    await scrollTo(one, 0);
    const focused = (): string | undefined => (document.activeElement as HTMLElement).dataset['row'];
    const stop = one.wrapper.find<HTMLElement>('ol button[tabindex="0"]');
    stop.element.focus();
    expect(focused()).toBe(String(all - 1));
    await stop.trigger('keydown', { key: 'Home' });
    await one.settle();
    expect(focused()).toBe('0');
    await one.wrapper.find('ol button[tabindex="0"]').trigger('keydown', { key: 'End' });
    await one.settle();
    expect(focused()).toBe(String(all - 1));
  });
});

describe('a device that has gone', () => {
  const Gone = defineComponent(() => {
    const bench = useBench();
    return () => {
      const rig = bench.rig('one');
      return rig === null ? null : h(GoneDevice, { rig, address: device });
    };
  });

  it('still shows the recovery that it vanished in', async () => {
    const told = new Told().happens(...untilQuiet(), { kind: 'deviceRemoved', at: 2_000_000 });
    current = await stage(Gone, told, { rig: { devices: [] } });
    expect(current.wrapper.find('h1').text()).toBe(`${device} is gone`);
    const label = current.wrapper.find('svg[role=img]').attributes('aria-label');
    expect(label).toContain(`Last sequence of ${device}`);
    expect(label).toContain('deviceLost');
    expect(current.wrapper.find('aside').text()).toContain('deviceLost');
  });

  it('has no diagram when it had no recovery', async () => {
    current = await stage(Gone, null, { rig: { devices: [] } });
    expect(current.wrapper.find('h1').text()).toBe(`${device} is gone`);
    expect(current.wrapper.find('svg[role=img]').exists()).toBe(false);
  });
});

describe('the countdown', () => {
  const props = (): Record<string, unknown> => ({
    rig: 'one',
    openedAt: 1_000_000,
    deadline: 61_000_000,
    text: 'the kernel waits for the ack',
  });

  it('warns from 10 s on with a word and a shape, and speaks a few times only', async () => {
    current = await stage(TimeLeft, new Told().happens(...untilQuiet()), { props });
    const { wrapper } = current;
    const spoken = (): string => wrapper.find('[role=status]').text();
    const heard = new Set<string>();
    for (let at = 2_000_000; at <= 62_000_000; at += 500_000) {
      await current.clock(at);
      heard.add(spoken());
      expect(wrapper.text().includes('Hurry')).toBe(at >= 51_000_000 && at < 61_000_000);
      expect(wrapper.find('.sign').exists()).toBe(at >= 51_000_000);
    }
    expect([...heard]).toEqual([
      '',
      'Less than 30 seconds left.',
      'Less than 10 seconds left.',
      'Less than 5 seconds left.',
      'The time is up.',
    ]);
    expect(wrapper.find('[role=timer]').text()).toBe('0.0 s');
  });
});
