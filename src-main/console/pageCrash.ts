import { app, dialog, type BrowserWindow } from 'electron';
import { mayReopen } from './crashLoop.ts';

const askToReopen = async (window: BrowserWindow): Promise<void> => {
  const { response } = await dialog.showMessageBox(window, {
    type: 'error',
    message: 'The page of the console crashes again and again.',
    detail: 'Recoveries and their journals go on without it. Open it again, or quit the bench.',
    buttons: ['Open again', 'Quit'],
    defaultId: 0,
    cancelId: 0,
  });
  if (response === 1) app.quit();
  else if (!window.isDestroyed()) window.webContents.reload();
};

/** A crashed page is opened again where it was; its address holds the device and the moment. */
export const reopenAfterCrash = (window: BrowserWindow): void => {
  const crashes: number[] = [];
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    const now = Date.now();
    // Not from within the event: Chromium is still tearing the old process down.
    if (mayReopen(crashes, now)) setImmediate(() => window.isDestroyed() || window.webContents.reload());
    else void askToReopen(window);
    crashes.push(now);
  });
};
