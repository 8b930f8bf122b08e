import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errnoNumbers, type ErrnoName } from '../../src-main/core/errno.ts';
import { findAerError } from '../../src-main/core/pci/aer.ts';
import { done } from '../../src-main/core/result.ts';
import { aerInjectTrouble, injectAer } from '../../src-main/kernel/injection/aerInject.ts';
import { koffiProvider, koffiSyscalls } from '../../src-main/kernel/koffiSyscalls.ts';
import { thisMachine, type HostTree } from '../../src-main/kernel/sysfs/hostTree.ts';
import { openBlockingCalls, type BlockingCalls } from '../../src-main/kernel/threads/blockingCalls.ts';
import { addressOf } from './recordedMachine.ts';

const error = findAerError('MALF_TLP');
if (error === undefined) throw new Error('There is no MALF_TLP.');
const address = addressOf('0000:01:00.0');
const calls = koffiSyscalls();
const blocking = openBlockingCalls(koffiProvider());
afterAll(() => blocking.close());

describe('/dev/aer_inject', () => {
  let dev: string;
  let tree: HostTree;
  beforeEach(() => {
    dev = mkdtempSync(join(tmpdir(), 'rbench-dev-'));
    tree = { ...thisMachine, dev };
  });
  afterEach(() => rmSync(dev, { recursive: true, force: true }));
  const inject = (through: BlockingCalls = blocking) =>
    injectAer({ tree, calls, blocking: through, order: 'little' }, address, error);

  it('is written one request', async () => {
    writeFileSync(join(dev, 'aer_inject'), '');
    expect(await aerInjectTrouble(tree)).toBeNull();
    expect(await inject()).toEqual(done);
    expect(readFileSync(join(dev, 'aer_inject')).toString('hex')).toMatch(/^01000000000004000{8}/);
  });

  it('is not there', async () => {
    const expected = {
      code: 'injectorUnavailable',
      errno: { name: 'ENOENT' },
      message: expect.stringContaining('modprobe'),
    };
    expect(await aerInjectTrouble(tree)).toMatchObject(expected);
    expect(await inject()).toMatchObject({ ok: false, error: expected });
  });

  it('is something else', async () => {
    mkdirSync(join(dev, 'aer_inject'));
    expect(await inject()).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused', errno: { name: 'EISDIR' } },
    });
  });

  it('answers with an errno that nobody expects', async () => {
    symlinkSync('/dev/full', join(dev, 'aer_inject'));
    expect(await inject()).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused', errno: { name: 'ENOSPC' } },
    });
  });

  it.each<[ErrnoName, string, RegExp]>([
    ['EPERM', 'permissionDenied', /CAP_SYS_ADMIN/],
    ['ENODEV', 'injectionRefused', /no root port above it/],
    ['EINVAL', 'injectionRefused', /MALF_TLP is masked .*aer_mask_override/],
    ['EPROTONOSUPPORT', 'injectionRefused', /no AER capability/],
    ['ENOTTY', 'injectionRefused', /interrupt of the root port/],
  ])('refuses with %s', async (name, code, words) => {
    writeFileSync(join(dev, 'aer_inject'), '');
    // What the write of the module would answer.
    const answering: BlockingCalls = {
      make: async () => ({
        ok: true,
        value: { result: { ok: false, errno: errnoNumbers[name] }, argument: null },
      }),
      close: () => undefined,
    };
    const refused = await inject(answering);
    expect(refused).toMatchObject({ ok: false, error: { code, errno: { name } } });
    expect(refused.ok ? '' : refused.error.message).toMatch(words);
  });
});
