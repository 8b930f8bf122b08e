import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page, type ViewportSize } from 'playwright-core';
import { startServeProcess, type ServeProcess } from './serveProcess.ts';

/** Debian's Chromium, or null where it is not installed (package `chromium`). */
export const chromiumPath = (): string | null =>
  ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path)) ?? null;

export interface BrowserOptions {
  /** Where the runs are recorded; null records nothing. */
  readonly runs: string | null;
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: ViewportSize;
  /** Another page than the built one in out/renderer. */
  readonly pageFolder?: string;
}

export interface LaunchedBrowser {
  readonly page: Page;
  readonly server: ServeProcess;
  /** Another viewer: a window with a storage of its own, with the token unless told otherwise. */
  newViewer(url?: string): Promise<Page>;
  close(): Promise<void>;
}

/** Debian's Chromium, without a page. Nothing is fetched from anywhere, and no graphics card is needed. */
export const startChromium = (): Promise<Browser> => {
  const executablePath = chromiumPath();
  if (executablePath === null) throw new Error('Chromium is not installed: apt-get install chromium');
  return chromium.launch({
    executablePath,
    timeout: 45_000,
    // Chromium's own sandbox does not start for root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  });
};

/** Debian's Chromium before a real `rbench serve`, with the console open. */
export const launchBrowser = async (options: BrowserOptions): Promise<LaunchedBrowser> => {
  const server = await startServeProcess([
    ...(options.runs === null ? ['--no-journal'] : ['--runs', options.runs]),
    ...(options.pageFolder === undefined ? [] : ['--page', options.pageFolder]),
  ]);
  const browser = await startChromium();
  const newViewer = async (url = server.url): Promise<Page> => {
    const context = await browser.newContext({
      colorScheme: options.colorScheme ?? 'light',
      viewport: options.viewport ?? { width: 1280, height: 800 },
    });
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };
  const close = async (): Promise<void> => {
    await browser.close();
    if (server.child.exitCode === null && server.child.signalCode === null) await server.end();
  };
  try {
    return { page: await newViewer(), server, newViewer, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
};
