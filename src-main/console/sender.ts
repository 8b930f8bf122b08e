import { isOwnUrl, type PageAddress } from './pageAddress.ts';

/** Who calls: what Electron says of the frame, never what the frame says of itself. */
export interface Sender {
  readonly url: string;
  readonly isMainFrame: boolean;
  readonly webContentsId: number;
}

/** Electron's security checklist, item 17: the exact origin, the main frame, and our one window. */
export const isOwnSender = (sender: Sender | null, page: PageAddress, webContentsId: number): boolean =>
  sender !== null &&
  sender.isMainFrame &&
  sender.webContentsId === webContentsId &&
  isOwnUrl(sender.url, page);
