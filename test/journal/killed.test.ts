import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repairJournal } from '../../src-main/journal/repair.ts';
import { scan, temporaryDirectory, valueOf } from './fixtures.ts';

const program = join(import.meta.dirname, 'killedWriter.ts');

interface Killed {
  readonly path: string;
  /** The last line that the process announced before it died. */
  readonly announced: number;
}

/** Lets the process announce about `after` lines, and kills it `delay` milliseconds later. */
const writeUntilKilled = (args: readonly string[], after: number, delay: number): Promise<Killed> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    let aimed = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      if (aimed || said.split('\n').length - 2 < after) return;
      aimed = true;
      setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      const whole = said.slice(0, said.lastIndexOf('\n')).split('\n');
      const [path = ''] = whole;
      if (signal === 'SIGKILL') resolve({ path, announced: Number(whole.at(-1)) });
      else reject(new Error(`the writer ended by itself: ${said.slice(-500)}`));
    });
  });

const rounds = 200;
const together = 4;

describe('a process that is killed while it records', () => {
  it(`has lost no announced line, ${rounds} times`, { timeout: 180_000 }, async () => {
    const directory = temporaryDirectory();
    const oneRound = async (syncs: 'background' | 'blocking'): Promise<void> => {
      const { path, announced } = await writeUntilKilled(
        [directory, syncs],
        Math.floor(Math.random() * 400),
        Math.random() * 15,
      );
      const { lines, findings } = scan(readFileSync(path));
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
      expect(lines.length).toBeGreaterThanOrEqual(announced);
      expect(findings.length).toBeLessThanOrEqual(1);
      for (const { kind } of findings) expect(['tornLastLine', 'unterminatedLastLine']).toContain(kind);
      const { action } = valueOf(await repairJournal(path));
      expect(action === 'nothing').toBe(findings.length === 0);
      const repaired = scan(readFileSync(path));
      expect(repaired.findings).toEqual([]);
      expect(repaired.lines).toEqual(lines);
    };
    let left = rounds;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await oneRound(left % 2 === 0 ? 'background' : 'blocking');
    };
    await Promise.all(Array.from({ length: together }, lane));
  });
});
