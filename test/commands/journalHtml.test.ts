import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { onlyRun, temporaryFolder, terminal } from './terminal.ts';

const recorded = async () => {
  const bench = terminal();
  await bench.rbench('scenario run notify-fatal-acknowledged --json');
  return { ...bench, ...onlyRun(bench.runs), target: join(temporaryFolder(), 'report.html') };
};

describe('journal export --html', () => {
  it('writes one page with the sequence of the recovery, and never over a file that exists', async () => {
    const { rbench, target, name } = await recorded();
    const { exit, out } = await rbench(['journal', 'export', 'last', target, '--html']);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.stringMatching(/^\d+ lines, \d+ bytes to /) });
    const page = readFileSync(target, 'utf8');
    expect(page).toContain(`<h1>Run ${name}</h1>`);
    expect(page.match(/<svg /g)).toHaveLength(1);
    writeFileSync(target, 'precious');
    const again = await rbench(['journal', 'export', 'last', target, '--html']);
    expect(again).toMatchObject({ exit: 3, err: expect.stringMatching(/EEXIST/) });
    expect(readFileSync(target, 'utf8')).toBe('precious');
  });

  it('says in the page what is damaged, and exits 1', async () => {
    const { rbench, target, path } = await recorded();
    const copy = join(temporaryFolder(), '2026-11-21T02-31-07Z-dead.jsonl');
    writeFileSync(copy, readFileSync(path).subarray(0, -30));
    const { exit, err } = await rbench(['journal', 'export', copy, target, '--html']);
    expect(exit).toBe(1);
    expect(err).toMatch(/was never finished/);
    expect(readFileSync(target, 'utf8')).toMatch(/<h2>Remarks<\/h2><ul><li>Line \d+ was never finished/);
  });
});
