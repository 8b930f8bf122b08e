import { join } from 'node:path';
import { Menu, app, dialog, nativeTheme, protocol, session, type BrowserWindow } from 'electron';
import type { BenchService } from '../service/benchService.ts';
import { appSchemePrivileges, serveApp } from './appProtocol.ts';
import { openExternalLink } from './externalLinks.ts';
import { linkPage } from './ipc.ts';
import { menuTemplate } from './menu.ts';
import { notifyBySystem } from './notifications.ts';
import { deviceRoute, pageAddress, routeUrl, type PageAddress } from './pageAddress.ts';
import { reopenAfterCrash } from './pageCrash.ts';
import { createQuitGuard, type QuitQuestion } from './quitGuard.ts';
import { secureEveryContents, secureSession } from './security.ts';
import { bringToFront, createWindow } from './window.ts';

export interface ConsoleOptions {
  readonly service: BenchService;
  /** The built files: `preload/index.cjs` and `renderer/`. */
  readonly built: string;
  readonly icon: string;
  /** What electron-vite sets while developing. */
  readonly developmentUrl: string | undefined;
}

/** How long quitting waits for devices and journals to close; a blocked kernel call may not keep the app for ever. */
const closingTime = 5_000;

const askToQuit = async (window: BrowserWindow, question: QuitQuestion): Promise<'stay' | 'quit'> => {
  const { response } = await dialog.showMessageBox(window, {
    type: 'warning',
    message: question.message,
    detail: question.detail,
    buttons: [...question.buttons],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  });
  return response === 1 ? 'quit' : 'stay';
};

/** A change of the fragment is no navigation for the page; the same address again would be a reload. */
const goTo = (window: BrowserWindow, page: PageAddress, route: string): void => {
  bringToFront(window);
  const url = routeUrl(page, route);
  // A load that is overtaken by another one is refused; there is nothing to do about it.
  if (window.webContents.getURL() !== url) window.loadURL(url).catch(() => undefined);
};

const closeServiceOnQuit = (service: BenchService): void => {
  let closed = false;
  app.on('will-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    closed = true;
    const timeUp = new Promise<void>((resolve) => void setTimeout(resolve, closingTime));
    // In a turn of its own: until this event is through, Electron takes the app to be quitting already and does nothing.
    void Promise.race([service.close(), timeUp]).finally(() => setImmediate(() => app.quit()));
  });
};

const startService = async (service: BenchService, window: BrowserWindow): Promise<void> => {
  const started = await service.start();
  if (started.ok || window.isDestroyed()) return;
  const { code, message } = started.error;
  await dialog.showMessageBox(window, {
    type: 'error',
    message: 'The simulated rig did not start.',
    detail: `${message} (${code})`,
  });
};

const openConsole = (options: ConsoleOptions, page: PageAddress): void => {
  const { service, built, icon } = options;
  nativeTheme.themeSource = 'system';
  serveApp(protocol, join(built, 'renderer'));
  secureSession(session.defaultSession, page);

  const preload = join(built, 'preload', 'index.cjs');
  const window = createWindow({ preload, icon, userData: app.getPath('userData') }, app.isPackaged);
  const unlink = linkPage(window, service, page);
  const guard = createQuitGuard({
    waits: () => service.waits(),
    ask: (question) => askToQuit(window, question),
    quit: () => app.quit(),
  });
  reopenAfterCrash(window);
  const stopNotifying = notifyBySystem(window, service, (wait) =>
    goTo(window, page, deviceRoute(wait.rig, wait.device)),
  );
  Menu.setApplicationMenu(
    Menu.buildFromTemplate(
      menuTemplate({
        packaged: app.isPackaged,
        goTo: (route) => goTo(window, page, route),
        openLink: (url) => void openExternalLink(url),
      }),
    ),
  );
  window.on('close', guard);
  app.on('before-quit', guard);
  app.on('second-instance', () => bringToFront(window));
  window.on('closed', () => {
    stopNotifying();
    unlink();
  });
  closeServiceOnQuit(service);
  void startService(service, window);
  window.loadURL(page.home).catch(() => undefined);
};

/** What has to be said before the app is ready, and the console once it is. */
export const startConsole = (options: ConsoleOptions): void => {
  if (!app.requestSingleInstanceLock()) {
    // The other instance is told by this, and comes to the front.
    app.quit();
    return;
  }
  const page = pageAddress(app.isPackaged, options.developmentUrl);
  app.enableSandbox();
  protocol.registerSchemesAsPrivileged([appSchemePrivileges]);
  secureEveryContents(app, page);
  app.on('window-all-closed', () => app.quit());
  // Awaiting whenReady at the top level of an ES module hangs: the module has to end before the app is ready.
  void app.whenReady().then(() => openConsole(options, page));
};
