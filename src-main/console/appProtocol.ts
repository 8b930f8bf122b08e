import type { Protocol } from 'electron';
import { pageHeaders, readPageFile } from '../service/pageFiles.ts';
import { appHost, appScheme } from './pageAddress.ts';

/** Told before the app is ready: a standard scheme has origins and relative addresses, a secure one no mixed content. */
export const appSchemePrivileges = {
  scheme: appScheme,
  privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
};

/**
 * The path of a URL of the page, as it was received, or null when it is not a URL of the page. The path is not decoded:
 * an encoded `..` or slash stays a percent sign, and no file of the page has one in its name.
 */
export const appPath = (url: string): string | null => {
  if (!URL.canParse(url)) return null;
  const { protocol, host, username, password, pathname } = new URL(url);
  const ours = protocol === `${appScheme}:` && host === appHost && username === '' && password === '';
  return ours ? pathname : null;
};

const refusal = (status: number): Response => new Response(null, { status, headers: pageHeaders() });

/** What `app://` answers: a file of the page's folder with its headers, or a bare refusal. */
export const answerAppRequest = async (
  folder: string,
  request: { readonly method: string; readonly url: string },
): Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405);
  const path = appPath(request.url);
  const file = path === null ? null : await readPageFile(folder, path);
  if (file === null) return refusal(404);
  const body = request.method === 'HEAD' ? null : Uint8Array.from(file.bytes);
  return new Response(body, { headers: { ...pageHeaders(), 'Content-Type': file.mediaType } });
};

/** Electron's security checklist, items 7 and 18: files come over `app://` with the policy in their headers. */
export const serveApp = (protocol: Protocol, folder: string): void =>
  protocol.handle(appScheme, (request) => answerAppRequest(folder, request));
