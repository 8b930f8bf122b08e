import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { missingGuestTools, stageGuest } from './guestStage.ts';
import { launchElectron, type LaunchedConsole } from './launchElectron.ts';
import { journalWith, screenOf, select, type Screen } from './screen.ts';

// Firmware reports a real error of an s390x guest, its kernel leaves the recovery to user space, and a person resets.

const device = '1234:00:00.0';
const beside = '1235:00:00.0';
const why = 'the record says that the address was not mapped';
/** In milliseconds. The guest is emulated: some seconds, and a minute or two on a machine that is loaded tenfold. */
const buildTime = 900_000;
const bootTime = 240_000;
const kernelTime = { timeout: 90_000 };

const missing = missingGuestTools('s390x');
const skipped = missing.length > 0 && process.env['CI'] !== 'true';
if (skipped)
  process.stderr.write(`The s390x rig is not tested in Electron; missing: ${missing.join(', ')}.\n`);

describe.skipIf(skipped)('mediated recovery on a real kernel', () => {
  let open: LaunchedConsole;
  let screen: Screen;
  const phase = (): Promise<string | undefined> => screen.phase.textContent().then((text) => text?.trim());
  const untilPhase = (wanted: string): Promise<void> => expect.poll(phase, kernelTime).toBe(wanted);
  const textOf = (role: 'region' | 'tabpanel', name?: string): Promise<string> =>
    screen.page
      .getByRole(role, name === undefined ? {} : { name, exact: true })
      .textContent()
      .then((text) => (text ?? '').replaceAll(/\s+/g, ' '));

  beforeAll(async () => {
    const stage = inject('stage');
    open = await launchElectron(stage, { environment: await stageGuest(stage, 's390x') });
    screen = screenOf(open.page);
    await screen.devices.waitFor();
  }, buildTime);
  afterAll(() => open.close());

  it(
    'boots the guest by the + button, and lists its functions by UID and FID',
    async () => {
      await screen.button('Add rig').click();
      const card = screen.page.getByRole('dialog', { name: 'Add a rig' });
      await card.getByRole('radio', { name: 'Virtual s390x' }).check();
      await card.getByRole('button', { name: 'Add rig' }).click();
      await expect.poll(() => screen.device(device).count(), { timeout: bootTime }).toBe(1);
      const row = await screen.device(device).textContent();
      expect(row?.replaceAll(/\s+/g, ' ')).toMatch(/1234:00:00\.0 ?FID 56 ?Virtio RNG/);
      const rows = screen.devices.getByRole('treeitem');
      expect(await rows.count()).toBe(2);
      expect(await screen.devices.textContent()).not.toContain('AER');
      await select(screen, device);
      expect(await screen.page.getByRole('main').textContent()).toMatch(
        /UID 0x1234, FID 0x56.*UID checking on/s,
      );
    },
    bootTime + 60_000,
  );

  it('has its device do a DMA that nobody mapped; the kernel leaves the recovery to a person', async () => {
    await screen.button('Arm').click();
    await untilPhase('armed');
    await screen.button('Inject fault').click();
    const card = screen.page.getByRole('dialog');
    // What cannot be reported is refused before it is confirmed, and there is no AER here.
    await card.getByRole('radio', { name: /^DMA, above/ }).check(kernelTime);
    await expect
      .poll(() => screen.button('Confirm inject').getAttribute('title'), kernelTime)
      .toMatch(/dropped silently/);
    expect(await card.getByRole('radio', { name: /MALF_TLP/ }).count()).toBe(0);
    await card.getByRole('radio', { name: /^DMA, unmapped/ }).check();
    await expect
      .poll(() => screen.button('Confirm inject').getAttribute('aria-disabled'), kernelTime)
      .toBe('false');
    await screen.button('Confirm inject').click();
    await untilPhase('quiescing');
    await expect.poll(() => screen.tray.textContent(), kernelTime).toContain('1234:00:00.0');
    expect(await screen.timeline.textContent()).not.toContain('recovered');
  }, 180_000);

  it('shows the record decoded, its address against the aperture, and the raw bytes', async () => {
    await screen.tab('Errors').click();
    await expect.poll(() => textOf('region', 'Drained records'), kernelTime).toMatch(/PEC 0x4 TPROTE/);
    const record = await textOf('region', 'Drained records');
    expect(record).toMatch(/Failing address ?0x[0-9a-f]+ inside the DMA aperture, and not mapped/);
    expect(record).toMatch(/DMA aperture ?0x[0-9a-f]+ to 0x[0-9a-f]+/);
    expect(record).toMatch(/FID 0x56, handle 0x8[0-9a-f]{7} the handle that the function had/);
    expect(record).toMatch(/00000000 8[0-9a-f]{7} 00000056( [0-9a-f]{8}){4} 00000004/);
    await expect
      .poll(() => screen.page.getByRole('region', { name: 'Error records', exact: true }).textContent())
      .toMatch(/UID checking is on/);
    expect(await screen.page.getByRole('region', { name: 'AER registers' }).count()).toBe(0);
  }, 120_000);

  it('resets the function on a person’s word, and proves that it works', async () => {
    await screen.tab('Handshake').click();
    await screen.button('Reset').click();
    await screen.reason.fill(why);
    await screen.operator.fill('R. Weber');
    await expect
      .poll(() => screen.button('Confirm reset').getAttribute('aria-disabled'), kernelTime)
      .toBe('false');
    await screen.button('Confirm reset').click();
    await untilPhase('recovered');
    await expect.poll(() => textOf('tabpanel'), kernelTime).toContain('proven to work');
    const lines = journalWith(
      open.home.runs,
      ({ type, action }) => type === 'approval' && action === 'reset',
    );
    expect(lines[0]).toMatchObject({ type: 'run', rig: { kind: 'virtual', architecture: 's390x' } });
    expect(lines.find(({ type }) => type === 'approval')).toMatchObject({
      device,
      approval: { operator: 'R. Weber', reason: why },
    });
    // The guest's own kernel log.
    expect(lines.map(({ text }) => text).join('\n')).toMatch(
      /Leaving recovery of pass-through device to user-space/,
    );
  }, 180_000);

  it('powers the slot of the function beside it off and on, each on a word of its own', async () => {
    const platform = async (action: string): Promise<void> => {
      const card = screen.page.getByRole('dialog', { name: 'Platform actions' });
      await card.getByRole('radio', { name: new RegExp(`^${action}`) }).waitFor(kernelTime);
      await card.getByRole('radio', { name: new RegExp(`^${action}`) }).check();
      await screen.reason.fill('the slot is looked at');
      await screen.operator.fill('R. Weber');
      const confirm = screen.button('Confirm platform action');
      await expect.poll(() => confirm.getAttribute('aria-disabled'), kernelTime).toBe('false');
      await confirm.click();
      await expect.poll(() => card.count(), kernelTime).toBe(0);
    };
    await select(screen, beside);
    await screen.button(`More for ${beside}`).click();
    await screen.page.getByRole('menuitem', { name: 'Platform actions…' }).click();
    await platform('Slot power off');
    await expect.poll(() => screen.device(beside).count(), kernelTime).toBe(0);
    await screen.button('Platform actions…').click();
    await platform('Slot power on');
    await expect.poll(() => screen.device(beside).count(), kernelTime).toBe(1);
    await expect.poll(() => screen.device(beside).textContent(), kernelTime).toContain('virtio-pci');
  }, 180_000);
});
