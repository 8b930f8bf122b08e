import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { consoleSuite, type OpenConsole } from './consoles.ts';
import { arm, decide, expectPhase, injectFault, screenOf, select, type Screen } from './screen.ts';

// axe-core in every view, in both themes. Its program is evaluated by the debugger, which the page's policy lets pass.

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const device = '0000:01:00.0';

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const check = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, help, nodes }) => ({
    id, help, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  })))`;

const findings = async (page: Page): Promise<readonly string[]> => {
  if (!((await page.evaluate(`typeof axe === 'object'`)) as boolean)) await page.evaluate(axe);
  const violations = (await page.evaluate(check)) as readonly Violation[];
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
};

consoleSuite('axe-core', (launch) => {
  let open: OpenConsole;
  let screen: Screen;
  beforeAll(async () => {
    open = await launch();
    screen = screenOf(open.page);
  });
  afterAll(() => open.close());

  /** In both themes; what was found, by theme. */
  const expectNothing = async (): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await open.page.emulateMedia({ colorScheme });
      expect(await open.page.evaluate(`matchMedia('(prefers-color-scheme: ${colorScheme})').matches`)).toBe(
        true,
      );
      expect({ colorScheme, found: await findings(open.page) }).toEqual({ colorScheme, found: [] });
    }
  };
  const page = (name: string): Promise<void> =>
    open.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
  const inCard = async (name: string): Promise<void> => {
    await screen.button(name).click();
    await open.page.getByRole('dialog').waitFor();
    await expectNothing();
    await open.page.keyboard.press('Escape');
    await expect.poll(() => open.page.getByRole('dialog').count()).toBe(0);
  };

  it('finds what is wrong, were there something', async () => {
    await screen.devices.waitFor();
    await open.page.evaluate(`{
      const planted = document.createElement('div');
      planted.id = 'planted';
      planted.append(document.createElement('button'), 'pale');
      Object.assign(planted.style, { color: '#999', background: '#777', position: 'fixed', top: '50%', left: '50%', zIndex: 9 });
      document.querySelector('main').append(planted);
    }`);
    const found = (await findings(open.page)).join();
    await open.page.evaluate(`document.getElementById('planted').remove()`);
    expect(found).toContain('button-name');
    expect(found).toContain('color-contrast');
  });

  it('finds nothing before anything is armed', async () => {
    await select(screen, device);
    await expectNothing();
  });

  it('finds nothing in the card for a fault and in an armed device', async () => {
    await arm(screen);
    await expectNothing();
    await inCard('Inject fault');
  });

  it('finds nothing while the kernel waits, nor in the cards for it', async () => {
    await injectFault(screen);
    await expectPhase(screen, 'awaitingAck');
    await expectNothing();
    await inCard('Acknowledge');
    await inCard('Withdraw');
  });

  it('finds nothing once the device is back, nor in the card for a reset', async () => {
    await decide(screen, 'Acknowledge', 'for axe');
    await expectPhase(screen, 'recovered');
    await expectNothing();
    await inCard('Reset');
  });

  it.each(['State restore', 'Config space', 'Errors', 'Policy'])('finds nothing in %s', async (name) => {
    await screen.tab(name).click();
    await open.page.getByRole('tabpanel', { name, exact: true }).waitFor();
    await expect.poll(() => open.page.getByRole('tabpanel').textContent()).not.toMatch(/^\s*$/);
    await expectNothing();
  });

  it('finds nothing in the card for a marking run, nor in the policies side by side', async () => {
    await screen.tab('State restore').click();
    await screen.button('Marking run…').click();
    await open.page.getByRole('region', { name: 'Registers to mark' }).waitFor();
    await expectNothing();
    await open.page.keyboard.press('Escape');
    await expect.poll(() => open.page.getByRole('dialog').count()).toBe(0);
    await screen.button('What if…').click();
    await open.page.getByRole('region', { name: 'Policies compared' }).waitFor();
    await expectNothing();
    await screen.button('What if…').click();
  });

  it('finds nothing in the palette, the keyboard map and the card for a rig', async () => {
    for (const key of ['Control+k', 'Shift+?']) {
      await open.page.keyboard.press(key);
      await open.page.getByRole('dialog').waitFor();
      await expectNothing();
      await open.page.keyboard.press('Escape');
      await expect.poll(() => open.page.getByRole('dialog').count()).toBe(0);
    }
    await inCard('Add rig');
  });

  it('finds nothing in any kind of rig, nor in one that could not be opened', async () => {
    await screen.button('Add rig').click();
    const card = open.page.getByRole('dialog', { name: 'Add a rig' });
    for (const machine of ['x86', 's390x']) {
      await card.getByRole('radio', { name: `Virtual ${machine}` }).click();
      await expectNothing();
    }
    await card.getByRole('radio', { name: 'Over ssh' }).check();
    await expectNothing();
    await card.getByRole('radio', { name: 'Remote' }).check();
    await card.getByRole('textbox', { name: 'Command' }).fill('exit 3');
    await card.getByText('What comes of it').waitFor();
    await expectNothing();
    await card.getByRole('button', { name: 'Run and add rig' }).click();
    const opening = open.page.getByRole('dialog', { name: /not opened/ });
    await opening.waitFor();
    await expectNothing();
    await open.page.keyboard.press('Escape');
    await expect.poll(() => opening.count()).toBe(0);
    const entry = open.page.getByRole('group', { name: 'Rigs' }).getByRole('button', { name: /not opened/ });
    await expectNothing();
    await entry.click();
    await screen.button('Dismiss').click();
    await expect.poll(() => entry.count()).toBe(0);
  });

  it('finds nothing in a machine with zPCI: its list, its error records, its platform actions', async () => {
    await screen.button('Add rig').click();
    const card = open.page.getByRole('dialog', { name: 'Add a rig' });
    await card.getByRole('combobox', { name: 'Kernel' }).selectOption('zpci-7.3');
    await card.getByRole('button', { name: 'Add rig' }).click();
    await select(screen, '1234:00:00.0');
    await arm(screen);
    await screen.button('Inject fault').click();
    await open.page.getByRole('radio', { name: /^DMA, unmapped/ }).check();
    await expectNothing();
    await screen.button('Confirm inject').click();
    await screen.tab('Errors').click();
    await open.page.getByRole('region', { name: 'Drained records' }).getByText('PEC 0x4').waitFor();
    await expectNothing();
    await select(screen, '1235:00:00.0');
    await screen.button('More for 1235:00:00.0').click();
    await open.page.getByRole('menuitem', { name: 'Platform actions…' }).click();
    await open.page.getByRole('radio', { name: /^Recover/ }).waitFor();
    await expectNothing();
    await open.page.keyboard.press('Escape');
    await expect.poll(() => open.page.getByRole('dialog').count()).toBe(0);
  });

  it('finds nothing in the scenarios, listed and played', async () => {
    await page('Scenarios');
    const list = open.page.getByRole('navigation', { name: 'All scenarios' });
    await list.waitFor();
    await expectNothing();
    await list.getByRole('link').first().click();
    await screen.button('Start').click();
    await screen.phase.waitFor();
    await screen.button('Next step').click();
    await expectNothing();
  });

  it('finds nothing in the runs, listed and opened', async () => {
    await page('Runs');
    await open.page.getByRole('main').getByRole('link').first().waitFor();
    await expectNothing();
    await open.page.getByRole('main').getByRole('link').first().click();
    await expect.poll(() => open.page.url()).toMatch(/#\/runs\/.+/);
    await open.page.getByRole('slider').first().waitFor();
    await expectNothing();
  });

  it('finds nothing in the settings', async () => {
    await page('Settings');
    await screen.operator.waitFor();
    await expectNothing();
  });
});
