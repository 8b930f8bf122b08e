import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeToken } from '../../src-main/door/admission.ts';
import type { Viewer } from '../../src-main/service/benchService.ts';
import { openService } from '../service/desk.ts';
import { knock, openTestDoor, sendRaw, type Knock } from './wire.ts';

const bench = openService();
const admitted: Viewer[] = [];
const service = {
  connect: (viewer: Viewer) => {
    admitted.push(viewer);
    return bench.connect(viewer);
  },
};
const door = await openTestDoor({ service });
const { port, token } = door;
const own = `http://127.0.0.1:${port}`;

describe('who may come in', () => {
  it('has a token of 128 bits, another one for each door', () => {
    const tokens = Array.from({ length: 100 }, makeToken);
    expect(new Set(tokens).size).toBe(100);
    for (const each of tokens) expect(Buffer.from(each, 'base64url')).toHaveLength(16);
    expect(new URL(door.url).searchParams.get('token')).toBe(token);
    expect(new URL(door.url).hostname).toBe('127.0.0.1');
  });

  it.each<[string, Knock]>([
    ['its own page', {}],
    ['its own page under its other name', { host: `localhost:${port}`, origin: `http://localhost:${port}` }],
  ])('lets in %s', async (_who, how) => {
    const before = admitted.length;
    expect((await knock(door, how)).status).toBe(101);
    expect(admitted).toHaveLength(before + 1);
    expect(admitted.at(-1)?.transport).toBe('browser');
  });

  it.each<[string, number, Knock]>([
    ['no token', 401, { token: null }],
    ['an empty token', 401, { token: '' }],
    ['a wrong token', 401, { token: makeToken() }],
    ['a token that is cut short', 401, { token: token.slice(0, -1) }],
    ['a token that goes on', 401, { token: `${token}A` }],
    ['a token in another case', 401, { token: token.toLowerCase() === token ? 'x' : token.toLowerCase() }],
    ['two tokens, one of them right', 401, { token: `${token}&token=x` }],
    ['a huge token', 401, { token: 'A'.repeat(8_000) }],
    ['no Origin', 403, { origin: null }],
    ['an opaque Origin, as of a sandboxed frame or a file', 403, { origin: 'null' }],
    ['a foreign Origin', 403, { origin: 'https://example.com' }],
    ['another port of this machine', 403, { origin: 'http://127.0.0.1:1' }],
    ['another scheme', 403, { origin: `https://127.0.0.1:${port}` }],
    ['an Origin that only begins like its own', 403, { origin: `${own}.example.com` }],
    ['an Origin with a path', 403, { origin: `${own}/` }],
    ['its other name as the Origin', 403, { origin: `http://localhost:${port}` }],
    ['a rebound name', 403, { host: `example.com:${port}`, origin: `http://example.com:${port}` }],
    ['a rebound name with its own Origin', 403, { host: `example.com:${port}` }],
    ['a Host without the port', 403, { host: '127.0.0.1', origin: 'http://127.0.0.1' }],
    ['a Host in IPv6', 403, { host: `[::1]:${port}`, origin: `http://[::1]:${port}` }],
    ['another path', 404, { path: '/' }],
    ['a path below', 404, { path: '/socket/' }],
    ['a path above', 404, { path: '/x/../socket' }],
  ])('refuses %s with %i, says nothing else and hangs up', async (_who, status, how) => {
    const before = admitted.length;
    expect(await knock(door, how)).toEqual({ status, body: '', closed: true });
    expect(admitted).toHaveLength(before);
  });

  it('does not tell by its answer whether a token was right when Origin or Host is not', async () => {
    const foreign = { origin: 'https://example.com' };
    expect(await knock(door, foreign)).toEqual(await knock(door, { ...foreign, token: 'wrong' }));
  });

  it('refuses two Hosts, two Origins and what is no HTTP', async () => {
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const line = `GET /socket?token=${token} HTTP/1.1\r\n`;
    const before = admitted.length;
    const host = `Host: 127.0.0.1:${port}\r\n`;
    const twoOrigins = `Origin: ${own}\r\nOrigin: https://example.com\r\n`;
    expect((await sendRaw(port, `${line}${host}${twoOrigins}${upgrade}\r\n`)).status).toBe(403);
    const foreignFirst = `Host: example.com\r\n${host}Origin: ${own}\r\n`;
    expect((await sendRaw(port, `${line}${foreignFirst}${upgrade}\r\n`)).status).toBeGreaterThanOrEqual(400);
    expect((await sendRaw(port, 'not even a request\r\n\r\n')).status).toBe(400);
    expect(admitted).toHaveLength(before);
  });

  it('lets in the origin of a development server only when it is told of one', async () => {
    const origin = 'http://127.0.0.1:5173';
    expect((await knock(door, { origin })).status).toBe(403);
    const developing = await openTestDoor({ service, origins: [origin] });
    expect((await knock(developing, { origin })).status).toBe(101);
    expect((await knock(developing, { origin: 'http://127.0.0.1:5174' })).status).toBe(403);
  });

  it('cannot be reached but at 127.0.0.1', async () => {
    // All of 127/8 is this machine: a door that listened everywhere would answer here as well.
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.2');
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
    expect(answer).toBe('ECONNREFUSED');
  });
});
