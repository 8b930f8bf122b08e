import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

/**
 * The names that the build gives to files of the page. What a path may be is spelt out instead of what it may not: no
 * percent sign, so nothing is decoded; no backslash, no NUL, no empty segment, and none that begins with a dot.
 */
const pagePathPattern = /^(?:\/[A-Za-z0-9_@~-][A-Za-z0-9_@~.-]*)+$/;

/** The path of a file below the page's folder for the path of a URL, as it was received; null when there is none. */
export const pagePath = (urlPath: string): string | null => {
  if (urlPath === '/') return 'index.html';
  return urlPath.length <= 200 && pagePathPattern.test(urlPath) ? urlPath.slice(1) : null;
};

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
};

export interface PageFile {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A file of the built page, or null: not there, no kind of file that a page has, or (by a link) not in its folder. */
export const readPageFile = async (folder: string, urlPath: string): Promise<PageFile | null> => {
  const path = pagePath(urlPath);
  if (path === null) return null;
  const mediaType = mediaTypes[extname(path)];
  if (mediaType === undefined) return null;
  try {
    const file = await realpath(join(folder, path));
    if (!file.startsWith((await realpath(folder)) + sep)) return null;
    return { mediaType, bytes: await readFile(file) };
  } catch {
    return null;
  }
};

/**
 * What the page may load and talk to: its own files and nothing else, no eval, no inline script or style.
 * `connect`: where it may send, besides its own files; Electron's page talks over the bridge and needs nothing.
 */
export const contentSecurityPolicy = (connect: readonly string[] = []): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    `connect-src ${connect.length === 0 ? "'none'" : connect.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** The headers of everything that is served to the page, over app:// and http:// alike. */
export const pageHeaders = (connect: readonly string[] = []): Readonly<Record<string, string>> => ({
  'Content-Security-Policy': contentSecurityPolicy(connect),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()',
  'Cache-Control': 'no-store',
});
