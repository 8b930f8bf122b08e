import { describe, expect, it } from 'vitest';
import { pagePath } from '../../src-main/service/pageFiles.ts';
import { openService } from '../service/desk.ts';
import { get, openTestDoor, secret, sendRaw, testPage } from './wire.ts';

const door = await openTestDoor({ service: openService(), page: testPage() });
const { port } = door;
const host = `127.0.0.1:${port}`;

const traversals = [
  '/../secret.html',
  '/assets/../../secret.html',
  '/assets/../index.html',
  '/%2e%2e/secret.html',
  '/%2E%2E%2Fsecret.html',
  '/..%2fsecret.html',
  '/..%5csecret.html',
  '/..\\secret.html',
  '/%252e%252e/secret.html',
  '//secret.html',
  '//etc/passwd',
  '/etc/passwd',
  '/./index.html',
  '/assets/',
  '/assets',
  '/.hidden.html',
  '/program.sh',
  '/linked.html',
  '/index.html%00.js',
  '/index.html/',
  '/C:/secret.html',
  '/socket',
  `http://${host}/../secret.html`,
  'file:///etc/passwd',
  '*',
  `/${'a/'.repeat(2_000)}x.html`,
];

describe('the page that the door serves', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/index.html', 'text/html; charset=utf-8'],
    ['/?token=abc', 'text/html; charset=utf-8'],
    ['/assets/index-B-0eq5r9.js', 'text/javascript; charset=utf-8'],
  ])('has %s', async (path, mediaType) => {
    const { status, headers, body } = await get(port, path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(mediaType);
    expect(Number(headers['content-length'])).toBe(body.length);
  });

  it('may load its own files, talk to its own socket, and be in nobody’s frame', async () => {
    const { headers } = await get(port, '/');
    const policy = new Map(
      headers['content-security-policy']?.split('; ').map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    expect(policy.get('default-src')).toBe("'none'");
    expect(policy.get('script-src')).toBe("'self'");
    expect(policy.get('style-src')).toBe("'self'");
    expect(policy.get('connect-src')).toBe(`ws://${host}`);
    expect(policy.get('frame-ancestors')).toBe("'none'");
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('names the host in its policy under which it was asked for', async () => {
    const { headers } = await get(port, '/', `localhost:${port}`);
    expect(headers['content-security-policy']).toContain(`connect-src ws://localhost:${port};`);
  });

  it.each(traversals)('has no %s', async (path) => {
    const { status, body } = await get(port, path);
    expect(status).toBe(404);
    expect(body).not.toContain(secret);
    expect(body).not.toContain('root:');
  });

  it.each(
    traversals.filter((path) => path !== '/socket' && path !== '/linked.html' && path !== '/program.sh'),
  )('takes %s for no path of a page', (path) => {
    // A folder, and a file that is not there, are paths; everything else is none.
    const plain = ['/assets', '/etc/passwd'];
    expect(pagePath(path)).toBe(plain.includes(path) ? path.slice(1) : null);
  });

  it.each(['example.com', `example.com:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, `[::1]:${port}`])(
    'is not there for the host %s',
    async (asked) => {
      expect(await get(port, '/', asked)).toMatchObject({ status: 403, body: '' });
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('knows no %s', async (method) => {
    const { status, headers, body } = await get(port, '/', host, method);
    expect({ status, allow: headers['allow'], body }).toEqual({ status: 405, allow: 'GET, HEAD', body: '' });
  });

  it('gives the head alone to who asks for it', async () => {
    const { status, headers, body } = await get(port, '/', host, 'HEAD');
    expect({ status, body }).toEqual({ status: 200, body: '' });
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
  });

  it('has nothing when a development server has the page', async () => {
    const developing = await openTestDoor({ service: openService(), page: null });
    expect((await get(developing.port, '/')).status).toBe(404);
  });

  it('answers no request without a host', async () => {
    expect((await sendRaw(port, 'GET / HTTP/1.0\r\n\r\n')).status).toBe(403);
  });
});
