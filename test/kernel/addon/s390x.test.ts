import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, builtAddOn, skipped } from './builtAddOn.ts';
import { findS390xNode } from './s390xNode.ts';

const addOn = builtAddOn('s390x');
const other = builtAddOn('x64');
const node = await findS390xNode();
const missing = addOn.missing ?? other.missing ?? node.missing;

/** An emulated Node takes seconds, and many on a busy machine. */
const timeout = 120_000;

describe.skipIf(skipped(missing))(`the bench's add-on on s390x, emulated${because(missing)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'add-on-far-'));
  const program = join(folder, 'farSide.mjs');
  beforeAll(async () => {
    const bundle = await rolldown({
      input: join(import.meta.dirname, 'farSide.ts'),
      platform: 'node',
      external: ['koffi'],
      transform: { target: 'node18' },
      resolve: { alias: { vitest: join(import.meta.dirname, 'expectations.ts') } },
    });
    await bundle.write({ file: program, format: 'esm', codeSplitting: false });
    await bundle.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What Node's test runner says there, one line for each test. */
  const run = (path: string): readonly string[] => {
    const [emulator, ...words] = node.words;
    const { stdout, stderr, error } = spawnSync(
      emulator,
      [...words, '--test-reporter', 'tap', program, path],
      { encoding: 'utf8', timeout },
    );
    if (error !== undefined) throw error;
    expect(stderr).toBe('');
    return stdout.split('\n');
  };
  const results = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => /^ +(not )?ok /.test(line)).map((line) => line.trim());

  it('passes the suite of system calls, and has threads of its own', { timeout }, () => {
    const lines = run(addOn.path);
    expect(lines.join('\n')).toMatch(/^# Subtest: system calls of the add-on on s390x$/m);
    expect(results(lines).filter((line) => line.startsWith('not ok'))).toEqual([]);
    expect(results(lines).map((line) => line.replace(/^ok \d+ - /, ''))).toEqual(
      expect.arrayContaining([
        'gives the errno of each call that is refused',
        'maps memory of its own, filled with zeros, and accesses it with each width',
        'tell of a signal, with its counter and its time',
        'make a call that blocks while this thread goes on, and bring its answer back',
      ]),
    );
  });

  it('of x64 is refused with a sentence', { timeout }, () => {
    const lines = run(other.path);
    expect(results(lines).filter((line) => line.startsWith('ok'))).toEqual([]);
    expect(lines.join('\n')).toMatch(
      /syscalls-x64\.node is for x64, and this machine needs it for s390x: build/,
    );
  });
});
