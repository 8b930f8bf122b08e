import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { jsonLines, onlyRun, terminal } from '../commands/terminal.ts';

interface Register {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly finding: { readonly certainty: string; readonly source: string | null };
}

const bench = terminal();
const answer = await bench.rbench(
  'restore audit --rig virtual:x86 --device 0000:01:00.0 --mark --no-kernel-trace --json',
);
const missing = answer.err.includes('imageNotBuilt') ? answer.err : null;

/** One boot: a marked recovery on a real kernel, whose functions nobody watches. */
describe.skipIf(missing !== null && process.env['CI'] !== 'true')(
  `a marking run on a guest${missing === null ? '' : ` (${missing})`}`,
  () => {
    const lines = (): readonly JournalLine[] =>
      readFileSync(onlyRun(bench.runs).path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as JournalLine);

    it('writes its marks at each moment, puts the old values back, and decides the audit', () => {
      expect(answer.exit).toBe(0);
      const [audit] = jsonLines(answer.out);
      expect(audit).toMatchObject({
        outcome: 'recovered',
        marking: 'Marked at armed, duringWait, afterReset; the old values are back.',
      });
      const registers = audit?.['registers'] as readonly Register[];
      const cacheLine = registers.find(({ label }) => label === 'Cache Line Size');
      expect(cacheLine?.finding).toMatchObject({ certainty: 'proved', source: 'lastSave' });
      // Its own value at each moment, the one that the kernel's reset left, and the old one.
      expect(new Set(cacheLine?.values)).toEqual(new Set([0, 0x24, 0x28, 0x2c]));
    });

    it('is not traced where that was not wanted', () => {
      expect(lines().filter(({ type }) => type === 'kernelTrace')).toEqual([]);
    });
  },
);
