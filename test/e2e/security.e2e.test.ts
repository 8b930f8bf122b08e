import { readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { WebContents } from 'electron';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { commandNames } from '../../preload/contract/names.ts';
import { send } from './bridge.ts';
import { launchElectron, type LaunchedConsole } from './launchElectron.ts';

// Electron's security checklist, row by row, in the built app in the real runtime.

let launched: LaunchedConsole;
/** What a web page out there would be; it counts who comes. */
let outside: Server;
let outsideUrl = '';
let visits = 0;

beforeAll(async () => {
  outside = createServer((_request, response) => {
    visits += 1;
    response.end('outside');
  });
  await new Promise<void>((resolve) => void outside.listen(0, '127.0.0.1', resolve));
  outsideUrl = `http://127.0.0.1:${(outside.address() as AddressInfo).port}/`;
  launched = await launchElectron(inject('stage'));
});

afterAll(async () => {
  await launched.close();
  outside.close();
});

/** Types of a browser are not part of this project's tests: what runs in the page is written as text. */
const inPage = <T>(program: string): Promise<T> => launched.page.evaluate(program) as Promise<T>;

const policyViolation = (deed: string): Promise<[string, string]> =>
  inPage(`new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation',
      (event) => resolve([event.effectiveDirective, event.blockedURI]), { once: true });
    ${deed}
  })`);

describe('the window (2-4, 6, 8-11)', () => {
  it('has the safe web preferences at run time', async () => {
    const preferences = await launched.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      return (
        contents as unknown as { getLastWebPreferences(): Record<string, unknown> }
      ).getLastWebPreferences();
    });
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      enableBlinkFeatures: '',
      webviewTag: false,
    });
  });

  it('is the only one, and its page comes over app://', async () => {
    expect(launched.app.windows()).toHaveLength(1);
    expect(launched.page.url()).toMatch(/^app:\/\/console\/index\.html(#|$)/);
  });

  it.runIf(process.platform === 'linux')(
    'runs its page in Chromium’s sandbox, and nothing as root',
    async () => {
      const [main, page] = await launched.app.evaluate(({ BrowserWindow }) => [
        process.pid,
        BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
      ]);
      const status = readFileSync(`/proc/${page}/status`, 'utf8');
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).not.toMatch(/^Uid:\t0\t/m);
      expect(readlinkSync(`/proc/${page}/ns/user`)).not.toBe(readlinkSync(`/proc/${main}/ns/user`));
      expect(readFileSync(`/proc/${main}/status`, 'utf8')).not.toMatch(/^Uid:\t0\t/m);
    },
  );

  it('gives the page nothing of Node', async () => {
    const kinds = await inPage(
      `['require', 'process', 'module', 'Buffer', 'global', '__dirname', 'electron'].map((name) => typeof globalThis[name])`,
    );
    expect(new Set(kinds as string[])).toEqual(new Set(['undefined']));
  });
});

describe('the bridge (20)', () => {
  it('has one function a command and the deltas, and nothing else', async () => {
    const entries = await inPage<[string, string][]>(
      'Object.entries(recoveryBench).map(([name, value]) => [name, typeof value])',
    );
    expect(entries.map(([name]) => name).sort()).toEqual([...commandNames, 'onDeltas'].sort());
    expect(new Set(entries.map(([, kind]) => kind))).toEqual(new Set(['function']));
  });

  it('cannot be changed by the page', async () => {
    await inPage(`try { recoveryBench.snapshot = () => 'forged'; } catch {}`);
    await inPage(`try { globalThis.recoveryBench = {}; } catch {}`);
    expect(await send(launched.page, 'snapshot', {})).toMatchObject({ ok: true });
  });

  it('tells deltas without Electron’s event, until they are disposed of', async () => {
    const heard = await inPage(`new Promise(async (resolve) => {
      const heard = [];
      const dispose = recoveryBench.onDeltas((...all) => { heard.push(all.length, Array.isArray(all[0])); });
      const { value } = await recoveryBench.addRig({ kind: 'simulated', profile: 'notify-7.2', topology: 'lab', seed: 1, ackTimeout: null });
      while (heard.length === 0) await recoveryBench.snapshot({});
      const shape = heard.slice(0, 2);
      dispose();
      const length = heard.length;
      await recoveryBench.removeRig({ rig: value });
      await recoveryBench.snapshot({});
      resolve([...shape, heard.length - length]);
    })`);
    expect(heard).toEqual([1, true, 0]);
  });

  it('answers with a Result what cannot be parsed, and even what cannot be sent', async () => {
    expect(await inPage(`recoveryBench.arm({ rig: 5 })`)).toMatchObject({
      ok: false,
      error: { code: 'malformedInput' },
    });
    expect(await inPage(`recoveryBench.arm()`)).toMatchObject({
      ok: false,
      error: { code: 'malformedInput' },
    });
    expect(await inPage(`recoveryBench.arm(() => 1)`)).toMatchObject({ ok: false });
  });

  it('is one file that loads nothing but Electron', () => {
    const bundle = readFileSync(join(inject('stage').app, 'out', 'preload', 'index.cjs'), 'utf8');
    expect(bundle.match(/require\([^)]*\)/g)).toEqual(['require("electron")']);
    expect(bundle).not.toMatch(/\bimport\b|zod/i);
    expect(bundle.length).toBeLessThan(8_000);
  });
});

describe('the sender check (17)', () => {
  it('refuses a second window on every channel, though it has our page and our preload', async () => {
    const codes = await launched.app.evaluate(async ({ BrowserWindow, app }, names) => {
      const own = BrowserWindow.getAllWindows()[0]?.webContents;
      const window = new BrowserWindow({
        show: false,
        webPreferences: { sandbox: true, preload: `${app.getAppPath()}/out/preload/index.cjs` },
      });
      await window.loadURL(own?.getURL().split('#')[0] ?? '');
      const program = `Promise.all(${JSON.stringify(names)}.map(async (name) => (await recoveryBench[name]({})).error?.code))`;
      const answers: unknown = await window.webContents.executeJavaScript(program);
      window.destroy();
      return answers;
    }, commandNames);
    expect(codes).toEqual(commandNames.map(() => 'senderRefused'));
  });

  it('refuses a page of another origin in a window of its own, and a frame', async () => {
    const codes = await launched.app.evaluate(async ({ BrowserWindow, app }) => {
      const window = new BrowserWindow({
        show: false,
        webPreferences: {
          sandbox: true,
          nodeIntegrationInSubFrames: true,
          preload: `${app.getAppPath()}/out/preload/index.cjs`,
        },
      });
      const framed = `<iframe srcdoc="<p>framed</p>"></iframe>`;
      await window.loadURL(`data:text/html,${encodeURIComponent(framed)}`);
      const program = `recoveryBench.snapshot({}).then(({ error }) => error?.code)`;
      const frames = window.webContents.mainFrame.framesInSubtree;
      const answers = await Promise.all(
        frames.map((frame): Promise<unknown> => frame.executeJavaScript(program)),
      );
      window.destroy();
      return answers;
    });
    expect(codes).toEqual(['senderRefused', 'senderRefused']);
  });

  it('gives a frame inside the page no bridge at all', async () => {
    expect(
      await inPage(`(() => {
        const frame = document.body.appendChild(document.createElement('iframe'));
        const kind = typeof frame.contentWindow.recoveryBench;
        frame.remove();
        return kind;
      })()`),
    ).toBe('undefined');
  });
});

describe('app:// (1, 7, 18)', () => {
  const fetchApp = (
    url: string,
  ): Promise<{ status: number; headers: Record<string, string>; text: string }> =>
    launched.app.evaluate(async ({ session }, address) => {
      const response = await session.defaultSession.fetch(address);
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers.entries()),
        text: await response.text(),
      };
    }, url);

  it('puts the policy into the header', async () => {
    const { status, headers } = await fetchApp('app://console/index.html');
    expect(status).toBe(200);
    const policy = headers['content-security-policy']?.split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy?.join(' ')).not.toMatch(/unsafe|https?:|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it.each([
    'app://console/../package.json',
    'app://console/%2e%2e/package.json',
    'app://console/..%2fmain%2findex.js',
    'app://console/..%2Fmain%2Findex.js',
    'app://console/%2e%2e%2fmain%2findex.js',
    'app://console/assets%2f..%2f..%2fmain%2findex.js',
    'app://console/..%5cmain%5cindex.js',
    'app://console/%252e%252e%252fmain%252findex.js',
    'app://console/index.html%00.js',
    'app://console//etc/passwd',
    'app://console/%2fetc%2fpasswd',
    'app://other/index.html',
  ])('has no %s', async (url) => {
    const answer = await fetchApp(url).catch((cause: unknown) => String(cause));
    if (typeof answer !== 'string') expect([answer.status, answer.text]).toEqual([404, '']);
    // What is of another origin is refused by the session before it is asked for.
    else
      expect([url, answer]).toEqual([
        'app://other/index.html',
        expect.stringContaining('ERR_BLOCKED_BY_CLIENT'),
      ]);
  });

  it('runs no inline script', async () => {
    const deed = `const script = document.createElement('script'); script.textContent = 'globalThis.intruder = 1';
      document.head.append(script);`;
    expect(await policyViolation(deed)).toEqual(['script-src-elem', 'inline']);
    expect(await inPage('typeof intruder')).toBe('undefined');
  });

  it('runs no text as a program', async () => {
    expect(await policyViolation(`setTimeout('globalThis.intruder = 1');`)).toEqual(['script-src', 'eval']);
    expect(await inPage('typeof intruder')).toBe('undefined');
  });

  it('takes no inline style', async () => {
    const deed = `const style = document.createElement('style'); style.textContent = 'body { display: none }';
      document.head.append(style);`;
    expect(await policyViolation(deed)).toEqual(['style-src-elem', 'inline']);
  });

  it.each([
    ['connect-src', (url: string) => `fetch(${JSON.stringify(url)}).catch(() => undefined);`],
    ['connect-src', (url: string) => `new WebSocket(${JSON.stringify(url.replace('http', 'ws'))});`],
    [
      'script-src-elem',
      (url: string) =>
        `document.head.append(Object.assign(document.createElement('script'), { src: ${JSON.stringify(url)} }));`,
    ],
    ['img-src', (url: string) => `new Image().src = ${JSON.stringify(url)};`],
    [
      'frame-src',
      (url: string) =>
        `document.body.append(Object.assign(document.createElement('iframe'), { src: ${JSON.stringify(url)} }));`,
    ],
    [
      'form-action',
      (url: string) =>
        `document.body.append(Object.assign(document.createElement('form'), { action: ${JSON.stringify(url)} })); document.forms[0].submit();`,
    ],
  ])('lets nothing remote in: %s', async (directive, deed) => {
    const [broken] = await policyViolation(deed(outsideUrl));
    expect(broken).toBe(directive);
    expect(visits).toBe(0);
  });

  it('fetches nothing remote even when the main process itself is told to', async () => {
    const cause = await launched.app.evaluate(async ({ session }, url) => {
      try {
        return `fetched ${(await session.defaultSession.fetch(url)).status}`;
      } catch (error) {
        return String(error);
      }
    }, outsideUrl);
    expect(cause).toContain('ERR_BLOCKED_BY_CLIENT');
    expect(visits).toBe(0);
  });
});

describe('what the page may not do (5, 11-14)', () => {
  it.each([
    'geolocation',
    'notifications',
    'camera',
    'microphone',
    'midi',
    'clipboard-read',
    'persistent-storage',
  ])('has no permission for %s', async (name) => {
    const state = await inPage(
      `navigator.permissions.query({ name: ${JSON.stringify(name)} }).then(({ state }) => state)`,
    );
    expect(state).toBe('denied');
  });

  it('gets no permission by asking for it', async () => {
    expect(await inPage('Notification.requestPermission()')).toBe('denied');
    const refused = `.then(() => 'granted', (cause) => cause.name)`;
    expect(await inPage(`navigator.mediaDevices.getUserMedia({ audio: true })${refused}`)).not.toBe(
      'granted',
    );
    expect(await inPage(`navigator.mediaDevices.getDisplayMedia()${refused}`)).not.toBe('granted');
  });

  it.each(['app://console/index.html', 'about:blank', 'https://docs.kernel.org/'])(
    'opens no window for %s',
    async (url) => {
      expect(await inPage(`window.open(${JSON.stringify(url)})`)).toBeNull();
      expect(await launched.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(
        1,
      );
    },
  );

  it('attaches no webview', async () => {
    const count = ({ webContents }: { webContents: { getAllWebContents(): WebContents[] } }) =>
      webContents.getAllWebContents().length;
    const before = await launched.app.evaluate(count);
    await inPage(
      `void document.body.append(Object.assign(document.createElement('webview'), { src: 'app://console/' }))`,
    );
    expect(await inPage(`typeof document.querySelector('webview').loadURL`)).toBe('undefined');
    expect(await launched.app.evaluate(count)).toBe(before);
  });

  const navigate = (deed: string): Promise<unknown> => {
    const seen = launched.app.evaluate(
      ({ BrowserWindow }) =>
        new Promise((resolve) => {
          BrowserWindow.getAllWindows()[0]?.webContents.once('will-navigate', (event) =>
            resolve([event.url, event.defaultPrevented]),
          );
        }),
    );
    // Back in the main process once, so that the listener is there before the page acts.
    return launched.app
      .evaluate(() => undefined)
      .then(() => inPage(deed))
      .then(() => seen);
  };

  it.each(['https://example.com/', 'app://other/index.html'])('does not go to %s', async (url) => {
    const before = launched.page.url();
    expect(await navigate(`void (location.href = ${JSON.stringify(url)})`)).toEqual([url, true]);
    expect(await send(launched.page, 'snapshot', {})).toMatchObject({ ok: true });
    expect(launched.page.url()).toBe(before);
  });

  it('does not go to a web page on this machine either', async () => {
    expect(await navigate(`void (location.href = ${JSON.stringify(outsideUrl)})`)).toEqual([
      outsideUrl,
      true,
    ]);
    expect(visits).toBe(0);
  });

  it('is redirected to nowhere else, though its own origin says so', async () => {
    // An app of its own: in this one app:// answers with redirects in place of the files.
    const redirected = await launchElectron(inject('stage'));
    try {
      for (const target of ['http://example.com/', outsideUrl, 'app://other/index.html']) {
        const seen = await redirected.app.evaluate(async ({ BrowserWindow, protocol }, to) => {
          protocol.unhandle('app');
          protocol.handle('app', () => new Response(null, { status: 302, headers: { Location: to } }));
          const window = new BrowserWindow({ show: false });
          let told: unknown = null;
          window.webContents.on('will-redirect', (event) => (told = [event.url, event.defaultPrevented]));
          const end = await window.loadURL('app://console/index.html').then(() => 'loaded', String);
          const result = { told, end, at: window.webContents.getURL() };
          window.destroy();
          return result;
        }, target);
        expect(seen).toEqual({ told: [target, true], end: expect.stringContaining('ERR_'), at: '' });
      }
      expect(visits).toBe(0);
    } finally {
      await redirected.close();
    }
  });

  it('downloads nothing but what it made itself', async () => {
    type Seen = { downloads: [string, boolean][] };
    await launched.app.evaluate(({ session }) => {
      const seen = globalThis as unknown as Seen;
      seen.downloads = [];
      session.defaultSession.on('will-download', (event, item) => {
        seen.downloads.push([item.getURL().slice(0, 5), event.defaultPrevented]);
        item.cancel();
      });
    });
    const download = (url: string) =>
      `(() => { const link = Object.assign(document.createElement('a'), { href: ${url}, download: 'a.txt' });
        document.body.append(link); link.click(); link.remove(); })()`;
    await inPage(download(`'data:text/plain,no'`));
    await inPage(download(`URL.createObjectURL(new Blob(['run']))`));
    await expect
      .poll(() => launched.app.evaluate(() => (globalThis as unknown as Seen).downloads))
      .toEqual([
        ['data:', true],
        ['blob:', false],
      ]);
  });
});
