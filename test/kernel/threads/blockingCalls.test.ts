import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { errnoNumbers } from '../../../src-main/core/errno.ts';
import { koffiProvider, koffiSyscalls } from '../../../src-main/kernel/koffiSyscalls.ts';
import { openFlags } from '../../../src-main/kernel/syscalls.ts';
import { openBlockingCalls, type BlockingCalls } from '../../../src-main/kernel/threads/blockingCalls.ts';
import { taken } from '../../conformance/syscallsSuite.ts';
import { newEventfd } from '../descriptors.ts';

const calls = koffiSyscalls();
const FIONREAD = 0x541b;

describe('blocking calls', () => {
  let blocking: BlockingCalls;
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'blocking-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(() => {
    blocking = openBlockingCalls(koffiProvider());
  });
  afterEach(() => blocking.close());

  it('gives the answer of the kernel and the buffer that it filled', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, '01234');
    const opened = await blocking.make({ call: 'open', path, flags: openFlags.O_RDONLY });
    if (!opened.ok || !opened.value.result.ok) throw new Error('not opened');
    const fd = opened.value.result.value;
    const argument = new Uint8Array(4);
    expect(await blocking.make({ call: 'ioctl', fd, request: FIONREAD, argument })).toEqual({
      ok: true,
      value: { result: { ok: true, value: 0 }, argument: new Uint8Array(Uint32Array.of(5).buffer) },
    });
    expect(await blocking.make({ call: 'close', fd })).toMatchObject({
      value: { result: { ok: true }, argument: null },
    });
    expect(calls.close(fd)).toEqual({ ok: false, errno: errnoNumbers.EBADF });
  });

  it('gives the errno of the thread that made the call', async () => {
    const answers = await Promise.all([
      blocking.make({ call: 'close', fd: -1 }),
      blocking.make({ call: 'open', path: join(directory, 'missing'), flags: 0 }),
      blocking.make({ call: 'open', path: directory, flags: openFlags.O_RDWR }),
      blocking.make({ call: 'write', fd: -1, bytes: new Uint8Array(1) }),
      blocking.make({ call: 'ioctl', fd: newEventfd(calls), request: 0x3b6f, argument: 0 }),
    ]);
    const errnos = answers.map((answer) =>
      answer.ok && !answer.value.result.ok ? answer.value.result.errno : 0,
    );
    const { EBADF, ENOENT, EISDIR, ENOTTY } = errnoNumbers;
    expect(errnos).toEqual([EBADF, ENOENT, EISDIR, EBADF, ENOTTY]);
  });

  it('lets eight calls block at once, and holds neither each other nor the files of Node', async () => {
    const pipes = Array.from({ length: 8 }, (_, number) => {
      const path = join(directory, `pipe${number}`);
      execFileSync('mkfifo', [path]);
      return path;
    });
    // Opening a pipe for reading blocks until somebody opens it for writing.
    const blocked = pipes.map((path) => blocking.make({ call: 'open', path, flags: openFlags.O_RDONLY }));
    const { readFile } = await import('node:fs/promises');
    writeFileSync(join(directory, 'other'), 'read meanwhile');
    expect(await readFile(join(directory, 'other'), 'utf8')).toBe('read meanwhile');
    expect(await blocking.make({ call: 'close', fd: -1 })).toMatchObject({ ok: true });
    for (const [number, path] of [...pipes.entries()].reverse()) {
      const writer = await blocking.make({ call: 'open', path, flags: openFlags.O_WRONLY });
      const reader = await blocked[number];
      for (const end of [writer, reader]) {
        if (end?.ok !== true) throw new Error('not opened');
        taken(calls.close(taken(end.value.result)));
      }
    }
  });

  it('answers with an error when the thread cannot start, and after it was closed', async () => {
    const lame = openBlockingCalls({ ...koffiProvider(), addOn: '/missing.node' });
    expect(await lame.make({ call: 'close', fd: -1 })).toMatchObject({ error: { code: 'benchDefect' } });
    lame.close();
    blocking.close();
    expect(await blocking.make({ call: 'close', fd: -1 })).toMatchObject({ error: { code: 'benchDefect' } });
  });
});
