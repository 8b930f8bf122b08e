import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { consoleSuite, type OpenConsole } from './consoles.ts';
import { beginWait, decide, expectPhase, screenOf, select, type Screen } from './screen.ts';

// The names that others rely on: each is there, once.

const device = '0000:01:00.0';
const actions = ['Inject fault', 'Quiesce', 'Acknowledge', 'Withdraw', 'Reset'] as const;
const tabs = ['Handshake', 'State restore', 'Config space', 'Errors', 'Policy'] as const;

consoleSuite('each accessible name', (launch) => {
  let open: OpenConsole;
  let screen: Screen;
  beforeAll(async () => {
    open = await launch();
    screen = screenOf(open.page);
  });
  afterAll(() => open.close());

  const expectOnce = async (locators: Readonly<Record<string, Locator>>): Promise<void> => {
    const counts = await Promise.all(
      Object.entries(locators).map(async ([name, locator]) => [name, await locator.count()]),
    );
    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries(Object.keys(locators).map((name) => [name, 1])),
    );
  };
  const expectCard = async (action: string, confirm: string, decides: boolean): Promise<void> => {
    await screen.button(action).click();
    await screen.button(confirm).waitFor();
    await expectOnce({
      [confirm]: screen.button(confirm),
      ...(decides ? { Reason: screen.reason, Operator: screen.operator } : {}),
    });
    await open.page.keyboard.press('Escape');
    await expect.poll(() => screen.button(confirm).count()).toBe(0);
  };

  it('is on the screen of a device that is not armed', async () => {
    await select(screen, device);
    await expectOnce({
      Devices: screen.devices,
      Timeline: screen.timeline,
      'Awaiting approval': screen.tray,
      Arm: screen.button('Arm'),
      ...Object.fromEntries(actions.map((name) => [name, screen.button(name)])),
      ...Object.fromEntries(tabs.map((name) => [name, screen.tab(name)])),
    });
  });

  it('is on the screen and in the cards while the kernel waits', async () => {
    await beginWait(screen, device);
    await expectOnce({ Phase: screen.phase, 'Time left': screen.timeLeft, Disarm: screen.button('Disarm') });
    await expectCard('Inject fault', 'Confirm inject', false);
    await expectCard('Acknowledge', 'Confirm acknowledge', true);
    await expectCard('Withdraw', 'Confirm withdraw', true);
  });

  it('says why, where a control is disabled', async () => {
    const reset = screen.button('Reset');
    expect(await reset.getAttribute('aria-disabled')).toBe('true');
    const title = await reset.getAttribute('title');
    expect(title).toMatch(/\w+ \w+ \w+/);
    const described = await reset.getAttribute('aria-describedby');
    expect(await open.page.locator(`[id="${described}"]`).textContent()).toBe(title);
  });

  it('is in the card for a reset once the device is back', async () => {
    await decide(screen, 'Acknowledge', 'for the names');
    await expectPhase(screen, 'recovered');
    await expectCard('Reset', 'Confirm reset', true);
  });
});
