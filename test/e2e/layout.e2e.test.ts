import type { Locator } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { consoleSuite, type OpenConsole } from './consoles.ts';
import { decide, beginWait, expectPhase, screenOf, secondsOf, type Screen } from './screen.ts';

// Nothing overlaps, is cut off or jumps.

const device = '0000:01:00.0';
const actions = ['Inject fault', 'Quiesce', 'Acknowledge', 'Withdraw', 'Reset'] as const;
const tabs = ['Handshake', 'State restore', 'Config space', 'Errors', 'Policy'] as const;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const named = (screen: Screen): Readonly<Record<string, Locator>> => ({
  Phase: screen.phase,
  Timeline: screen.timeline,
  'Awaiting approval': screen.tray,
  ...Object.fromEntries(actions.map((name) => [name, screen.button(name)])),
  ...Object.fromEntries(tabs.map((name) => [name, screen.tab(name)])),
});

const boxOf = async (name: string, locator: Locator): Promise<Box> => {
  const box = await locator.boundingBox();
  if (box === null) throw new Error(`${name} is not drawn.`);
  return box;
};

const boxesOf = async (locators: Readonly<Record<string, Locator>>): Promise<Record<string, Box>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(locators).map(async ([name, locator]) => [name, await boxOf(name, locator)] as const),
    ),
  );

const overlap = (one: Box, other: Box): boolean =>
  one.x + one.width > other.x + 0.5 &&
  other.x + other.width > one.x + 0.5 &&
  one.y + one.height > other.y + 0.5 &&
  other.y + other.height > one.y + 0.5;

consoleSuite('the layout', (launch) => {
  let open: OpenConsole | null = null;
  afterEach(async () => {
    await open?.close();
    open = null;
  });

  const expectOrder = async (screen: Screen, size: { width: number; height: number }): Promise<void> => {
    const scrolls = await screen.page.evaluate(
      `[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]`,
    );
    expect(scrolls).toEqual([0, 0]);
    const boxes = Object.entries(await boxesOf(named(screen)));
    const outside = boxes.filter(
      ([, box]) =>
        box.x < 0 || box.y < 0 || box.x + box.width > size.width || box.y + box.height > size.height,
    );
    expect(outside).toEqual([]);
    const collisions = boxes.flatMap(([name, box], index) =>
      boxes
        .slice(index + 1)
        .filter(([, other]) => overlap(box, other))
        .map(([other]) => `${name} and ${other}`),
    );
    expect(collisions).toEqual([]);
  };

  describe.each([
    { width: 1280, height: 800 },
    { width: 1920, height: 1080 },
  ])('at $width x $height', (size) => {
    it('holds through a recovery, and stays where it is while the clock runs', async () => {
      open = await launch();
      await open.page.setViewportSize(size);
      const screen = screenOf(open.page);
      await beginWait(screen, device);
      await expectOrder(screen, size);
      const steady = { ...named(screen), 'Time left': screen.timeLeft };
      const before = await boxesOf(steady);
      const left = await secondsOf(screen.timeLeft);
      await expect.poll(() => secondsOf(screen.timeLeft)).toBeLessThan(left - 1);
      expect(await boxesOf(steady)).toEqual(before);
      await decide(screen, 'Acknowledge', 'for the layout');
      await expectPhase(screen, 'recovered');
      await expectOrder(screen, size);
      const bar = Object.fromEntries(actions.map((name) => [name, screen.button(name)]));
      const { y } = await boxOf('Quiesce', screen.button('Quiesce'));
      expect(y).toBe(before['Quiesce']?.y);
      expect(Object.keys(await boxesOf(bar))).toHaveLength(actions.length);
    });
  });
});
