import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packagedNode } from '../../../src-main/rigs/virtual/image/guestNode.ts';

/** An ELF header of EM_S390, and nothing behind it. */
const program = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1, ...Array.from({ length: 11 }, () => 0), 0, 22]);

let root: string;
let earlierPath: string | undefined;
const folder = (name: string): string => join(root, name);

/** Stands before the machine's own tools. */
const tool = (name: string, script: string): void => {
  const path = join(folder('tools'), name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rbench-node-'));
  for (const name of ['tools', 'cache', 'scratch', 'made/package/bin']) {
    mkdirSync(folder(name), { recursive: true });
  }
  writeFileSync(folder('made/package/bin/node'), program);
  execFileSync('tar', ['-czf', folder('made.tgz'), '-C', folder('made'), 'package']);
  // npm pack … --pack-destination FOLDER
  tool('npm', `for last; do :; done; cp ${folder('made.tgz')} "$last/node-linux-s390x-20.11.0.tgz"`);
  tool('s390x-linux-gnu-strip', 'cp "$3" "$2"');
  earlierPath = process.env['PATH'];
  process.env['PATH'] = `${folder('tools')}:${earlierPath ?? ''}`;
});
afterEach(() => {
  process.env['PATH'] = earlierPath;
  rmSync(root, { recursive: true });
});

const wanted = (integrity: string) => ({ package: 'node-linux-s390x', version: '20.11.0', integrity });
const trueIntegrity = (): string =>
  `sha512-${createHash('sha512')
    .update(readFileSync(folder('made.tgz')))
    .digest('base64')}`;
const fetchNode = (integrity = trueIntegrity()) =>
  packagedNode(wanted(integrity), folder('cache'), folder('scratch'));

describe('Node from npm for a guest', () => {
  it('is fetched once, and then taken from the cache', async () => {
    const first = await fetchNode();
    if (!first.ok) throw new Error(first.error.message);
    expect(readFileSync(first.value)).toEqual(program);
    tool('npm', 'exit 1');
    expect(await fetchNode()).toEqual(first);
  });

  it('that has another content than the recipe says is not used', async () => {
    expect(await fetchNode('sha512-AAAA')).toMatchObject({
      ok: false,
      error: {
        code: 'imageNotBuilt',
        message: expect.stringMatching(/another content.*nothing of it is used/),
      },
    });
    expect(readdirSync(folder('cache'))).toEqual([]);
  });

  it('that cannot be fetched says what to look at', async () => {
    tool('npm', 'echo registry is away >&2; exit 1');
    expect(await fetchNode()).toMatchObject({
      ok: false,
      error: { code: 'imageNotBuilt', message: expect.stringMatching(/fetch Node.*registry of npm/) },
    });
  });

  it('that cannot be made smaller leaves nothing in the cache, and says which package is missing', async () => {
    tool('s390x-linux-gnu-strip', 'exit 1');
    expect(await fetchNode()).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/binutils-s390x-linux-gnu/) },
    });
    expect(readdirSync(join(folder('cache'), 'node'))).toEqual([]);
  });
});
