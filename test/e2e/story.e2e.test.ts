import { afterAll, beforeAll, expect, it } from 'vitest';
import { consoleSuite, type OpenConsole } from './consoles.ts';
import {
  arm,
  decide,
  expectPhase,
  injectFault,
  journalWith,
  screenOf,
  secondsOf,
  select,
  type Screen,
} from './screen.ts';

// What the console is for, from the first look to the journal.

const device = '0000:01:00.0';
const why = 'lab test of slot 4';

consoleSuite('the story', (launch) => {
  let open: OpenConsole;
  let screen: Screen;

  beforeAll(async () => {
    open = await launch();
    screen = screenOf(open.page);
  });
  afterAll(() => open.close());

  it('shows the devices, and arms the one that was chosen', async () => {
    await screen.devices.waitFor();
    await select(screen, device);
    await arm(screen);
    expect(await screen.button('Disarm').isVisible()).toBe(true);
  });

  it('injects a fault, and the kernel waits while the clock runs', async () => {
    await injectFault(screen);
    await expectPhase(screen, 'awaitingAck');
    const first = await secondsOf(screen.timeLeft.first());
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(60);
    await expect.poll(() => secondsOf(screen.timeLeft.first())).toBeLessThan(first);
    await expect.poll(() => screen.tray.textContent()).toContain('01:00.0');
  });

  it('quiesces, and says what it found', async () => {
    await screen.button('Quiesce').click();
    await expect.poll(() => screen.timeline.textContent()).toMatch(/quiesce/i);
    await expectPhase(screen, 'awaitingAck');
  });

  it('takes no ack without a reason, then acks, and the device comes back', async () => {
    await screen.button('Acknowledge').click();
    const confirm = screen.button('Confirm acknowledge');
    await screen.operator.fill('R. Weber');
    expect(await confirm.getAttribute('aria-disabled')).toBe('true');
    await screen.button('Back').click();
    await decide(screen, 'Acknowledge', why);
    await expectPhase(screen, 'recovered');
    expect(await screen.timeLeft.count()).toBe(0);
  });

  it('tells the whole of it in the timeline', async () => {
    await expect.poll(() => screen.timeline.textContent()).toContain('recovered');
  });

  it('wrote the approval to the journal before the ack was sent', () => {
    const approved = ({ type, action }: Record<string, unknown>) =>
      type === 'approval' && action === 'acknowledge';
    const lines = journalWith(open.runs, approved);
    const approval = lines.findIndex(approved);
    expect(lines[approval]).toMatchObject({ device, approval: { operator: 'R. Weber', reason: why } });
    const sent = lines.findIndex(({ event }) => (event as { kind?: string })?.kind === 'acknowledgeFinished');
    expect(sent).toBeGreaterThan(approval);
  });

  it('shows what the recovery brought back', async () => {
    await screen.tab('State restore').click();
    await expect.poll(() => screen.page.getByRole('tabpanel').textContent()).toMatch(/Control.*restored/);
  });
});
