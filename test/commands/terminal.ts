import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { runCommandLine } from '../../src-main/commands/program.ts';

/** 2026-11-21T02:31:07.250Z */
export const wallClock = Date.UTC(2026, 10, 21, 2, 31, 7, 250);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the tests of this file are over. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-commands-'));
  folders.push(folder);
  return folder;
};

export interface Answer {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface Terminal {
  readonly runs: string;
  /** One command line, its words separated by blanks, or given one by one. */
  rbench(words: string | readonly string[], wish?: { colour?: boolean; now?: () => number }): Promise<Answer>;
}

/** A terminal with a folder for runs of its own; the folder is made by the first run that is recorded. */
export const terminal = (): Terminal => {
  const runs = join(temporaryFolder(), 'runs');
  const environment = { RECOVERY_BENCH_RUNS: runs };
  return {
    runs,
    rbench: async (words, { colour = false, now = () => wallClock } = {}) => {
      const said = { out: '', err: '' };
      const streams = {
        out: (text: string) => (said.out += text),
        err: (text: string) => (said.err += text),
        colour,
      };
      const list = typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : words;
      const exit = await runCommandLine(list, streams, environment, now);
      return { exit, ...said };
    },
  };
};

/** Every file of a folder and what is in it: equal before and after where nothing was changed. */
export const contentOf = (folder: string): Readonly<Record<string, string>> | null =>
  existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder)
          .sort()
          .map((name) => [
            name,
            createHash('sha256')
              .update(readFileSync(join(folder, name)))
              .digest('hex'),
          ]),
      )
    : null;

export const jsonLines = (text: string): readonly Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The one run of a folder. */
export const onlyRun = (runs: string): { name: string; path: string } => {
  const [file, ...more] = readdirSync(runs);
  if (file === undefined || more.length > 0)
    throw new Error(`${runs} holds ${more.length + 1} runs, not one.`);
  return { name: file.replace(/\.jsonl$/, ''), path: join(runs, file) };
};

export const escapes = /\u001b\[/;
