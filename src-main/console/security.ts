import type { App, Session, WebContents } from 'electron';
import { isOwnUrl, type PageAddress } from './pageAddress.ts';

/**
 * Whether the session may fetch this at all, whoever asks. What the page may load is said by its Content-Security-Policy;
 * this holds when that does not apply, such as for a navigation started by the main process.
 */
export const mayRequest = (url: string, page: PageAddress): boolean => {
  if (isOwnUrl(url, page)) return true;
  if (url.startsWith(`blob:${page.origin}/`) || url.startsWith('data:')) return true;
  // The developer's server tells of changed files over a WebSocket, and only an unpackaged app has developer tools.
  return page.development && (isOwnUrl(url.replace(/^ws:/, 'http:'), page) || url.startsWith('devtools://'));
};

/** An exported run is handed to the user as a file that the page made itself; nothing else is ever downloaded. */
export const mayDownload = (url: string, page: PageAddress): boolean =>
  url.startsWith(`blob:${page.origin}/`);

/** Checklist item 5, and that nothing is fetched from anywhere. */
export const secureSession = (session: Session, page: PageAddress): void => {
  session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest((details, decide) => decide({ cancel: !mayRequest(details.url, page) }));
  session.on('will-download', (event, item) => {
    if (!mayDownload(item.getURL(), page)) event.preventDefault();
  });
};

/** Checklist items 11 to 14, for every web contents that there will ever be. */
const secureContents = (contents: WebContents, page: PageAddress): void => {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  // The page has no frames: its policy forbids them before this is asked.
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame) event.preventDefault();
  });
  contents.on('will-navigate', (event) => {
    if (!isOwnUrl(event.url, page)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    if (!isOwnUrl(event.url, page)) event.preventDefault();
  });
};

export const secureEveryContents = (app: App, page: PageAddress): void => {
  app.on('web-contents-created', (_event, contents) => secureContents(contents, page));
};
