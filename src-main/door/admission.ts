import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { socketPath, tokenParameter } from '../../preload/contract/socket.ts';

/** 128 random bits: whoever knows it has been given the address by the person who started the door. */
export const makeToken = (): string => randomBytes(16).toString('base64url');

export interface Admission {
  readonly port: number;
  readonly token: string;
  /** Origins besides the door's own: the development server of the page. */
  readonly origins: readonly string[];
}

/**
 * The names under which the door may be asked for. A page of elsewhere whose name was made to resolve to 127.0.0.1
 * (DNS rebinding) still sends its own name here.
 */
export const isOwnHost = (host: string | undefined, port: number): host is string =>
  host === `127.0.0.1:${port}` || host === `localhost:${port}`;

/** Digests have one length, so that the comparison takes one time whatever was sent. */
const isToken = (sent: string, token: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(sent), digest(token));
};

export interface UpgradeRequest {
  /** As it stands in the request line. */
  readonly url: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** The status that a WebSocket is refused with, or null: it may come in. Every browser sends an Origin; none is refused. */
export const refusalOf = (request: UpgradeRequest, admission: Admission): 401 | 403 | 404 | null => {
  const question = request.url.indexOf('?');
  const path = question < 0 ? request.url : request.url.slice(0, question);
  if (path !== socketPath) return 404;
  if (!isOwnHost(request.host, admission.port)) return 403;
  const isOwnOrigin = request.origin === `http://${request.host}`;
  if (!isOwnOrigin && !admission.origins.includes(request.origin ?? '')) return 403;
  const sent = new URLSearchParams(question < 0 ? '' : request.url.slice(question)).getAll(tokenParameter);
  return sent.length === 1 && isToken(sent[0] ?? '', admission.token) ? null : 401;
};
