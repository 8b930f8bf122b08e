import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** The console as somebody finds it who knows nothing but roles and accessible names. */
export interface Screen {
  readonly page: Page;
  readonly devices: Locator;
  readonly timeline: Locator;
  readonly tray: Locator;
  readonly timeLeft: Locator;
  readonly phase: Locator;
  readonly reason: Locator;
  readonly operator: Locator;
  button(name: string): Locator;
  tab(name: string): Locator;
  device(address: string): Locator;
}

export const screenOf = (page: Page): Screen => ({
  page,
  devices: page.getByRole('tree', { name: 'Devices', exact: true }),
  timeline: page.getByRole('log', { name: 'Timeline', exact: true }),
  tray: page.getByRole('region', { name: 'Awaiting approval', exact: true }),
  timeLeft: page.getByRole('timer', { name: 'Time left', exact: true }),
  phase: page.getByRole('status', { name: 'Phase', exact: true }),
  reason: page.getByRole('textbox', { name: 'Reason', exact: true }),
  operator: page.getByRole('textbox', { name: 'Operator', exact: true }),
  button: (name) => page.getByRole('button', { name, exact: true }),
  tab: (name) => page.getByRole('tab', { name, exact: true }),
  device: (address) =>
    page
      .getByRole('tree', { name: 'Devices', exact: true })
      .getByRole('treeitem')
      .filter({ hasText: address.replace(/^0000:/, '') }),
});

/** The text of the phase, which is nothing but its name. */
export const expectPhase = (screen: Screen, phase: string): Promise<void> =>
  expect.poll(() => screen.phase.textContent().then((text) => text?.trim())).toBe(phase);

export const select = async (screen: Screen, address: string): Promise<void> => {
  await screen.device(address).click();
  await expect.poll(() => screen.device(address).getAttribute('aria-selected')).toBe('true');
};

/** Another simulated rig, whose kernel waits this many seconds for an ack. */
export const addRig = async (
  screen: Screen,
  { ackTimeout }: { readonly ackTimeout: number },
): Promise<void> => {
  const before = await screen.page.getByRole('group', { name: 'Rigs' }).getByRole('button').count();
  await screen.button('Add rig').click();
  const card = screen.page.getByRole('dialog', { name: 'Add a rig' });
  await card.getByRole('combobox', { name: 'Kernel' }).selectOption('notify-7.2');
  await card.getByRole('spinbutton', { name: 'Kernel waits' }).fill(String(ackTimeout));
  await card.getByRole('button', { name: 'Add rig' }).click();
  await expect.poll(() => card.count()).toBe(0);
  // The new rig is the one that is shown.
  const rigs = screen.page.getByRole('group', { name: 'Rigs' });
  await expect.poll(() => rigs.getByRole('button').count()).toBeGreaterThan(before);
  await expect.poll(() => rigs.locator('[aria-pressed]').last().getAttribute('aria-pressed')).toBe('true');
  await screen.devices.waitFor();
};

export const arm = async (screen: Screen): Promise<void> => {
  await screen.button('Arm').click();
  await expectPhase(screen, 'armed');
};

export interface WantedFault {
  readonly error: string;
  readonly severity: 'fatal' | 'nonFatal';
}
export const fatal: WantedFault = { error: 'MALF_TLP', severity: 'fatal' };

export const injectFault = async (screen: Screen, fault: WantedFault = fatal): Promise<void> => {
  await screen.button('Inject fault').click();
  await screen.page.getByRole('radio', { name: new RegExp(`^${fault.error}\\b`) }).check();
  await screen.page.getByRole('combobox', { name: 'Severity' }).selectOption(fault.severity);
  await screen.button('Confirm inject').click();
};

/** Arms the device and causes a fatal error in it; the kernel then waits. */
export const beginWait = async (screen: Screen, address: string, fault = fatal): Promise<void> => {
  await select(screen, address);
  await arm(screen);
  await injectFault(screen, fault);
  await expectPhase(screen, 'awaitingAck');
};

export const decide = async (
  screen: Screen,
  action: 'Acknowledge' | 'Withdraw',
  reason: string,
  operator = 'R. Weber',
): Promise<void> => {
  await screen.button(action).click();
  await screen.reason.fill(reason);
  await screen.operator.fill(operator);
  await screen.button(`Confirm ${action.toLowerCase()}`).click();
};

export const secondsOf = async (timer: Locator): Promise<number> =>
  Number.parseFloat((await timer.textContent()) ?? '');

type Line = Record<string, unknown>;

/** The lines of each journal of a console. */
export const journals = (runs: string): readonly (readonly Line[])[] =>
  readdirSync(runs)
    .filter((name) => name.endsWith('.jsonl'))
    .map((file) =>
      readFileSync(join(runs, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line),
    );

/** The lines of the only journal that holds what `wanted` finds. */
export const journalWith = (runs: string, wanted: (line: Line) => boolean): readonly Line[] =>
  journals(runs).find((lines) => lines.some(wanted)) ?? [];
