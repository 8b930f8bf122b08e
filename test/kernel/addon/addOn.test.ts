import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findAddOn } from '../../../src-main/kernel/addOn/addOnFile.ts';
import { openSyscalls, type OpenedSyscalls } from '../../../src-main/kernel/openSyscalls.ts';
import { syscallsSuite } from '../../conformance/syscallsSuite.ts';
import { because, builtAddOn, skipped } from './builtAddOn.ts';
import { threadsSuite } from './threadsSuite.ts';

const { path, missing } = builtAddOn('x64');

const open = (): OpenedSyscalls => {
  const opened = openSyscalls('addOn', path);
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
};

describe.skipIf(skipped(missing))(`the bench's add-on on x64${because(missing)}`, () => {
  syscallsSuite('the add-on', () => open().calls);
  threadsSuite('the add-on', open);
});

describe("the add-on's file", () => {
  const folder = mkdtempSync(join(tmpdir(), 'add-on-file-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The start of a shared object of another processor, with its byte order. */
  const elf = (name: string, machine: number, order: 'little' | 'big'): string => {
    const header = Buffer.alloc(64);
    header.write('\u007fELF', 'latin1');
    header.set([2, order === 'big' ? 2 : 1, 1], 4);
    if (order === 'big') header.writeUInt16BE(machine, 18);
    else header.writeUInt16LE(machine, 18);
    const file = join(folder, name);
    writeFileSync(file, header);
    return file;
  };
  const refused = (words: RegExp) => ({
    ok: false,
    error: { code: 'notSupported', message: expect.stringMatching(words) as string },
  });

  it('is found when it is for the processor, the first of several places', () => {
    const here = elf('s390x', 22, 'big');
    expect(findAddOn('s390x', [join(folder, 'none'), here, elf('x64', 62, 'little')])).toEqual({
      ok: true,
      value: here,
    });
  });

  it('says that it is missing, and how it is built', () => {
    expect(findAddOn('s390x', [join(folder, 'none')])).toMatchObject(
      refused(/^The add-on syscalls-s390x\.node, .* is missing: build it with "make ARCHITECTURE=s390x"/),
    );
  });

  it.each([
    ['an x64 one on s390x', 's390x', 62, 'little', /is for x64, and this machine needs it for s390x: build/],
    ['an s390x one on x64', 'x64', 22, 'big', /is for s390x, and this machine needs it for x64: build/],
    ['one of POWER', 's390x', 21, 'little', /is for the ELF machine 21, and/],
  ] as const)('says of %s for which processor it is', (_, architecture, machine, order, words) => {
    expect(findAddOn(architecture, [elf('other', machine, order)])).toMatchObject(refused(words));
  });

  it.each([
    ['a torn one', Buffer.from('\u007fELF', 'latin1')],
    ['a text', Buffer.from('This is no shared object, and long enough.')],
    ['an empty one', Buffer.alloc(0)],
  ])('says of %s that it is no shared object', (_, bytes) => {
    const file = join(folder, 'torn');
    writeFileSync(file, bytes);
    expect(findAddOn('s390x', [file])).toMatchObject(refused(/is no shared object/));
  });

  it('says in one sentence what the loader says of one that is damaged further on', () => {
    const file = elf('damaged', 62, 'little');
    expect(openSyscalls('addOn', file)).toMatchObject(
      refused(/^The bench's add-on, .* does not load here: /),
    );
  });

  it.skipIf(skipped(missing))('need not have the name that it was built with', () => {
    const file = join(folder, 'renamed.node');
    copyFileSync(path, file);
    expect(openSyscalls('addOn', file)).toMatchObject({ ok: true });
  });
});
