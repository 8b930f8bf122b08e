import { existsSync } from 'node:fs';
import { BrowserWindow, nativeTheme, screen } from 'electron';
import { fitBounds, smallestWindow, usualWindow } from './windowBounds.ts';
import { readWindowState, rememberBounds } from './windowState.ts';

/** The page's own background in either theme, so that nothing flashes before it is drawn. */
const background = (): string => (nativeTheme.shouldUseDarkColors ? '#14181d' : '#f7f8f9');

export interface WindowFiles {
  readonly preload: string;
  readonly icon: string;
  /** Where the app keeps its own data. */
  readonly userData: string;
}

/**
 * The one window. Electron's security checklist, items 2 to 4, 6, 8 to 11: everything that could loosen it is left at
 * its default or spelt out here.
 */
export const createWindow = (files: WindowFiles, packaged: boolean): BrowserWindow => {
  const saved = readWindowState(files.userData);
  const workAreas = screen.getAllDisplays().map((display) => display.workArea);
  const bounds = (saved === null ? null : fitBounds(saved, workAreas)) ?? usualWindow;
  const window = new BrowserWindow({
    ...bounds,
    minWidth: smallestWindow.width,
    minHeight: smallestWindow.height,
    show: false,
    title: 'Recovery Bench',
    backgroundColor: background(),
    ...(existsSync(files.icon) ? { icon: files.icon } : {}),
    webPreferences: {
      preload: files.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      // Chromium would fetch a dictionary from its maker.
      spellcheck: false,
      devTools: !packaged,
    },
  });
  if (saved?.maximized === true) window.maximize();
  window.once('ready-to-show', () => window.show());
  const followTheme = (): void => {
    if (!window.isDestroyed()) window.setBackgroundColor(background());
  };
  nativeTheme.on('updated', followTheme);
  window.on('closed', () => nativeTheme.off('updated', followTheme));
  // A page, hung or not, may not keep the window open: what has to be asked is asked by the quit guard.
  window.webContents.on('will-prevent-unload', (event) => event.preventDefault());
  rememberBounds(window, files.userData);
  return window;
};

export const bringToFront = (window: BrowserWindow): void => {
  if (window.isDestroyed()) return;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
};
