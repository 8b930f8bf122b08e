import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { answerOf, firstRig, openWait, phaseOf, send } from './bridge.ts';
import {
  electronArguments,
  electronEnvironment,
  launchElectron,
  makeHome,
  type Home,
  type LaunchedConsole,
  type LaunchOptions,
} from './launchElectron.ts';

// What the shell does around the page, in the built app in the real runtime.

const device = '0000:01:00.0';
const stage = inject('stage');
const open: LaunchedConsole[] = [];
const homes: Home[] = [];

/** A home that outlives a launch; it is removed after the test. */
const keptHome = (): Home => {
  const home = makeHome();
  homes.push(home);
  return home;
};

const launch = async (options: LaunchOptions = {}): Promise<LaunchedConsole> => {
  const launched = await launchElectron(stage, options);
  open.push(launched);
  return launched;
};

afterEach(async () => {
  await Promise.all(open.splice(0).map((launched) => launched.close()));
  for (const home of homes.splice(0)) home.remove();
});

const ended = (launched: LaunchedConsole): Promise<number | null> =>
  new Promise((resolve) => void launched.app.process().once('exit', resolve));

/** A person who answers every dialog with the button of this number, and what the dialogs said. */
const answerDialogs = (launched: LaunchedConsole, button: number): Promise<void> =>
  launched.app.evaluate(({ dialog }, response) => {
    const kept = globalThis as unknown as { dialogs: unknown[] };
    kept.dialogs ??= [];
    dialog.showMessageBox = (...all: unknown[]) => {
      kept.dialogs.push(all.at(-1));
      return Promise.resolve({ response, checkboxChecked: false });
    };
  }, button);

const dialogs = (
  launched: LaunchedConsole,
): Promise<{ message: string; detail: string; buttons: string[] }[]> =>
  launched.app.evaluate(() => (globalThis as unknown as { dialogs: never[] }).dialogs);

const tryToQuit = (launched: LaunchedConsole): Promise<void> =>
  // Not within the call: an app that quits answers nobody.
  launched.app.evaluate(({ app }) => void setImmediate(() => app.quit()));

describe('quitting', () => {
  it('asks nothing and ends every run in good order when nothing waits', async () => {
    const launched = await launch({ home: keptHome() });
    const rig = await firstRig(launched.page);
    const { rigs } = await answerOf(launched.page, 'snapshot', {});
    const run = rigs.find(({ id }) => id === rig)?.run;
    const end = ended(launched);
    await tryToQuit(launched);
    expect(await end).toBe(0);
    const journal = readFileSync(join(launched.home.runs, `${run}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(journal.at(-1)).toContain('"closed"');
    open.length = 0;
  });

  it('asks while the kernel waits, says what quitting does, and stays', async () => {
    const launched = await launch();
    const rig = await firstRig(launched.page);
    await openWait(launched.page, rig, device);
    await answerDialogs(launched, 0);
    await tryToQuit(launched);
    await expect.poll(() => dialogs(launched)).toHaveLength(1);
    const [question] = await dialogs(launched);
    expect(question?.buttons).toEqual(['Stay', 'Quit anyway']);
    expect(question?.detail).toContain(device);
    expect(question?.detail).toContain('takes the close for an acknowledgement');
    expect(await phaseOf(launched.page, rig, device)).toBe('awaitingAck');
  });

  it('asks on closing the window too, and quits when it was agreed to', async () => {
    const launched = await launch({ home: keptHome() });
    await openWait(launched.page, await firstRig(launched.page), device);
    await answerDialogs(launched, 1);
    const end = ended(launched);
    await launched.app.evaluate(
      ({ BrowserWindow }) => void setImmediate(() => BrowserWindow.getAllWindows()[0]?.close()),
    );
    expect(await end).toBe(0);
    open.length = 0;
  });
});

describe('the page in the middle of a wait', () => {
  it('reloads, and goes on with a connection of its own that may act', async () => {
    const { page } = await launch();
    const rig = await firstRig(page);
    await openWait(page, rig, device);
    for (let time = 0; time < 5; time += 1) {
      const { token } = await answerOf(page, 'confirmation', { rig, device, action: 'acknowledge' });
      await page.reload();
      // The card was the earlier page's, and its connection is gone.
      const late = { rig, device, token, operator: 'Ada', reason: 'asked before the reload' };
      expect(await send(page, 'acknowledge', late)).toMatchObject({ error: { code: 'confirmationInvalid' } });
      expect(await phaseOf(page, rig, device)).toBe('awaitingAck');
    }
    const { operator } = await answerOf(page, 'snapshot', {});
    expect(operator.holder).toBe(operator.you);
    expect(operator.viewers).toHaveLength(1);
    await answerOf(page, 'quiesce', { rig, device });
    const heard = await page.evaluate(
      `new Promise((resolve) => {
        const dispose = recoveryBench.onDeltas((batch) => { dispose(); resolve(batch.length > 0); });
        void recoveryBench.addRig({ kind: 'simulated', profile: 'notify-7.2', topology: 'lab', seed: 1, ackTimeout: null });
      })`,
    );
    expect(heard).toBe(true);
  });

  it('crashes, and the window opens again where it was; the recovery knows nothing of it', async () => {
    const launched = await launch();
    const rig = await firstRig(launched.page);
    await openWait(launched.page, rig, device);
    const address = `app://console/index.html#/device/${rig}/${encodeURIComponent(device)}/handshake`;
    const { token } = await answerOf(launched.page, 'confirmation', { rig, device, action: 'acknowledge' });
    const late = { rig, device, token, operator: 'Ada', reason: 'asked before the crash' };
    const program = `Promise.all([recoveryBench.acknowledge(${JSON.stringify(late)}), recoveryBench.snapshot({})])
      .then(([answer, { value }]) => ({ refused: answer.error?.code, ...value }))`;
    const after = await launched.app.evaluate(
      async ({ BrowserWindow }, [url, ask]) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents;
        await contents?.loadURL(url);
        // The load that counts is the one after this crash, and a renderer that is gone already cannot crash.
        const back = new Promise<void>((resolve) => {
          contents?.once('render-process-gone', () => contents.once('did-finish-load', () => resolve()));
        });
        contents?.forcefullyCrashRenderer();
        await back;
        return { url: contents?.getURL(), snapshot: (await contents?.executeJavaScript(ask)) as never };
      },
      [address, program] as const,
    );
    expect(decodeURIComponent(after.url ?? '')).toContain(decodeURIComponent(address.split('#')[1] ?? ''));
    expect(after.snapshot).toMatchObject({
      refused: 'confirmationInvalid',
      rigs: [{ id: rig, armed: [{ device, state: { phase: 'awaitingAck' } }] }],
      operator: { viewers: [expect.any(String)] },
    });
  });

  it('is asked about when it crashes again and again', async () => {
    const launched = await launch();
    await answerDialogs(launched, 0);
    await launched.app.evaluate(async ({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      for (let time = 0; time < 4; time += 1) {
        // The load that counts is the one after this crash, and a renderer that is gone already cannot crash.
        const back = new Promise<void>((resolve) => {
          contents?.once('render-process-gone', () => contents.once('did-finish-load', () => resolve()));
        });
        contents?.forcefullyCrashRenderer();
        await back;
      }
    });
    expect((await dialogs(launched)).map(({ buttons }) => buttons)).toEqual([['Open again', 'Quit']]);
  });
});

interface Shown {
  title: string;
  body: string;
  emit(event: 'click'): boolean;
}

describe('a notification', () => {
  it('is shown for a wait behind the person’s back, and leads to the device without a reload', async () => {
    const { app, page } = await launch();
    const rig = await firstRig(page);
    await app.evaluate(({ BrowserWindow, Notification }) => {
      // No desktop is there that would show it: what the system would be handed is kept instead.
      const kept = globalThis as unknown as { shown: unknown[] };
      kept.shown = [];
      Notification.isSupported = () => true;
      Notification.prototype.show = function () {
        kept.shown.push(this);
      };
      const window = BrowserWindow.getAllWindows()[0];
      if (window !== undefined) window.isFocused = () => false;
    });
    await page.evaluate('globalThis.sameDocument = true');
    await openWait(page, rig, device);
    const shown = await app.evaluate(() =>
      (globalThis as unknown as { shown: Shown[] }).shown.map(({ title, body }) => ({ title, body })),
    );
    expect(shown).toEqual([
      { title: `${device} waits for a decision`, body: expect.stringMatching(/^(60|59) s left on /) },
    ]);
    await app.evaluate(() => void (globalThis as unknown as { shown: Shown[] }).shown[0]?.emit('click'));
    await expect.poll(() => decodeURIComponent(page.url())).toContain(`#/device/${rig}/${device}/handshake`);
    expect(await page.evaluate('globalThis.sameDocument')).toBe(true);
  });

  it('is not needed to get about: the menu leads to the pages, without a reload', async () => {
    const { app, page } = await launch();
    await page.evaluate('globalThis.sameDocument = true');
    await app.evaluate(({ Menu }) => {
      const view = Menu.getApplicationMenu()?.items.find(({ label }) => label === '&View');
      view?.submenu?.items.find(({ label }) => label === 'Runs')?.click();
    });
    await expect.poll(() => page.url()).toContain('#/runs');
    expect(await page.evaluate('globalThis.sameDocument')).toBe(true);
  });
});

describe('the window', () => {
  it('opens where it was closed', async () => {
    const home = keptHome();
    const bounds = { x: 120, y: 90, width: 1100, height: 700 };
    const first = await launch({ home });
    await first.app.evaluate(({ BrowserWindow }, to) => {
      BrowserWindow.getAllWindows()[0]?.setBounds(to);
    }, bounds);
    const end = ended(first);
    await tryToQuit(first);
    await end;
    open.length = 0;
    const second = await launch({ home });
    const found = await second.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.getBounds(),
    );
    expect(found).toEqual(bounds);
  });

  it('opens in sight when what was remembered is nonsense', async () => {
    const home = keptHome();
    writeFileSync(
      join(home.userData, 'window.json'),
      '{"x":99999,"y":-99999,"width":1280,"height":800,"maximized":false}',
    );
    const { app } = await launch({ home });
    const found = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
    expect(found).toMatchObject({ width: 1280, height: 800 });
    expect(found?.x).toBeLessThan(1920);
    expect(found?.y).toBeGreaterThanOrEqual(0);
  });

  it('is the only one: a second start brings it to the front and ends', async () => {
    const { app, page, home } = await launch();
    const told = app.evaluate(
      ({ app: electron }) =>
        new Promise<boolean>((resolve) => void electron.once('second-instance', () => resolve(true))),
    );
    await app.evaluate(() => undefined);
    const second = spawn(join(stage.runtime, 'electron'), electronArguments(stage, home), {
      env: electronEnvironment(stage, home),
      stdio: 'ignore',
    });
    const code = await new Promise<number | null>((resolve) => void second.once('exit', resolve));
    expect(code).toBe(0);
    expect(await told).toBe(true);
    expect(app.windows()).toHaveLength(1);
    expect(await send(page, 'snapshot', {})).toMatchObject({ ok: true });
  });

  it('follows the system’s theme', async () => {
    const { app, page } = await launch();
    const dark = () => page.evaluate(`matchMedia('(prefers-color-scheme: dark)').matches`);
    expect(await app.evaluate(({ nativeTheme }) => nativeTheme.themeSource)).toBe('system');
    await app.evaluate(({ nativeTheme }) => void (nativeTheme.themeSource = 'dark'));
    await expect.poll(dark).toBe(true);
    await app.evaluate(({ nativeTheme }) => void (nativeTheme.themeSource = 'light'));
    await expect.poll(dark).toBe(false);
  });
});
