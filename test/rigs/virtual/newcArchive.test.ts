import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeNewcArchive, type ArchiveEntry } from '../../../src-main/rigs/virtual/image/newcArchive.ts';

const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-archive-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = join(folder, 'source');
writeFileSync(source, 'from a file\n');

const entries: readonly ArchiveEntry[] = [
  { path: 'init', kind: 'file', content: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
  { path: 'bin/sh', kind: 'link', target: 'busybox' },
  { path: 'modules/deep/order', kind: 'file', content: { file: source }, mode: 0o644 },
  { path: 'dev/console', kind: 'characterDevice', major: 5, minor: 1 },
  { path: 'tmp', kind: 'directory' },
];

let count = 0;
const written = async (list: readonly ArchiveEntry[]) => {
  count += 1;
  const path = join(folder, `archive-${count}`);
  const hash = await writeNewcArchive(path, list);
  return { path, hash, bytes: readFileSync(path) };
};

const hasCpio = spawnSync('cpio', ['--version']).error === undefined;
if (!hasCpio && process.env['CI'] === 'true') throw new Error('The Debian package "cpio" is missing.');

describe('the archive of a first root', () => {
  it.skipIf(!hasCpio)(
    'holds what cpio finds in it: folders before their files, modes, links, devices',
    async () => {
      const { bytes } = await written(entries);
      const listed = spawnSync('cpio', ['--list', '--verbose', '--numeric-uid-gid'], {
        input: bytes,
        encoding: 'utf8',
        env: { ...process.env, TZ: 'UTC' },
      });
      expect(listed.status).toBe(0);
      const rows = listed.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/\s+/g, ' ').replace(/Jan 1 \S+/, '<date>'));
      expect(rows).toEqual([
        'drwxr-xr-x 2 0 0 0 <date> bin',
        'lrwxrwxrwx 1 0 0 7 <date> bin/sh -> busybox',
        'drwxr-xr-x 2 0 0 0 <date> dev',
        'crw------- 1 0 0 5, 1 <date> dev/console',
        '-rwxr-xr-x 1 0 0 10 <date> init',
        'drwxr-xr-x 2 0 0 0 <date> modules',
        'drwxr-xr-x 2 0 0 0 <date> modules/deep',
        '-rw-r--r-- 1 0 0 12 <date> modules/deep/order',
        'drwxr-xr-x 2 0 0 0 <date> tmp',
      ]);
    },
  );

  it.skipIf(!hasCpio)('gives the files back as they were', async () => {
    const { bytes } = await written(entries);
    const read = spawnSync('cpio', ['--extract', '--to-stdout', 'modules/deep/order'], {
      input: bytes,
      encoding: 'utf8',
    });
    expect(read.stdout).toBe('from a file\n');
  });

  it('is the same, byte for byte, in whatever order the entries come, and whenever', async () => {
    const one = await written(entries);
    const other = await written([...entries].reverse());
    expect(other.bytes.equals(one.bytes)).toBe(true);
    expect(other.hash).toBe(one.hash);
    expect(one.hash).toBe(createHash('sha256').update(one.bytes).digest('hex'));
  });

  it('changes with a mode, a name or a byte', async () => {
    const { hash } = await written(entries);
    const [first, ...rest] = entries;
    if (first?.kind !== 'file') throw new Error('The first entry is a file.');
    for (const changed of [
      { ...first, mode: 0o644 },
      { ...first, path: 'Init' },
      { ...first, content: Buffer.from('#') },
    ]) {
      expect((await written([changed, ...rest])).hash).not.toBe(hash);
    }
  });

  it('never writes over a file that exists', async () => {
    const { path } = await written(entries);
    const { size } = statSync(path);
    await expect(writeNewcArchive(path, [])).rejects.toMatchObject({ code: 'EEXIST' });
    expect(statSync(path).size).toBe(size);
  });
});
