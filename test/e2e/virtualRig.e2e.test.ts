import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { missingGuestTools, stageGuest } from './guestStage.ts';
import { launchElectron, type LaunchedConsole } from './launchElectron.ts';
import {
  arm,
  decide,
  injectFault,
  journals,
  journalWith,
  screenOf,
  secondsOf,
  select,
  type Screen,
} from './screen.ts';

// A person's ack in the window resets a slot in a real kernel.

const device = '0000:01:00.0';
const why = 'the guest of slot 4';
/** In milliseconds. A guest boots in some seconds, and in a minute or two on a machine that is loaded tenfold. */
const buildTime = 900_000;
const bootTime = 180_000;
const kernelTime = { timeout: 60_000 };
const ackTimeout = 45;

const missing = missingGuestTools();
const skipped = missing.length > 0 && process.env['CI'] !== 'true';
if (skipped) process.stderr.write(`The virtual rig is not tested; missing: ${missing.join(', ')}.\n`);

/** The processes of this user's QEMU that this app has started. */
const guestsOf = (app: number): readonly number[] => {
  const parents = new Map<number, { readonly parent: number; readonly name: string }>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
      parents.set(Number(entry), { name, parent: Number(rest.split(' ')[1]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const isBelow = (process: number): boolean => {
    const parent = parents.get(process)?.parent;
    return parent !== undefined && (parent === app || isBelow(parent));
  };
  return [...parents].flatMap(([id, { name }]) =>
    name.startsWith('qemu-system') && isBelow(id) ? [id] : [],
  );
};

describe.skipIf(skipped)('the story on a real kernel', () => {
  let open: LaunchedConsole;
  let screen: Screen;
  const phase = (): Promise<string | undefined> => screen.phase.textContent().then((text) => text?.trim());
  const untilPhase = (wanted: string): Promise<void> => expect.poll(phase, kernelTime).toBe(wanted);
  const listed = (): Promise<void> =>
    expect.poll(() => screen.device(device).count(), { timeout: bootTime }).toBe(1);
  const guests = (): readonly number[] => guestsOf(open.app.process().pid ?? 0);

  beforeAll(async () => {
    const stage = inject('stage');
    open = await launchElectron(stage, { environment: await stageGuest(stage) });
    screen = screenOf(open.page);
    await screen.devices.waitFor();
  }, buildTime);
  afterAll(() => open.close());

  const addGuest = async (): Promise<Locator> => {
    await screen.button('Add rig').click();
    const card = screen.page.getByRole('dialog', { name: 'Add a rig' });
    await card.getByRole('radio', { name: 'Virtual x86' }).check();
    await card.getByRole('spinbutton', { name: 'Kernel waits' }).fill(String(ackTimeout));
    await card.getByRole('button', { name: 'Add rig' }).click();
    return screen.page.getByRole('dialog', { name: /^Opening Virtual x86/ });
  };

  it('gives a boot up, and nothing of the guest is left', async () => {
    const opening = await addGuest();
    await expect.poll(() => guests().length).toBe(1);
    await opening.getByRole('button', { name: 'Cancel opening' }).click();
    await expect.poll(() => opening.count(), kernelTime).toBe(0);
    expect(guests()).toEqual([]);
    expect(await screen.page.getByRole('group', { name: 'Rigs' }).textContent()).not.toContain('Virtual');
  });

  it(
    'boots a guest by the + button, and tells how far it is',
    async () => {
      const opening = await addGuest();
      await expect
        .poll(() => opening.getByRole('log', { name: 'Progress' }).textContent())
        .toMatch(/booting Linux 6\.1/);
      await expect.poll(() => opening.count(), { timeout: bootTime }).toBe(0);
      await listed();
      const chosen = screen.page.getByRole('group', { name: 'Rigs' }).locator('[aria-pressed=true]');
      expect(await chosen.textContent()).toMatch(/Virtual x86, Linux 6\.1.*connected/);
      expect(guests()).toHaveLength(1);
    },
    bootTime,
  );

  it('injects a fatal error, and the real kernel waits while the clock runs', async () => {
    await select(screen, device);
    await arm(screen);
    await injectFault(screen);
    await untilPhase('awaitingAck');
    const first = await secondsOf(screen.timeLeft.first());
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(ackTimeout);
    await expect.poll(() => secondsOf(screen.timeLeft.first())).toBeLessThan(first);
    await expect.poll(() => screen.tray.textContent()).toContain('01:00.0');
  });

  it('acks with a reason, the kernel resets the slot, and the device works again', async () => {
    await decide(screen, 'Acknowledge', why);
    await untilPhase('recovered');
    await expect
      .poll(() => screen.page.getByRole('tabpanel').textContent(), kernelTime)
      .toContain('proven to work');
    const lines = journalWith(
      open.home.runs,
      ({ type, action }) => type === 'approval' && action === 'acknowledge',
    );
    expect(lines[0]).toMatchObject({ type: 'run', rig: { kind: 'virtual' } });
    expect(lines.find(({ type }) => type === 'approval')).toMatchObject({
      device,
      approval: { operator: 'R. Weber', reason: why },
    });
    const phases = lines.flatMap(({ type, phase: reached }) => (type === 'step' ? [reached] : []));
    expect(phases).toEqual(expect.arrayContaining(['awaitingAck', 'resetting', 'slotReset', 'recovered']));
    // The guest's own kernel log.
    expect(lines.map(({ text }) => text).join('\n')).toMatch(/device recovery successful/);
  }, 120_000);

  it(
    'says that the guest is gone when QEMU is killed in a wait, keeps the journal whole, and starts it afresh',
    async () => {
      await injectFault(screen);
      await untilPhase('awaitingAck');
      const [guest] = guests();
      expect(guest).toBeDefined();
      process.kill(guest as number, 'SIGKILL');
      await untilPhase('unknown');
      const strip = screen.page.getByRole('alert').filter({ hasText: 'The guest is gone' });
      await expect.poll(() => strip.textContent()).toMatch(/SIGKILL; restart the rig or remove it/);
      await expect.poll(() => screen.tray.textContent()).toContain('Nothing waits');
      await screen.button('Restart rig…').click();
      await screen.button('Restart rig').click();
      await expect.poll(() => strip.count(), { timeout: bootTime }).toBe(0);
      await listed();
      await expect.poll(phase, kernelTime).toBe('not armed');
      const lines = journalWith(open.home.runs, ({ outcome }) => outcome === 'lost');
      expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'lost' });
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
      await arm(screen);
    },
    bootTime + 60_000,
  );

  it('ends the guest when the console is quit, and the run with it', async () => {
    const [guest] = guests();
    expect(guest).toBeDefined();
    const app = open.app.process();
    const ended = new Promise((resolve) => app.once('exit', resolve));
    await open.app.evaluate(({ app: electron }) => electron.quit());
    await ended;
    expect(existsSync(`/proc/${guest}`)).toBe(false);
    const isOfGuest = ({ type, rig }: Record<string, unknown>): boolean =>
      type === 'run' && (rig as { kind: string }).kind === 'virtual';
    for (const lines of journals(open.home.runs)) {
      if (lines.some(isOfGuest)) expect(lines.at(-1)).toMatchObject({ type: 'end' });
    }
  });
});
