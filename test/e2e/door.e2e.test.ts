import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchBrowser, type LaunchedBrowser } from './launchBrowser.ts';

let launched: LaunchedBrowser;
let foreign = '';
let token = '';
const elsewhere = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>Elsewhere</title><p>Elsewhere</p>');
});

beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  foreign = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
  launched = await launchBrowser({ runs: null, pageFolder: join(inject('stage').app, 'out', 'renderer') });
  token = new URL(launched.server.url).searchParams.get('token') ?? '';
});
afterAll(async () => {
  await launched.close();
  elsewhere.close();
});

const devices = (page: Page) => page.getByRole('tree', { name: 'Devices' }).getByRole('treeitem');
/** What becomes of a socket that a page opens: `open`, or `refused`. */
const socketFrom = (page: Page, url: string): Promise<unknown> =>
  page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket(${JSON.stringify(url)});
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('refused');
  })`);

describe('the browser door before Chromium', () => {
  it('shows the console of the address with the token, and takes the token out of the address', async () => {
    const { page } = launched;
    await expect.poll(() => devices(page).count()).toBeGreaterThan(0);
    expect(page.url()).not.toContain(token);
    await page.reload();
    await expect.poll(() => devices(page).count()).toBeGreaterThan(0);
  });

  it('works under its other name as well', async () => {
    const page = await launched.newViewer(launched.server.url.replace('127.0.0.1', 'localhost'));
    await expect.poll(() => devices(page).count()).toBeGreaterThan(0);
    await page.context().close();
  });

  it('gives a second window without the token nothing', async () => {
    const { port } = launched.server;
    const page = await launched.newViewer(`http://127.0.0.1:${port}/`);
    expect(await socketFrom(page, `ws://127.0.0.1:${port}/socket`)).toBe('refused');
    expect(await socketFrom(page, `ws://127.0.0.1:${port}/socket?token=guess`)).toBe('refused');
    expect(await devices(page).count()).toBe(0);
    await page.context().close();
  });

  it('gives a page of another origin nothing, even one that knows the token', async () => {
    const { port, url } = launched.server;
    const page = await launched.newViewer(foreign);
    expect(await socketFrom(page, `ws://127.0.0.1:${port}/socket?token=${token}`)).toBe('refused');
    expect(await socketFrom(page, `ws://localhost:${port}/socket?token=${token}`)).toBe('refused');
    const fetched = page.evaluate(`fetch(${JSON.stringify(url)}).then(() => 'read', () => 'refused')`);
    expect(await fetched).toBe('refused');
    await page.context().close();
  });

  it('is in nobody’s frame', async () => {
    const page = await launched.newViewer(foreign);
    await page.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.onload = resolve;
      frame.src = ${JSON.stringify(launched.server.url)};
      document.body.append(frame);
    })`);
    const frame = page.frames().find((each) => each !== page.mainFrame());
    expect(frame?.url()).toBe('chrome-error://chromewebdata/');
    expect(await frame?.getByRole('tree').count()).toBe(0);
    await page.context().close();
  });

  it('is out of reach for the window that opened it', async () => {
    const page = await launched.newViewer(foreign);
    const opening = page.context().waitForEvent('page');
    await page.evaluate(`void (globalThis.opened = open(${JSON.stringify(launched.server.url)}))`);
    const opened = await opening;
    await expect.poll(() => devices(opened).count()).toBeGreaterThan(0);
    expect(await opened.evaluate('opener')).toBeNull();
    expect(await page.evaluate('opened.closed')).toBe(true);
    await page.context().close();
  });

  it('lets its page talk to nobody else', async () => {
    const { page } = launched;
    expect(
      await page.evaluate(`new Promise((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true });
        fetch(${JSON.stringify(foreign)}).catch(() => undefined);
      })`),
    ).toBe('connect-src');
    expect(await socketFrom(page, foreign.replace('http', 'ws'))).toBe('refused');
  });
});
