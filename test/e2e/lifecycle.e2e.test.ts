import { afterEach, describe, expect, it } from 'vitest';
import { consoleSuite, inElectron, unplug, type OpenConsole } from './consoles.ts';
import { arm, beginWait, decide, expectPhase, injectFault, screenOf, secondsOf, select } from './screen.ts';

// What happens to a recovery when the page, the window or the device goes away in the middle of it.

const device = '0000:01:00.0';
let open: OpenConsole | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

consoleSuite('the page in the middle of a wait', (launch) => {
  it('reloads, shows the same wait with less time left, and finishes it', async () => {
    open = await launch();
    const screen = screenOf(open.page);
    await beginWait(screen, device);
    const before = await secondsOf(screen.timeLeft.first());
    await open.page.reload();
    await expectPhase(screen, 'awaitingAck');
    await expect.poll(() => secondsOf(screen.timeLeft.first())).toBeLessThan(before);
    await expect.poll(() => screen.timeline.textContent()).toMatch(/MALF_TLP/);
    await decide(screen, 'Acknowledge', 'after a reload');
    await expectPhase(screen, 'recovered');
  });

  it('has its card open while the device vanishes, and the card says so', async () => {
    open = await launch();
    const screen = screenOf(open.page);
    await beginWait(screen, device);
    await screen.button('Acknowledge').click();
    await screen.reason.fill('nobody is there');
    await unplug(open, device);
    const card = screen.page.getByRole('dialog');
    await expect.poll(() => card.getByRole('alert').textContent()).toMatch(/vanished/);
    expect(await screen.button('Confirm acknowledge').getAttribute('aria-disabled')).toBe('true');
    await open.page.keyboard.press('Escape');
    await expect.poll(() => card.count()).toBe(0);
  });
});

describe('the window in the middle of a wait', () => {
  it('crashes, the recovery goes on, and the new page shows it', async () => {
    open = await inElectron();
    const screen = screenOf(open.page);
    await beginWait(screen, device);
    // Playwright gives a crashed page up, so the new one is asked through its web contents.
    const shown = await open.electron?.app.evaluate(async ({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      const back = new Promise<void>((resolve) => {
        contents?.once('render-process-gone', () => contents.once('did-finish-load', () => resolve()));
      });
      contents?.forcefullyCrashRenderer();
      await back;
      const program = `new Promise((resolve) => {
        const look = () => {
          const phase = document.querySelector('[role="status"][aria-label="Phase"]')?.textContent.trim();
          const left = document.querySelector('[role="timer"][aria-label="Time left"]')?.textContent.trim();
          if (phase === 'awaitingAck' && left) resolve({ phase, left });
          else setTimeout(look, 20);
        };
        look();
      })`;
      return contents?.executeJavaScript(program) as Promise<{ phase: string; left: string }>;
    });
    expect(shown?.phase).toBe('awaitingAck');
    expect(Number.parseFloat(shown?.left ?? '')).toBeGreaterThan(0);
  });

  it('asks before it quits, names the device, and goes on when the person stays', async () => {
    open = await inElectron();
    const screen = screenOf(open.page);
    await select(screen, device);
    await arm(screen);
    await injectFault(screen);
    await expectPhase(screen, 'awaitingAck');
    const question = await open.electron?.app.evaluate(
      ({ app, dialog }) =>
        new Promise<{ message: string; detail: string }>((resolve) => {
          dialog.showMessageBox = (...all: unknown[]) => {
            resolve(all.at(-1) as { message: string; detail: string });
            return Promise.resolve({ response: 0, checkboxChecked: false });
          };
          app.quit();
        }),
    );
    expect(question?.detail).toContain(device);
    await decide(screen, 'Acknowledge', 'stayed');
    await expectPhase(screen, 'recovered');
  });
});
