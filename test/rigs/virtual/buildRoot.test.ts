import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  buildRootNames,
  finishBuildRoot,
  probeBuildRoot,
  wantsBuildRoot,
} from '../../../src-main/rigs/virtual/image/buildRoot.ts';
import { simulatedNames } from '../../../src-main/rigs/virtual/image/debianPackages.ts';

const scratch = mkdtempSync(join(tmpdir(), 'recovery-bench-build-root-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('a build root', () => {
  it.each([
    ['x86', 'bookworm', false],
    ['x86', 'sid', true],
    // A folder brings headers for the machine's own compiler.
    ['x86', null, false],
    ['s390x', 'sid', false],
  ] as const)('of %s with the kernel of %s is wanted: %s', (architecture, suite, wanted) => {
    expect(wantsBuildRoot(architecture, suite, 'bookworm')).toBe(wanted);
  });

  it('has the headers of the kernel, and neither its image nor its modules', () => {
    const packages = ['linux-binary-7.2-amd64', 'linux-headers-7.2-amd64', 'linux-modules-7.2-amd64'].map(
      (name) => ({ name, version: '7.2-1', sha256: 'a'.repeat(64) }),
    );
    const names = buildRootNames(packages);
    expect(names.filter((name) => name.startsWith('linux-'))).toEqual(['linux-headers-7.2-amd64']);
    expect(names).toContain('make');
  });

  it('keeps what its packages brought, and may be finished twice', async () => {
    const root = join(scratch, 'root');
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    writeFileSync(join(root, 'usr/bin/sh'), 'of a package');
    await finishBuildRoot(root);
    await finishBuildRoot(root);
    expect(readlinkSync(join(root, 'bin'))).toBe('usr/bin');
    expect(readlinkSync(join(root, 'usr/bin/awk'))).toBe('mawk');
    expect(() => readlinkSync(join(root, 'usr/bin/sh'))).toThrow(/EINVAL/);
    expect(existsSync(join(root, 'proc'))).toBe(true);
  });

  it('that the machine does not allow is said in one sentence', async () => {
    const before = process.env['PATH'];
    const refusing = join(scratch, 'refusing');
    mkdirSync(refusing);
    writeFileSync(join(refusing, 'unshare'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    process.env['PATH'] = `${refusing}:${before ?? ''}`;
    try {
      expect(await probeBuildRoot()).toMatchObject({
        ok: false,
        error: {
          code: 'imageNotBuilt',
          message: expect.stringMatching(
            /does not let you make user namespaces .*: allow them .*, or build as root\.$/,
          ) as string,
        },
      });
    } finally {
      process.env['PATH'] = before;
    }
  });
});

describe('what apt would install', () => {
  it('is read from its answer, once a package', () => {
    const answer = [
      'Inst libgcc-s1 (16.2.0-4 Debian:unstable [amd64]) []',
      'Inst g++-16 (16.2.0-4 Debian:unstable [amd64])',
      'Conf libgcc-s1 (16.2.0-4 Debian:unstable [amd64])',
      'Remv old [1]',
    ];
    expect(simulatedNames(answer.join('\n'))).toEqual(['libgcc-s1', 'g++-16']);
  });
});
