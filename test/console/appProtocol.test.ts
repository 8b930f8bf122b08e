import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerAppRequest, appPath } from '../../src-main/console/appProtocol.ts';

let scratch = '';
let root = '';

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'app-protocol-'));
  root = join(scratch, 'renderer');
  mkdirSync(join(root, 'assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), '<!doctype html>page');
  writeFileSync(join(root, 'assets', 'index-abc_1.js'), 'export {};');
  writeFileSync(join(root, 'assets', 'plex.woff2'), 'font');
  writeFileSync(join(root, 'assets', 'strange.exe'), 'no');
  writeFileSync(join(root, '.hidden.js'), 'no');
  writeFileSync(join(scratch, 'secret.js'), 'secret');
  mkdirSync(join(scratch, 'renderer-beside'));
  writeFileSync(join(scratch, 'renderer-beside', 'secret.js'), 'secret');
  symlinkSync(join(scratch, 'secret.js'), join(root, 'assets', 'link.js'));
  symlinkSync(scratch, join(root, 'assets', 'up'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const get = (url: string, method = 'GET') => answerAppRequest(root, { method, url });

describe('app://', () => {
  it.each([
    ['app://console/', 'text/html; charset=utf-8', '<!doctype html>page'],
    ['app://console/index.html', 'text/html; charset=utf-8', '<!doctype html>page'],
    ['app://console/index.html?a=1#/runs', 'text/html; charset=utf-8', '<!doctype html>page'],
    ['app://console/assets/index-abc_1.js', 'text/javascript; charset=utf-8', 'export {};'],
    ['app://console/assets/plex.woff2', 'font/woff2', 'font'],
  ])('serves %s as %s', async (url, type, text) => {
    const response = await get(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe(text);
  });

  it.each([
    'app://console/../secret.js',
    'app://console/assets/../../secret.js',
    'app://console/%2e%2e/secret.js',
    'app://console/%2e%2e%2fsecret.js',
    'app://console/..%2fsecret.js',
    'app://console/..%2Fsecret.js',
    'app://console/assets%2f..%2f..%2fsecret.js',
    'app://console/..%5csecret.js',
    'app://console/..\\secret.js',
    'app://console/%252e%252e%252fsecret.js',
    'app://console/assets/link.js',
    'app://console/assets/up/secret.js',
    'app://console/../renderer-beside/secret.js',
    'app://console/..%2frenderer-beside%2fsecret.js',
    'app://console//etc/passwd',
    'app://console/%2fetc%2fpasswd',
    'app://console/index.html%00.js',
    'app://console/index.html%00',
    'app://console/.hidden.js',
    'app://console/assets/strange.exe',
    'app://console/assets/',
    'app://console/assets',
    'app://console/absent.js',
    'app://other/index.html',
    'app://console:8080/index.html',
    'app://name@console/index.html',
    'app:///index.html',
    'file:///etc/passwd',
    'https://console/index.html',
    'not a URL',
    '',
  ])('has no %s', async (url) => {
    const response = await get(url);
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    expect((await get('app://console/index.html', method)).status).toBe(405);
  });

  it('answers HEAD with the headers alone', async () => {
    const response = await get('app://console/index.html', 'HEAD');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it.each(['app://console/index.html', 'app://console/absent'])('puts the policy on %s', async (url) => {
    const { headers } = await get(url);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy.split('; ')).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('never gives what lies outside, whatever the path is made of', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      '%00',
      'secret.js',
      'assets',
      'up',
      'link.js',
      '%25',
      '',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const response = await get(`app://console/${pieces.join('')}`);
        expect(await response.text()).not.toBe('secret');
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves the path as it was received', () => {
    expect(appPath('app://console/a%2fb')).toBe('/a%2fb');
    expect(appPath('app://elsewhere/a')).toBeNull();
  });
});
