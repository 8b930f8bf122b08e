import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { launchBrowser } from './launchBrowser.ts';

/**
 * `npm run screenshots`: every view with real content, in both themes, at both sizes, into test-results/screenshots.
 * They are to be looked at, not compared. The page has to be built before (`npm run build`).
 */
const folder = fileURLToPath(new URL('../../test-results/screenshots', import.meta.url));
const sizes = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
] as const;

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

const untilPhase = (page: Page, phase: string): Promise<void> =>
  page.getByRole('status', { name: 'Phase', exact: true }).getByText(phase, { exact: true }).waitFor();

const selectDevice = (page: Page, address: string): Promise<void> =>
  page.getByRole('tree', { name: 'Devices' }).getByRole('treeitem').filter({ hasText: address }).click();

const injectInto = async (page: Page, address: string): Promise<void> => {
  await selectDevice(page, address);
  await press(page, 'Arm');
  await untilPhase(page, 'armed');
  await press(page, 'Inject fault');
  await page.getByRole('button', { name: 'Confirm inject', exact: true }).click();
  await untilPhase(page, 'awaitingAck');
};

/** What is there once a page has been read. */
const shownBy = {
  Scenarios: 'Fatal error, acknowledged in time',
  Runs: 'simulated:notify-7.2',
  Settings: 'Colours',
};

/** What State restore offers besides: marks for the next recovery, and the policies side by side. */
const takeComparisons = async (page: Page, take: (name: string) => Promise<void>): Promise<void> => {
  await press(page, 'Marking run…');
  await page.getByRole('region', { name: 'Registers to mark' }).waitFor();
  await take('card-marking');
  await press(page, 'Back');
  await press(page, 'What if…');
  await page.getByRole('region', { name: 'Policies compared' }).waitFor();
  await page.getByLabel('Also registers that do not differ').check();
  await take('what-if');
  await press(page, 'What if…');
};

/** Plays the story once and takes each view where it has the most to show. */
const takeAll = async (page: Page, take: (name: string) => Promise<void>): Promise<void> => {
  await page.getByRole('treeitem').first().waitFor();
  await selectDevice(page, '01:00.0');
  await take('handshake-idle');
  await injectInto(page, '05:00.0');
  await injectInto(page, '01:00.0');
  await take('handshake-waiting');
  await press(page, 'Acknowledge');
  await page.getByRole('textbox', { name: 'Operator', exact: true }).fill('Ada');
  await page.getByRole('textbox', { name: 'Reason', exact: true }).fill('lab demo');
  await take('card-acknowledge');
  await press(page, 'Confirm acknowledge');
  await untilPhase(page, 'recovered');
  await take('handshake-recovered');
  for (const tab of ['State restore', 'Config space', 'Errors', 'Policy']) {
    await page.getByRole('tab', { name: tab, exact: true }).click();
    await page.getByRole('tabpanel').waitFor();
    await page.waitForLoadState('networkidle');
    await take(tab.toLowerCase().replace(' ', '-'));
    if (tab === 'State restore') await takeComparisons(page, take);
  }
  for (const place of ['Scenarios', 'Runs', 'Settings'] as const) {
    await page.getByRole('link', { name: place, exact: true }).click();
    await page.getByRole('main').getByText(shownBy[place]).first().waitFor();
    await take(place.toLowerCase());
  }
  await takeRigs(page, take);
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').waitFor();
  await take('palette');
};

/** The card that adds a rig, by kind, and one that could not be opened. */
const takeRigs = async (page: Page, take: (name: string) => Promise<void>): Promise<void> => {
  await press(page, 'Add rig');
  const card = page.getByRole('dialog', { name: 'Add a rig' });
  await card.getByText('a real kernel in a QEMU guest').waitFor();
  await take('card-rig-simulated');
  await card.getByRole('radio', { name: 'Virtual x86' }).check();
  await take('card-rig-virtual');
  await card.getByRole('radio', { name: 'Virtual s390x' }).check();
  await take('card-rig-virtual-s390x');
  await card.getByRole('radio', { name: 'Over ssh' }).check();
  await card.getByRole('textbox', { name: 'Machine' }).fill('ada@lab:2222');
  await take('card-rig-ssh');
  await card.getByRole('radio', { name: 'Remote' }).check();
  await card.getByRole('textbox', { name: 'Command' }).fill('echo The lab is closed. >&2; exit 3');
  await card.getByText('What comes of it').waitFor();
  await take('card-rig-remote');
  await press(page, 'Run and add rig');
  await page.getByRole('dialog', { name: /not opened/ }).waitFor();
  await take('rig-not-opened');
  await press(page, 'Dismiss');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};

mkdirSync(folder, { recursive: true });
for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of sizes) {
    const runs = mkdtempSync(join(tmpdir(), 'recovery-bench-screenshots-'));
    const launched = await launchBrowser({ runs, colorScheme, viewport });
    const { page } = launched;
    await takeAll(page, async (name) => {
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${viewport.width}.png`) });
    });
    await launched.close();
    rmSync(runs, { recursive: true, force: true });
  }
}
