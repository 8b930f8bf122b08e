import { describe, expect, it } from 'vitest';
import type { OpenWait } from '../../src-main/service/waits.ts';
import { notifyOfWaits, type WaitNotice } from '../../src-main/console/waitNotifier.ts';

const wait = (device: string, deadline = 60_000_000): OpenWait => ({
  rig: 'simulated',
  device,
  deadline,
  left: 12_000_000,
  protocol: 'notify',
});

const lab = (inFront: boolean) => {
  let open: readonly OpenWait[] = [];
  let heard: () => void = () => undefined;
  const person = { inFront };
  const shown: { notice: WaitNotice; clicked: () => void; visible: boolean }[] = [];
  const visited: string[] = [];
  const badges: number[] = [];
  const stop = notifyOfWaits({
    waits: () => open,
    onWaits: (listener) => {
      heard = listener;
      return () => void (heard = () => undefined);
    },
    inFront: () => person.inFront,
    show: (notice, clicked) => {
      const entry = { notice, clicked, visible: true };
      shown.push(entry);
      return () => void (entry.visible = false);
    },
    goTo: ({ device }) => visited.push(device),
    badge: (count) => badges.push(count),
  });
  const set = (...waits: OpenWait[]): void => {
    open = waits;
    heard();
  };
  return { set, stop, person, shown, visited, badges };
};

describe('notifications of waits', () => {
  it('tells a wait that opens behind the person’s back, once, with the time it has', () => {
    const { set, shown } = lab(false);
    set(wait('0000:01:00.0'));
    set(wait('0000:01:00.0'));
    expect(shown.map(({ notice }) => notice)).toEqual([
      {
        title: '0000:01:00.0 waits for a decision',
        body: '12 s left on simulated (notify). Click to review.',
      },
    ]);
  });

  it('is silent while the console is in front, and does not catch up on it later', () => {
    const { set, shown, person } = lab(true);
    set(wait('0000:01:00.0'));
    person.inFront = false;
    set(wait('0000:01:00.0'), wait('0000:05:00.1'));
    expect(shown.map(({ notice }) => notice.title)).toEqual(['0000:05:00.1 waits for a decision']);
  });

  it('goes to the device that was clicked', () => {
    const { set, shown, visited } = lab(false);
    set(wait('0000:01:00.0'), wait('0000:05:00.1'));
    shown[1]?.clicked();
    expect(visited).toEqual(['0000:05:00.1']);
  });

  it('takes a notification away with its wait, and tells the next wait of the same device', () => {
    const { set, shown } = lab(false);
    set(wait('0000:01:00.0', 60_000_000));
    set(wait('0000:01:00.0', 90_000_000));
    expect(shown.map(({ visible }) => visible)).toEqual([false, true]);
  });

  it('counts the waits, and leaves nothing behind when it stops', () => {
    const { set, shown, badges, stop } = lab(false);
    set(wait('0000:01:00.0'), wait('0000:05:00.1'));
    set(wait('0000:05:00.1'));
    stop();
    set(wait('0000:06:00.0'));
    expect(badges).toEqual([0, 2, 1]);
    expect(shown.map(({ visible }) => visible)).toEqual([false, false]);
  });
});
