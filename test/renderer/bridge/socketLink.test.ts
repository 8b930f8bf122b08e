import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { timeouts } from '../../../preload/contract/timeouts.ts';
import { done } from '../../../src-main/core/result.ts';
import { socketLink, type Socket } from '../../../src-renderer/bridge/socketLink.ts';

class FakeSocket implements Socket {
  readyState = 0;
  readonly sent: { id: number; command: string; input: unknown }[] = [];
  readonly #listeners: { type: string; listener: (event: { data?: unknown }) => void }[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number]);
  }
  close(): void {
    this.tell('close');
  }
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.#listeners.push({ type, listener });
  }
  tell(type: 'open' | 'close' | 'message', data?: unknown): void {
    this.readyState = type === 'open' ? 1 : type === 'close' ? 3 : this.readyState;
    const event = data === undefined ? {} : { data: JSON.stringify(data) };
    for (const known of this.#listeners) if (known.type === type) known.listener(event);
  }
}

const started = () => {
  const sockets: FakeSocket[] = [];
  const link = socketLink(() => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  });
  return { link, sockets, last: (): FakeSocket => sockets.at(-1) as FakeSocket };
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('socketLink', () => {
  it('sends a command and gives each answer to who asked', async () => {
    const { link, last } = started();
    last().tell('open');
    const first = link.bridge.scenarios({});
    const second = link.bridge.runs({});
    const [one, two] = last().sent;
    expect(one).toMatchObject({ command: 'scenarios', input: {} });
    last().tell('message', { id: two?.id, result: { ok: true, value: ['second'] } });
    last().tell('message', { id: one?.id, result: { ok: true, value: ['first'] } });
    expect(await first).toEqual({ ok: true, value: ['first'] });
    expect(await second).toEqual({ ok: true, value: ['second'] });
  });

  it('hands on deltas until nobody listens', () => {
    const { link, last } = started();
    last().tell('open');
    const heard: unknown[] = [];
    const stop = link.bridge.onDeltas((batch) => heard.push(...batch));
    last().tell('message', { deltas: [{ number: 1 }] });
    stop();
    last().tell('message', { deltas: [{ number: 2 }] });
    expect(heard).toEqual([{ number: 1 }]);
  });

  it('answers linkLost when the link is down or breaks, and keeps nobody waiting', async () => {
    const { link, last } = started();
    expect(await link.bridge.runs({})).toMatchObject({ ok: false, error: { code: 'linkLost' } });
    last().tell('open');
    const asked = link.bridge.runs({});
    last().tell('close');
    expect(await asked).toMatchObject({ ok: false, error: { code: 'linkLost' } });
    expect(link.state()).toBe('waiting');
  });

  it('connects again after pauses that grow to 5 s, and at once is patient anew when it was open', () => {
    const { link, sockets, last } = started();
    const states: string[] = [];
    link.onState((state) => states.push(state));
    const pauses = [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000];
    for (const [index, pause] of pauses.entries()) {
      last().tell('close');
      vi.advanceTimersByTime(pause - 1);
      expect(sockets).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(index + 2);
    }
    last().tell('open');
    last().tell('close');
    vi.advanceTimersByTime(250);
    expect(sockets).toHaveLength(pauses.length + 2);
    expect(states).toEqual(['open', 'waiting']);
  });

  it('does not connect again once it was closed', () => {
    const { link, sockets } = started();
    link.close();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
  });

  it('gives up waiting after the command’s own time', async () => {
    const { link, last } = started();
    last().tell('open');
    const asked = link.bridge.acknowledge({ rig: 'r', device: 'd', token: 't', operator: 'o', reason: 'r' });
    await vi.advanceTimersByTimeAsync(timeouts.acknowledge);
    expect(await asked).toMatchObject({ ok: false, error: { code: 'callTimedOut' } });
    // An answer that comes later finds nobody.
    last().tell('message', { id: last().sent[0]?.id, result: done });
  });
});
