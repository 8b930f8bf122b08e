import { afterEach, expect, it } from 'vitest';
import { consoleSuite, type OpenConsole } from './consoles.ts';
import {
  addRig,
  beginWait,
  decide,
  expectPhase,
  injectFault,
  screenOf,
  secondsOf,
  select,
  arm,
  type Screen,
} from './screen.ts';

// How a wait can end other than with an ack, and several of them at once.

const device = '0000:01:00.0';

consoleSuite('a wait', (launch) => {
  let open: OpenConsole | null = null;
  const begin = async (): Promise<Screen> => {
    open = await launch();
    return screenOf(open.page);
  };
  afterEach(async () => {
    await open?.close();
    open = null;
  });

  it('runs out on a rig that was added for it, and says so', async () => {
    const screen = await begin();
    await addRig(screen, { ackTimeout: 3 });
    await select(screen, device);
    await arm(screen);
    await injectFault(screen);
    await expectPhase(screen, 'awaitingAck');
    expect(await secondsOf(screen.timeLeft.first())).toBeLessThanOrEqual(3);
    await expectPhase(screen, 'timedOut');
    expect(await screen.timeLeft.count()).toBe(0);
    const acknowledge = screen.button('Acknowledge');
    expect(await acknowledge.getAttribute('aria-disabled')).toBe('true');
    expect(await acknowledge.getAttribute('title')).toMatch(/\w+ \w+/);
  });

  it('ends its open card when it runs out, and nothing is sent', async () => {
    const screen = await begin();
    await addRig(screen, { ackTimeout: 3 });
    await beginWait(screen, device);
    await screen.button('Acknowledge').click();
    await screen.reason.fill('too late');
    await screen.operator.fill('R. Weber');
    const card = screen.page.getByRole('dialog');
    await expect.poll(() => card.getByRole('alert').textContent()).toMatch(/wait is over/);
    expect(await screen.button('Confirm acknowledge').getAttribute('aria-disabled')).toBe('true');
    await screen.page.keyboard.press('Escape');
    await expectPhase(screen, 'timedOut');
  });

  it('is withdrawn with a reason, and the kernel still waits out its time', async () => {
    const screen = await begin();
    await addRig(screen, { ackTimeout: 4 });
    await beginWait(screen, device);
    await decide(screen, 'Withdraw', 'the tester went home');
    await expectPhase(screen, 'withdrawn');
    expect(await screen.timeLeft.count()).toBe(0);
    await expect.poll(() => screen.timeline.textContent()).toMatch(/withdr/i);
  });

  it('is one of two in the tray, the one that runs out first in front', async () => {
    const screen = await begin();
    await beginWait(screen, device);
    await addRig(screen, { ackTimeout: 20 });
    await beginWait(screen, device);
    const waits = screen.tray.getByRole('listitem');
    await expect.poll(() => waits.count()).toBe(2);
    const left = async (at: number) => Number(/(\d+) s/.exec((await waits.nth(at).textContent()) ?? '')?.[1]);
    expect(await left(0)).toBeLessThanOrEqual(20);
    expect(await left(1)).toBeGreaterThan(20);
    // On every page, and one step from the decision.
    await screen.page.evaluate('location.hash = "#/scenarios"');
    await screen.tray
      .getByRole('button', { name: /Review/ })
      .first()
      .click();
    await decideInCard(screen);
    await expectPhase(screen, 'recovered');
    await expect.poll(() => waits.count()).toBe(1);
    await screen.button('Review').click();
    await decideInCard(screen);
    await expect.poll(() => screen.tray.textContent()).toContain('Nothing waits');
  });
});

const decideInCard = async (screen: Screen): Promise<void> => {
  await screen.reason.fill('soonest first');
  await screen.operator.fill('R. Weber');
  await screen.button('Confirm acknowledge').click();
};
