import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLink, testPage } from './wire.ts';
import { startServeProcess, type ServeProcess } from '../e2e/serveProcess.ts';
import { rng, TestViewer } from '../service/desk.ts';
import type { Door } from '../../src-main/door/door.ts';

const runs = mkdtempSync(join(tmpdir(), 'recovery-bench-serve-'));
const page = testPage();
const processes: ServeProcess[] = [];
afterAll(() => {
  for (const { child } of processes) child.kill('SIGKILL');
  rmSync(runs, { recursive: true, force: true });
});

const serve = async (...words: string[]): Promise<ServeProcess> => {
  const started = await startServeProcess(['--page', page, ...words]);
  processes.push(started);
  return started;
};

/** The door of the process, as far as a client has to know it. */
const doorOf = ({ url, port }: ServeProcess): Door => ({
  url,
  port,
  token: new URL(url).searchParams.get('token') ?? '',
  close: () => Promise.resolve(),
});

describe('rbench serve', () => {
  it('prints one line with the address, and serves the page and the bench there', async () => {
    const server = await serve('--no-journal');
    expect(server.lines).toEqual([{ type: 'serving', url: server.url, port: server.port }]);
    expect(await (await fetch(server.url)).text()).toContain('A page');
    const { connection } = await openLink(doorOf(server));
    const viewer = new TestViewer({ connect: () => connection });
    const { rigs, operator } = await viewer.snapshot();
    expect(rigs).toHaveLength(1);
    expect(rigs[0]?.devices.map(({ address }) => address)).toContain(rng);
    expect(operator.holder).toBe(operator.you);
    expect(await server.end('SIGTERM')).toBe(0);
    expect(server.lines.slice(1)).toEqual([{ type: 'ended' }]);
  });

  it('says on Ctrl+C which waits are open and what becomes of them, and ends the run in good order', async () => {
    const server = await serve('--runs', runs);
    const { connection, states } = await openLink(doorOf(server));
    const viewer = new TestViewer({ connect: () => connection });
    const rig = (await viewer.snapshot()).rigs[0]?.id ?? '';
    await viewer.arm(rig);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    expect(await server.end('SIGINT')).toBe(0);
    const [wait, ended, ...more] = server.lines.slice(1);
    expect(wait).toMatchObject({ type: 'openWait', rig, device: rng, protocol: 'notify' });
    expect(Number(wait?.['left'])).toBeGreaterThan(0);
    expect(String(wait?.['consequence'])).toMatch(/nobody brings the device back/);
    expect(ended).toEqual({ type: 'ended' });
    expect(more).toEqual([]);
    expect(states.at(-1)).toBe('waiting');
    connection.close();

    const [journal = ''] = readdirSync(runs, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.jsonl'));
    const lines = readFileSync(join(runs, journal), 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'end' });
  });

  it.each([
    ['a port that is none', ['--port', '70000'], 'The port "70000" is no whole number from 0 to 65535.'],
    ['a port in words', ['--port', 'http'], 'The port "http" is no whole number from 0 to 65535.'],
    ['a page that is not there', ['--page', runs], 'it has no index.html'],
    ['an option that is none', ['--host', '0.0.0.0'], 'nknown option'],
  ])('refuses %s with exit code 2', async (_what, words, message) => {
    const refused = startServeProcess(['--no-journal', ...words]);
    await expect(refused).rejects.toThrow('ended with 2');
    await expect(refused).rejects.toThrow(message.replaceAll('"', '\\"'));
  });

  it('refuses a port that another one has with exit code 3', async () => {
    const first = await serve('--no-journal');
    await expect(serve('--no-journal', '--port', String(first.port))).rejects.toThrow('ended with 3');
    expect(await first.end()).toBe(0);
  });
});
