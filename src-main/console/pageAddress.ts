/** Where the page lives. Its scheme is the app's own, so that no web page and no file can share its origin. */
export const appScheme = 'app';
export const appHost = 'console';

export interface PageAddress {
  readonly origin: string;
  /** What the window opens; a route is added as its fragment. */
  readonly home: string;
  /** Served by the developer's server on this machine, not from the built files. */
  readonly development: boolean;
}

const builtPage: PageAddress = {
  origin: `${appScheme}://${appHost}`,
  home: `${appScheme}://${appHost}/index.html`,
  development: false,
};

/**
 * The origin of a URL, or null. `URL.origin` says "null" for every scheme of an app's own, which would make all of
 * them equal. A URL with a user name or password in it has none here: the page's never does.
 */
export const originOf = (text: string): string | null => {
  if (!URL.canParse(text)) return null;
  const { protocol, host, username, password } = new URL(text);
  return host === '' || username !== '' || password !== '' ? null : `${protocol}//${host}`;
};

const onThisMachine = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Electron's security checklist, item 17: a developer's server counts only in an unpackaged app, and only on this
 * machine. `developmentUrl`: what electron-vite sets in ELECTRON_RENDERER_URL.
 */
export const pageAddress = (packaged: boolean, developmentUrl: string | undefined): PageAddress => {
  if (packaged || developmentUrl === undefined || !URL.canParse(developmentUrl)) return builtPage;
  const { protocol, hostname } = new URL(developmentUrl);
  const origin = originOf(developmentUrl);
  return protocol === 'http:' && onThisMachine.has(hostname) && origin !== null
    ? { origin, home: `${origin}/`, development: true }
    : builtPage;
};

export const isOwnUrl = (url: string, page: PageAddress): boolean => originOf(url) === page.origin;

/** The page at one of its routes (`#/device/…`). */
export const routeUrl = (page: PageAddress, route: string): string => `${page.home}#${route}`;

export const deviceRoute = (rig: string, device: string): string =>
  `/device/${encodeURIComponent(rig)}/${encodeURIComponent(device)}/handshake`;
