import type { Bridge } from '../../preload/contract/bridge.ts';
import { socketPath, tokenParameter } from '../../preload/contract/socket.ts';
import { electronLink } from './electronLink.ts';
import type { Link } from './link.ts';
import { socketLink, type Socket } from './socketLink.ts';

declare global {
  interface Window {
    /** Exposed by the preload; absent in a browser. */
    readonly recoveryBench?: Bridge;
  }
}

/** The token is the key to the bench: it is taken out of the address bar, the history and every copied link. */
const takeToken = (): string => {
  const address = new URL(window.location.href);
  const token = address.searchParams.get('token') ?? '';
  if (token === '') return '';
  address.searchParams.delete('token');
  window.history.replaceState(window.history.state, '', address);
  return token;
};

const keptToken = 'recovery-bench:token';

/** A reload of the page has lost the token of the first address: it is kept for this tab only. */
const tokenOfThisTab = (): string => {
  const given = takeToken();
  try {
    if (given !== '') window.sessionStorage.setItem(keptToken, given);
    return given === '' ? (window.sessionStorage.getItem(keptToken) ?? '') : given;
  } catch {
    return given;
  }
};

/** The preload's bridge in Electron, else a WebSocket to the host that served this page. */
export const connectBridge = (): Link => {
  if (window.recoveryBench !== undefined) return electronLink(window.recoveryBench);
  const token = tokenOfThisTab();
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  const address = `${scheme}://${window.location.host}${socketPath}?${tokenParameter}=${encodeURIComponent(token)}`;
  return socketLink(() => new WebSocket(address) as Socket);
};
