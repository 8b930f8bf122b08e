import { describe, expect, it } from 'vitest';
import { mayOpenExternally } from '../../src-main/console/allowedLinks.ts';
import { mayReopen } from '../../src-main/console/crashLoop.ts';
import { pageAddress } from '../../src-main/console/pageAddress.ts';
import { mayDownload, mayRequest } from '../../src-main/console/security.ts';

const built = pageAddress(true, undefined);
const developed = pageAddress(false, 'http://localhost:5173');

describe('links to the system’s browser', () => {
  it.each([
    'https://docs.kernel.org/PCI/pci-error-recovery.html',
    'https://docs.kernel.org/driver-api/vfio.html#vfio-usage-example',
    'https://lore.kernel.org/kvm/',
  ])('may go to %s', (url) => {
    expect(mayOpenExternally(url)).toBe(true);
  });

  it.each([
    'http://docs.kernel.org/',
    'https://docs.kernel.org.example.com/',
    'https://example.com/docs.kernel.org',
    'https://docs.kernel.org:8443/',
    'https://docs.kernel.org@example.com/',
    'https://name@docs.kernel.org/',
    'https://docs.kernel.org/?carried=out',
    'https://kernel.org/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'smb://docs.kernel.org/share',
    'ms-msdt:/id',
    'docs.kernel.org',
    '',
  ])('may not go to %s', (url) => {
    expect(mayOpenExternally(url)).toBe(false);
  });
});

describe('what the session may fetch', () => {
  it.each([
    ['app://console/index.html', true, true],
    ['blob:app://console/0a', true, false],
    ['data:image/png;base64,AA==', true, true],
    ['app://other/index.html', false, false],
    ['https://example.com/', false, false],
    ['http://localhost:5173/main.ts', false, true],
    ['ws://localhost:5173/', false, true],
    ['http://localhost:5174/', false, false],
    ['ws://example.com/', false, false],
    ['blob:https://example.com/0a', false, false],
    ['devtools://devtools/bundled/inspector.html', false, true],
    ['file:///etc/passwd', false, false],
    ['chrome://version', false, false],
    ['ftp://console/', false, false],
  ])('%s: %s built, %s while developing', (url, whenBuilt, whenDeveloped) => {
    expect(mayRequest(url, built)).toBe(whenBuilt);
    if (!url.includes('app://console')) expect(mayRequest(url, developed)).toBe(whenDeveloped);
  });

  it.each([
    ['blob:app://console/0a', true],
    ['blob:app://console.example/0a', false],
    ['app://console/index.html', false],
    ['data:text/plain,a', false],
    ['https://example.com/file', false],
  ])('downloads %s: %s', (url, allowed) => {
    expect(mayDownload(url, built)).toBe(allowed);
  });
});

describe('a page that crashes', () => {
  it.each([
    ['opens again the first time', [], 1_000, true],
    ['and the third', [1_000, 2_000], 3_000, true],
    ['but not for ever', [1_000, 2_000, 3_000], 4_000, false],
    ['while crashes of long ago do not count', [1_000, 2_000, 3_000], 62_500, true],
  ])('%s', (_what, crashes, now, again) => {
    expect(mayReopen(crashes, now)).toBe(again);
  });
});
