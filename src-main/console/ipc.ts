import { ipcMain, type BrowserWindow, type IpcMainInvokeEvent } from 'electron';
import { channelOf, commandNames, deltaChannel } from '../../preload/contract/names.ts';
import type { BenchService } from '../service/benchService.ts';
import type { PageAddress } from './pageAddress.ts';
import { PageLink } from './pageLink.ts';
import type { Sender } from './sender.ts';

const senderOf = (event: IpcMainInvokeEvent): Sender | null =>
  event.senderFrame === null
    ? null
    : {
        url: event.senderFrame.url,
        isMainFrame: event.senderFrame.parent === null,
        webContentsId: event.sender.id,
      };

/** One channel a command, and the deltas to our window alone. The disposer ends all of it. */
export const linkPage = (window: BrowserWindow, service: BenchService, page: PageAddress): (() => void) => {
  const { webContents } = window;
  const link = new PageLink({
    page,
    webContentsId: webContents.id,
    connect: () => service.connect({ name: 'Electron window', transport: 'electron' }),
    push: (batch) => {
      if (!webContents.isDestroyed() && !webContents.isCrashed()) webContents.send(deltaChannel, batch);
    },
  });
  for (const name of commandNames) {
    ipcMain.handle(channelOf(name), (event, input: unknown) => link.answer(senderOf(event), name, input));
  }
  // `did-navigate` is told when another document takes over, a reload included, and not for a change of the route.
  webContents.on('did-navigate', () => link.pageGone());
  webContents.on('render-process-gone', () => link.pageGone());
  return () => {
    for (const name of commandNames) ipcMain.removeHandler(channelOf(name));
    link.pageGone();
  };
};
