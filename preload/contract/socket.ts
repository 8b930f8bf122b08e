import type { Result } from '../../src-main/core/result.ts';
import type { DeltaBatch } from './deltas.ts';

/**
 * The contract over a WebSocket. The page takes the token from its own address (`?token=`) and connects to
 * `ws://<its own host>/socket?token=…`. Messages are JSON text, one object each.
 */
export const socketPath = '/socket';
export const tokenParameter = 'token';

/** Page -> door. The id is the page's own count; the answer repeats it. */
export interface SocketRequest {
  /** A whole number, not negative. */
  readonly id: number;
  readonly command: string;
  readonly input: unknown;
}

/** Door -> page. An answer to what could not be read as a request has no id. */
export type SocketMessage =
  { readonly id: number | null; readonly result: Result<unknown> } | { readonly deltas: DeltaBatch };

/**
 * Why the door closes a socket. After any of them the page may connect again and starts with a new snapshot; 1009 is
 * the protocol's own code for a message that is too big.
 */
export const closeCodes = { goingAway: 1001, messageTooBig: 1009, viewerTooSlow: 4001 } as const;
