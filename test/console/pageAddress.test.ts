import { describe, expect, it } from 'vitest';
import {
  deviceRoute,
  isOwnUrl,
  originOf,
  pageAddress,
  routeUrl,
} from '../../src-main/console/pageAddress.ts';

const built = pageAddress(true, undefined);

describe('where the page lives', () => {
  it('is the app’s own scheme in a packaged app, whatever the environment says', () => {
    expect(pageAddress(true, 'http://localhost:5173').home).toBe('app://console/index.html');
    expect(built.development).toBe(false);
  });

  it.each(['http://localhost:5173', 'http://127.0.0.1:5173/', 'http://[::1]:5173'])(
    'is the developer’s server %s in an unpackaged one',
    (url) => {
      const page = pageAddress(false, url);
      expect(page.development).toBe(true);
      expect(page.origin).toBe(new URL(url).origin);
    },
  );

  it.each([
    undefined,
    '',
    'not a URL',
    'http://example.com:5173',
    'https://localhost:5173',
    'http://localhost.example.com',
    'http://user@localhost:5173',
    'file:///tmp/index.html',
  ])('is not %s, unpackaged or not', (url) => {
    expect(pageAddress(false, url)).toEqual(built);
  });

  it('tells the origins of an app’s own scheme apart, where URL.origin does not', () => {
    expect(originOf('app://console/index.html#/runs')).toBe('app://console');
    expect(originOf('app://other/')).toBe('app://other');
    expect(originOf('about:blank')).toBeNull();
    expect(originOf('app://name:word@console/')).toBeNull();
    expect(originOf('')).toBeNull();
  });

  it.each([
    ['app://console/', true],
    ['app://console/assets/index.js', true],
    ['app://console.example/', false],
    ['app://console:1/', false],
    ['app://CONSOLE/', false],
    ['app:console/', false],
    ['app://console@evil/', false],
    ['https://console/', false],
    ['blob:app://console/00000000-0000-0000-0000-000000000000', false],
    ['data:text/html,app://console/', false],
    ['javascript:"app://console/"', false],
    ['file:///index.html', false],
    ['about:srcdoc', false],
  ])('%s is its own: %s', (url, own) => {
    expect(isOwnUrl(url, built)).toBe(own);
  });

  it('gives a device an address that keeps what is in the names', () => {
    expect(routeUrl(built, deviceRoute('z16/lab #1', '0000:01:00.0'))).toBe(
      'app://console/index.html#/device/z16%2Flab%20%231/0000%3A01%3A00.0/handshake',
    );
  });
});
