import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = ['src-main', 'preload', 'src-renderer'].flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|vue|html)$/.test(name))
    .map((name) => ({ name: `${room}/${name}`, text: readFileSync(join(root, room, name), 'utf8') })),
);

const holding = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

/** Electron's security checklist: what no source may say, because its default is the safe one. */
describe('no source', () => {
  it.each([
    ['turns web security off', /webSecurity/],
    ['allows insecure content', /allowRunningInsecureContent|allow-running-insecure-content/],
    ['sets experimental or blink features', /experimentalFeatures|enableBlinkFeatures|blink-features/i],
    ['turns the sandbox or the isolation off', /appendSwitch|sandbox:\s*false|contextIsolation:\s*false/],
    ['gives the page Node', /nodeIntegration\w*:\s*true/],
    ['has a webview', /webviewTag:\s*true|<webview/],
    ['loads a file instead of app://', /loadFile\(/],
    ['decides about certificates', /certificate-error|setCertificateVerifyProc|ignore-certificate-errors/],
    ['opens a debugging port', /remote-debugging|inspect-brk/],
    ['exposes the whole of ipcRenderer', /exposeInMainWorld\([^)]*ipcRenderer\s*[,)]/],
    ['runs text as a program', /\beval\(|new Function\(|executeJavaScript|v-html|innerHTML/],
    ['calls the other side and waits for it, which stops the page', /sendSync/],
  ])('%s', (_what, pattern) => {
    expect(holding(pattern)).toEqual([]);
  });

  it('but one hears the page, and one opens links', () => {
    expect(holding(/ipcMain\.(handle|on|once)\(/)).toEqual(['src-main/console/ipc.ts']);
    expect(holding(/shell\.openExternal\(/)).toEqual(['src-main/console/externalLinks.ts']);
  });

  it('goes without Chromium’s sandbox but by the user’s own word, which npm start hands on', () => {
    expect(holding(/no-sandbox/).sort()).toEqual([
      'src-main/door/electronRuntime.ts',
      'src-main/door/startWords.ts',
    ]);
  });

  it('was overlooked: the window that is made spells out sandbox, isolation and no Node', () => {
    expect(holding(/new BrowserWindow\(/)).toEqual(['src-main/console/window.ts']);
    const text = sources.find(({ name }) => name === 'src-main/console/window.ts')?.text;
    expect(text).toMatch(/sandbox: true,\s+contextIsolation: true,\s+nodeIntegration: false,/);
  });
});

describe('the linter', () => {
  const lint = async (code: string, file: string) => {
    const [result] = await new ESLint({ cwd: root }).lintText(code, { filePath: join(root, file) });
    return result?.messages.map(({ ruleId }) => ruleId);
  };

  it.each([
    ["import { shell } from 'electron';\nvoid shell;\n", 'no-restricted-imports'],
    ["import { ipcMain } from 'electron';\nvoid ipcMain;\n", 'no-restricted-imports'],
    ["import electron from 'electron';\nvoid electron;\n", 'no-restricted-imports'],
    [
      "import * as electron from 'electron';\nvoid electron.shell.openExternal('');\n",
      'no-restricted-properties',
    ],
  ])('refuses %j outside its one place', async (code, rule) => {
    expect(await lint(code, 'src-main/console/menu.ts')).toContain(rule);
  });

  it('allows it in its one place', async () => {
    const code = "import { ipcMain } from 'electron';\nvoid ipcMain;\n";
    expect(await lint(code, 'src-main/console/ipc.ts')).toEqual([]);
  });
});

describe('Electron', () => {
  it('is of a major that is still supported: 43 to 45 in November 2026', () => {
    const manifest = readFileSync(join(root, 'node_modules', 'electron', 'package.json'), 'utf8');
    const major = Number((JSON.parse(manifest) as { version: string }).version.split('.')[0]);
    expect(major).toBeGreaterThanOrEqual(43);
  });
});
