import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build } from 'vite';

const room = fileURLToPath(new URL('../../../src-main/kernel/', import.meta.url));

/** A program with both threads in it; it prints what they answered. */
const program = `
import { koffiProvider, koffiSyscalls } from '${room}koffiSyscalls.ts';
import { openBlockingCalls } from '${room}threads/blockingCalls.ts';
import { openWaiter } from '${room}waiter/waiter.ts';
const calls = koffiSyscalls();
const one = new Uint8Array(BigUint64Array.of(1n).buffer);
const [fd, acknowledged] = [calls.eventfd(0, 0o4000).value, calls.eventfd(0, 0o4000).value];
const waiter = openWaiter(calls, koffiProvider()).value;
const signalled = new Promise((resolve) => {
  const automatic = { quiesce: [], acknowledge: { call: 'write', fd: acknowledged, bytes: one }, uses: 1 };
  void waiter
    .watchEventfd(fd, { signal: resolve, broken: resolve }, automatic)
    .then(() => calls.write(fd, one));
});
const { count, answer } = await signalled;
const blocking = openBlockingCalls(koffiProvider());
const closed = await blocking.make({ call: 'close', fd: -1 });
blocking.close();
await waiter.close();
console.log(JSON.stringify({ count: String(count), acknowledged: answer?.acknowledgeErrno, closed }));
`;

const answer = {
  count: '1',
  acknowledged: 0,
  closed: { ok: true, value: { result: { ok: false, errno: 9 }, argument: null } },
};

describe('threads of a bundled program', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bundled-'));
    symlinkSync(
      fileURLToPath(new URL('../../../node_modules', import.meta.url)),
      join(directory, 'node_modules'),
    );
    writeFileSync(join(directory, 'program.ts'), program);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    ['as it is', false],
    ['minified', true],
  ])('start from one file, %s', async (_, minify) => {
    await build({
      root: directory,
      configFile: false,
      logLevel: 'error',
      build: {
        target: 'node18',
        ssr: join(directory, 'program.ts'),
        outDir: join(directory, 'out'),
        minify,
        rolldownOptions: { external: ['koffi'], output: { entryFileNames: 'program.mjs' } },
      },
    });
    expect(readdirSync(join(directory, 'out'))).toEqual(['program.mjs']);
    const printed = execFileSync('node', [join(directory, 'out', 'program.mjs')], { timeout: 20_000 });
    expect(JSON.parse(printed.toString())).toEqual(answer);
  });

  it('start from TypeScript', () => {
    const printed = execFileSync('node', [join(directory, 'program.ts')], { timeout: 20_000, stdio: 'pipe' });
    expect(JSON.parse(printed.toString())).toEqual(answer);
  });
});
