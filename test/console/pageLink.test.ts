import { describe, expect, it } from 'vitest';
import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import { commandNames } from '../../preload/contract/names.ts';
import { success } from '../../src-main/core/result.ts';
import { pageAddress } from '../../src-main/console/pageAddress.ts';
import { PageLink } from '../../src-main/console/pageLink.ts';
import type { Sender } from '../../src-main/console/sender.ts';
import type { ServiceConnection } from '../../src-main/service/benchService.ts';

const page = pageAddress(true, undefined);
const own: Sender = { url: 'app://console/index.html#/runs', isMainFrame: true, webContentsId: 7 };

/** A service that keeps account of who connected, and tells deltas on request. */
const lab = () => {
  const executed: string[] = [];
  const pushed: DeltaBatch[] = [];
  const connections: { open: boolean; tell: (batch: DeltaBatch) => void }[] = [];
  const connect = (): ServiceConnection => {
    const listeners = new Set<(batch: DeltaBatch) => void>();
    const connection = {
      open: true,
      tell: (batch: DeltaBatch) => listeners.forEach((listener) => listener(batch)),
    };
    connections.push(connection);
    return {
      execute: async (name, input) => {
        if (name === 'explain') throw new Error('a defect');
        executed.push(name);
        return success(input);
      },
      onDeltas: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      close: () => {
        connection.open = false;
      },
    };
  };
  const link = new PageLink({ page, webContentsId: 7, connect, push: (batch) => pushed.push(batch) });
  return { link, executed, pushed, connections };
};

const strangers: readonly [string, Sender | null][] = [
  ['a frame that is gone', null],
  ['a frame inside the page', { ...own, isMainFrame: false }],
  ['another window', { ...own, webContentsId: 8 }],
  ['a web page', { ...own, url: 'https://example.com/' }],
  ['a file', { ...own, url: 'file:///index.html' }],
  ['another host of the scheme', { ...own, url: 'app://other/index.html' }],
  ['a longer host', { ...own, url: 'app://console.example/' }],
  ['a page that was not loaded yet', { ...own, url: '' }],
  ['a blank page', { ...own, url: 'about:blank' }],
  ['a developer’s server, of which this app knows nothing', { ...own, url: 'http://localhost:5173/' }],
];

describe.each(commandNames)('the channel of %s', (name) => {
  it.each(strangers)('refuses %s and runs nothing', async (_who, sender) => {
    const { link, executed, connections } = lab();
    const result = await link.answer(sender, name, {});
    expect(result).toMatchObject({ ok: false, error: { code: 'senderRefused' } });
    expect(executed).toEqual([]);
    expect(connections).toEqual([]);
  });
});

const batch = (number: number): DeltaBatch => [{ number, kind: 'rigRemoved', rig: 'simulated' }];

describe('the page’s link to the service', () => {
  it('hands the page’s own commands on, over one connection', async () => {
    const { link, executed, connections } = lab();
    expect(await link.answer(own, 'snapshot', { a: 1 })).toEqual(success({ a: 1 }));
    await link.answer(own, 'runs', {});
    expect(executed).toEqual(['snapshot', 'runs']);
    expect(connections).toHaveLength(1);
  });

  it('answers with a Result even when the service throws', async () => {
    const result = await lab().link.answer(own, 'explain', {});
    expect(result).toMatchObject({ ok: false, error: { code: 'linkLost' } });
  });

  it('gives the next page a connection of its own, and no delta of the old one', async () => {
    const { link, pushed, connections } = lab();
    await link.answer(own, 'snapshot', {});
    connections[0]?.tell(batch(1));
    link.pageGone();
    connections[0]?.tell(batch(2));
    expect(connections[0]?.open).toBe(false);
    await link.answer(own, 'snapshot', {});
    connections[1]?.tell(batch(3));
    expect(connections.map((connection) => connection.open)).toEqual([false, true]);
    expect(pushed).toEqual([batch(1), batch(3)]);
  });

  it('closes once, however often the page goes', async () => {
    const { link, connections } = lab();
    link.pageGone();
    await link.answer(own, 'snapshot', {});
    link.pageGone();
    link.pageGone();
    expect(connections).toHaveLength(1);
  });
});
