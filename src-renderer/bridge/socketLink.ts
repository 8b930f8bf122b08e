import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import { failure, type Result } from '../../src-main/core/result.ts';
import type { Link, LinkState } from './link.ts';
import { bridgeOver, type Send } from './timeLimit.ts';

/** What a WebSocket has that is used here. */
export interface Socket {
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'close' | 'message', listener: (event: { data?: unknown }) => void): void;
}

interface Answer {
  readonly id: number;
  readonly result: Result<unknown>;
}

type Message = Answer | { readonly deltas: DeltaBatch };

const open = 1;
const firstPause = 250;
const longestPause = 5_000;

const lost = (): Result<unknown> =>
  failure(
    'linkLost',
    'The link to the bench is down; it is tried again. A recovery goes on without this page.',
  );

/**
 * The contract over a WebSocket: `{ id, command, input }` out, `{ id, result }` and `{ deltas }` in. When the link
 * breaks, calls that are under way answer `linkLost`, and it is opened again after a pause that doubles up to 5 s.
 */
export const socketLink = (openSocket: () => Socket): Link => {
  const deltaListeners = new Set<(batch: DeltaBatch) => void>();
  const stateListeners = new Set<(state: LinkState) => void>();
  const pending = new Map<number, (result: Result<unknown>) => void>();
  let state: LinkState = 'waiting';
  let socket: Socket | null = null;
  let nextId = 1;
  let pause = firstPause;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let closed = false;

  const become = (next: LinkState): void => {
    if (state === next) return;
    state = next;
    for (const listener of stateListeners) listener(next);
  };

  const receive = (text: unknown): void => {
    const message = JSON.parse(String(text)) as Message;
    if ('deltas' in message) {
      for (const listener of deltaListeners) listener(message.deltas);
      return;
    }
    pending.get(message.id)?.(message.result);
    pending.delete(message.id);
  };

  const connect = (): void => {
    const opened = openSocket();
    socket = opened;
    opened.addEventListener('open', () => {
      pause = firstPause;
      become('open');
    });
    opened.addEventListener('message', ({ data }) => {
      receive(data);
    });
    opened.addEventListener('close', () => {
      if (socket !== opened) return;
      for (const answer of pending.values()) answer(lost());
      pending.clear();
      become('waiting');
      if (closed) return;
      retry = setTimeout(connect, pause);
      pause = Math.min(pause * 2, longestPause);
    });
  };

  const send: Send = (command, input) => {
    if (socket?.readyState !== open) return Promise.resolve(lost());
    const id = nextId++;
    const answered = new Promise<Result<unknown>>((resolve) => pending.set(id, resolve));
    socket.send(JSON.stringify({ id, command, input }));
    return answered;
  };

  connect();
  return {
    bridge: bridgeOver(send, (listener) => {
      deltaListeners.add(listener);
      return () => deltaListeners.delete(listener);
    }),
    state: () => state,
    onState: (listener) => {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    close: () => {
      closed = true;
      if (retry !== null) clearTimeout(retry);
      socket?.close();
    },
  };
};
