import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { protocols } from '../../src-main/core/recovery/phase.ts';
import { build, buildState } from '../../src-main/door/builtPage.ts';
import {
  fetchRuntime,
  findRuntime,
  windowTrouble,
  type Machine,
} from '../../src-main/door/electronRuntime.ts';
import { describeWait } from '../../src-main/door/openWaits.ts';
import { runElectron } from '../../src-main/door/runElectron.ts';
import { parseStartWords } from '../../src-main/door/startWords.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A package with these files; `at` is their time, in seconds. */
const makePackage = (files: Readonly<Record<string, string>>, at = 1_000): string => {
  const root = mkdtempSync(join(tmpdir(), 'recovery-bench-start-'));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) write(root, name, text, at);
  return root;
};
const write = (root: string, name: string, text: string, at: number): void => {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  utimesSync(path, at, at);
};

const products = { 'out/main/index.js': '', 'out/preload/index.cjs': '', 'out/renderer/index.html': '' };

describe('the built console', () => {
  it('is fresh, stale or missing', () => {
    const root = makePackage({ ...products, 'src-main/core/deep/file.ts': '' });
    expect(buildState(root)).toBe('fresh');
    write(root, 'src-renderer/App.vue', '', 1_001);
    expect(buildState(root)).toBe('stale');
    rmSync(join(root, 'src-renderer'), { recursive: true });
    write(root, 'src-main/core/deep/file.ts', '', 1_001);
    expect(buildState(root)).toBe('stale');
    for (const name of Object.keys(products)) write(root, name, '', 1_002);
    expect(buildState(root)).toBe('fresh');
    rmSync(join(root, 'out/preload/index.cjs'));
    expect(buildState(root)).toBe('missing');
  });

  it('of a package without sources is fresh', () => {
    expect(buildState(makePackage(products))).toBe('fresh');
  });

  it('says what to run when it cannot be built, and what the build said', async () => {
    const bare = await build(makePackage({}));
    expect(bare).toMatchObject({ ok: false, error: { message: expect.stringContaining('"npm ci"') } });
    const tool = 'node_modules/electron-vite/bin/electron-vite.js';
    const broken = makePackage({
      [tool]: 'process.stderr.write("App.vue is broken"); process.exitCode = 1;',
    });
    const failed = await build(broken);
    expect(failed).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('App.vue is broken') },
    });
    const fine = makePackage({ [tool]: '' });
    expect((await build(fine)).ok).toBe(true);
  });
});

describe('a window', () => {
  const desk: Machine = { platform: 'linux', environment: { DISPLAY: ':0' }, userId: 1000, words: [] };
  it.each<[string, Partial<Machine>, RegExp | null]>([
    ['an ordinary user before X', {}, null],
    ['an ordinary user before Wayland', { environment: { WAYLAND_DISPLAY: 'wayland-0' } }, null],
    ['nobody’s display', { environment: {} }, /no display/],
    ['an empty DISPLAY', { environment: { DISPLAY: '', WAYLAND_DISPLAY: '' } }, /no display/],
    ['root', { userId: 0 }, /root/],
    ['root without a display', { userId: 0, environment: {} }, /no display/],
    ['root who says so', { userId: 0, words: ['--no-sandbox'] }, null],
    [
      'root who says so once and for all',
      { userId: 0, environment: { DISPLAY: ':0', ELECTRON_DISABLE_SANDBOX: '1' } },
      null,
    ],
    ['macOS', { platform: 'darwin', environment: {} }, null],
    ['Windows', { platform: 'win32', environment: {}, userId: null }, null],
  ])('for %s', (_who, machine, trouble) => {
    const said = windowTrouble({ ...desk, ...machine });
    if (trouble === null) expect(said).toBeNull();
    else expect(said).toMatch(trouble);
  });
});

describe('Electron’s runtime', () => {
  const home = 'node_modules/electron';
  it('is where the package or the environment says', () => {
    const root = makePackage({ [`${home}/path.txt`]: 'electron', [`${home}/dist/electron`]: '' });
    expect(findRuntime(root, {})).toBe(join(root, home, 'dist', 'electron'));
    expect(findRuntime(root, { ELECTRON_OVERRIDE_DIST_PATH: '/nowhere' })).toBeNull();
    const other = makePackage({ electron: '' });
    expect(findRuntime(root, { ELECTRON_OVERRIDE_DIST_PATH: other })).toBe(join(other, 'electron'));
    expect(findRuntime(makePackage({}), { ELECTRON_OVERRIDE_DIST_PATH: other })).toBe(
      join(other, 'electron'),
    );
    expect(findRuntime(makePackage({}), {})).toBeNull();
    expect(findRuntime(makePackage({ [`${home}/path.txt`]: 'electron' }), {})).toBeNull();
  });

  it.each([
    ['was fetched', '', true, ''],
    [
      'throws',
      'console.error(new TypeError("fetch failed").stack); process.exitCode = 1;',
      false,
      'fetched: fetch failed.',
    ],
    ['ends without a word', 'process.exitCode = 7;', false, 'fetched: exit code 7.'],
    ['never ends', 'setInterval(() => {}, 1000);', false, 'fetched: it took longer than 0.3 s.'],
  ])('when the installer %s', async (_what, installer, ok, message) => {
    const root = makePackage({ [`${home}/install.js`]: installer });
    const fetched = await fetchRuntime(root, ok ? 20_000 : installer.includes('setInterval') ? 300 : 20_000);
    expect(fetched.ok).toBe(ok);
    if (!fetched.ok) expect(fetched.error.message).toContain(message);
  });

  it('cannot be fetched by a package that is not there', async () => {
    expect(await fetchRuntime(makePackage({}), 1_000)).toMatchObject({ ok: false });
  });

  it.each([
    ['exit 0', { kind: 'closed' }],
    [
      'echo "libnss3.so is missing." >&2; exit 127',
      { kind: 'stillborn', why: 'exit code 127: libnss3.so is missing' },
    ],
    [
      'echo "[1:2/3:ERROR:env.cc(258)] No platform." >&2; kill -SEGV $$',
      { kind: 'stillborn', why: 'ended by SIGSEGV: No platform' },
    ],
  ])('that runs “%s”', async (script, end) => {
    const root = makePackage({ electron: `#!/bin/sh\n${script}\n` });
    expect(await runElectron(join(root, 'electron'), [], { PATH: '/usr/bin:/bin' })).toEqual(end);
  });

  it('that cannot be started at all is stillborn', async () => {
    expect(await runElectron('/nowhere/electron', [], {})).toMatchObject({ kind: 'stillborn' });
  });
});

describe('the words of npm start', () => {
  const nothing = { browser: false, runs: null, forElectron: [], forServe: [] };
  it.each<[string[], object]>([
    [[], nothing],
    [['--browser'], { ...nothing, browser: true }],
    [['--no-sandbox'], { ...nothing, forElectron: ['--no-sandbox'] }],
    [['--', '--disable-gpu'], { ...nothing, forElectron: ['--disable-gpu'] }],
    [['--runs', 'here'], { ...nothing, runs: 'here', forServe: ['--runs', 'here'] }],
    [['--port', '80'], { ...nothing, browser: true, forServe: ['--port', '80'] }],
    [['--no-journal', '--json'], { ...nothing, browser: true, forServe: ['--no-journal', '--json'] }],
  ])('%j', (words, expected) => {
    expect(parseStartWords(words)).toEqual({ ok: true, value: expected });
  });

  it.each([[['--prot', '80']], [['hello']], [['--port']], [['--browser=yes']], [['-x']]])(
    'refuses %j',
    (words) => {
      const refused = parseStartWords(words);
      expect(refused).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
      if (!refused.ok) expect(refused.error.message).toMatch(/\.$/);
    },
  );
});

describe('a wait that is open at the end', () => {
  it('is told with the time it has left and what becomes of it', () => {
    const wait = { rig: 'simulated-1', device: '0000:01:00.0', deadline: 60_000_000, left: 43_210_000 };
    expect(describeWait({ ...wait, protocol: 'notify' })).toMatch(
      /^0000:01:00\.0 on simulated-1 waits \(notify, 43\.2 s left\)\. .* nobody brings the device back/,
    );
    expect(new Set(protocols.map((protocol) => describeWait({ ...wait, protocol }))).size).toBe(
      protocols.length,
    );
  });
});
