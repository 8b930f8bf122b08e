import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { consoleSuite, type OpenConsole } from './consoles.ts';
import { expectPhase, screenOf, type Screen } from './screen.ts';

// The whole story without a pointer.

consoleSuite('the keyboard alone', (launch) => {
  let open: OpenConsole;
  let screen: Screen;
  beforeAll(async () => {
    open = await launch();
    screen = screenOf(open.page);
    await screen.devices.waitFor();
  });
  afterAll(() => open.close());

  const press = (key: string): Promise<void> => open.page.keyboard.press(key);
  const hasFocus = (control: Locator): Promise<boolean> =>
    control.evaluate((element) => element === element.ownerDocument.activeElement);
  /** Presses a key until the focus is there; it fails where it never gets there. */
  const pressUntil = async (key: string, arrived: () => Promise<boolean>): Promise<void> => {
    for (let time = 0; time < 80; time += 1) {
      if (await arrived()) return;
      await press(key);
    }
    throw new Error(`${key} does not lead there.`);
  };
  const focusedRole = (): Promise<string> =>
    open.page.evaluate(`document.activeElement?.getAttribute('role') ?? ''`) as Promise<string>;

  it('finds the device in the tree by typing its address', async () => {
    await pressUntil('Tab', async () => (await focusedRole()) === 'treeitem');
    await open.page.keyboard.type('05:00');
    await press('Enter');
    await expect.poll(() => screen.device('0000:05:00.0').getAttribute('aria-selected')).toBe('true');
    await open.page.keyboard.press('Home');
    await pressUntil('ArrowDown', () => hasFocus(screen.device('0000:01:00.0')));
    await press('Enter');
    await expect.poll(() => screen.device('0000:01:00.0').getAttribute('aria-selected')).toBe('true');
  });

  it('arms it and injects a fatal fault', async () => {
    await pressUntil('Tab', () => hasFocus(screen.button('Arm')));
    await press('Enter');
    await expectPhase(screen, 'armed');
    await press('i');
    const fault = open.page.getByRole('radio', { name: /^MALF_TLP\b/ });
    await fault.waitFor();
    // The first fault has the focus once the injectors are known.
    await expect
      .poll(() => open.page.evaluate(`document.activeElement?.getAttribute('type') ?? ''`))
      .toBe('radio');
    await pressUntil('ArrowDown', () => hasFocus(fault));
    await expect.poll(() => screen.button('Confirm inject').getAttribute('aria-disabled')).toBe('false');
    await press('Enter');
    await expectPhase(screen, 'awaitingAck');
  });

  it('goes back from a card with Esc, and the focus is where it was', async () => {
    await press('a');
    await expect.poll(() => hasFocus(screen.reason)).toBe(true);
    await press('Escape');
    await expect.poll(() => open.page.getByRole('dialog').count()).toBe(0);
    await expect.poll(() => hasFocus(screen.button('Acknowledge'))).toBe(true);
  });

  it('quiesces, acks with a reason by Enter, and the device is back', async () => {
    await press('q');
    await expect.poll(() => screen.timeline.textContent()).toMatch(/quiesce/i);
    await press('v');
    await expect.poll(() => hasFocus(screen.reason)).toBe(true);
    await open.page.keyboard.type('by keyboard');
    await press('Tab');
    expect(await hasFocus(screen.operator)).toBe(true);
    await open.page.keyboard.type('R. Weber');
    await expect.poll(() => screen.button('Confirm acknowledge').getAttribute('aria-disabled')).toBe('false');
    await press('Enter');
    await expectPhase(screen, 'recovered');
  });

  it('goes from tab to tab with the arrows', async () => {
    await pressUntil('Tab', () => hasFocus(screen.tab('Handshake')));
    await press('ArrowRight');
    await press('Enter');
    await expect.poll(() => screen.tab('State restore').getAttribute('aria-selected')).toBe('true');
  });

  it('opens the palette with Ctrl+K, and the map of keys with ?', async () => {
    for (const key of ['Control+k', 'Shift+?']) {
      await press(key);
      await open.page.getByRole('dialog').waitFor();
      await press('Escape');
      await expect.poll(() => open.page.getByRole('dialog').count()).toBe(0);
    }
  });
});
