import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { escapes, jsonLines, onlyRun, temporaryFolder, type Answer } from './terminal.ts';

const root = join(import.meta.dirname, '../..');
const door = join(root, 'src-main/cli.ts');

const ended = (child: ChildProcess): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (err += bytes.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ exit: code ?? -1, out, err }));
  });

/** The real process. */
const rbench = (words: readonly string[], runs: string): Promise<Answer> =>
  ended(
    spawn(process.execPath, [door, ...words], {
      cwd: root,
      env: { ...process.env, RECOVERY_BENCH_RUNS: runs },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );

/** A line for a shell; `rbench` in it is the real process. */
const shell = (line: string, runs: string): Promise<Answer> =>
  ended(
    spawn('bash', ['-c', `set -o pipefail; rbench() { "$NODE" "$DOOR" "$@"; }; ${line}`], {
      cwd: root,
      env: { ...process.env, NODE: process.execPath, DOOR: door, RECOVERY_BENCH_RUNS: runs },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );

const runsFolder = (): string => join(temporaryFolder(), 'runs');

describe('the process', () => {
  it('plays a scenario, prints no colours to a pipe, and exits 0', async () => {
    const runs = runsFolder();
    const { exit, out, err } = await rbench(['scenario', 'run', 'notify-fatal-acknowledged'], runs);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(/\npassed: recovered\n$/);
    expect(out).not.toMatch(escapes);
    expect(readdirSync(runs)).toHaveLength(1);
  });

  it('is what "npm run rbench" and "npm start" run', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['rbench']).toBe('node src-main/cli.ts');
    expect(scripts['start']).toBe('node src-main/start.ts');
  });

  it.each([
    [['bogus'], 2],
    [['scenario', 'run', 'mediated-recovery', '--rig', 'simulated:stock-6.1'], 3],
    [
      ['scenario', 'run', 'restore-snapshot-in-slot-reset', '--rig', 'simulated:notify-7.2', '--no-journal'],
      1,
    ],
  ])('%j exits %i', async (words, code) => {
    const { exit, err } = await rbench(words, runsFolder());
    expect(exit).toBe(code);
    expect(err).toMatch(/^rbench: [^\n]+\n$/);
  });

  it('a reader that goes away stops the output and not the run', async () => {
    const runs = runsFolder();
    for (const line of [
      'rbench scenario run notify-fatal-acknowledged | head -1',
      'rbench scenario run notify-fatal-acknowledged --json | head -n 1',
      'rbench scenario run --all --no-journal | head -n 1',
      'rbench scenario run notify-fatal-acknowledged >&-',
    ]) {
      const { exit, err } = await shell(line, runs);
      expect({ line, exit, err }).toEqual({ line, exit: 0, err: '' });
    }
    const { out } = await rbench(['journal', 'list', '--json'], runs);
    expect(jsonLines(out).map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'passed']);
  });
});

/** What may be acked is recorded before: an approval, or the hand-down of an ack that a policy gives. */
const announcements = (path: string): number =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"approval"') || /"type":"handDown".*"automatic":\{/.test(line))
    .length;

/** One sentence, exit code 3, and no ack that is not in the journal. Gives how many were taken. */
const expectStopped = (answer: Answer, errno: string, runs: string): number => {
  expect(answer.err).toMatch(
    new RegExp(`^rbench: The journal [^\\n]* cannot be written: [^\\n]* \\[${errno} \\d+\\]\\n$`),
  );
  expect(answer.exit).toBe(3);
  expect(answer.out).not.toContain('passed:');
  const taken = answer.out.split('ack: taken').length - 1;
  // The first line of a run that cannot be written leaves no file.
  const recorded = readdirSync(runs).length === 0 ? 0 : announcements(onlyRun(runs).path);
  expect(taken).toBeLessThanOrEqual(recorded);
  return taken;
};

describe('a journal that can grow no further (ulimit -f, in KiB)', () => {
  it.each(['scenario run notify-fatal-acknowledged', 'inject 0000:01:00.0'])(
    'ends "%s" with one sentence wherever it happens, and what cannot be recorded is not acked',
    async (words) => {
      const acks: number[] = [];
      for (const limit of [1, 2, 4, 5, 6, 8]) {
        const runs = runsFolder();
        const answer = await shell(`ulimit -f ${limit}; rbench ${words}`, runs);
        acks.push(expectStopped(answer, 'EFBIG', runs));
        if (readdirSync(runs).length === 0) continue;
        const verified = await rbench(['journal', 'verify', onlyRun(runs).name], runs);
        expect(verified).toMatchObject({ exit: 0, out: expect.stringContaining('The run has no end line.') });
      }
      expect(acks).toContain(0);
    },
  );

  it('--json says so as one object on standard error', async () => {
    const runs = runsFolder();
    const answer = await shell('ulimit -f 6; rbench scenario run notify-fatal-acknowledged --json', runs);
    expect(answer.exit).toBe(3);
    expect(jsonLines(answer.err)).toMatchObject([{ type: 'error', error: { code: 'journalUnwritable' } }]);
    expect(jsonLines(answer.out).at(-1)).toMatchObject({ type: 'result', passed: false, outcome: null });
  });
});

/** Only root may mount, and not in every container; the tests above need neither. */
const mountTmpfs = (folder: string): string | null => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', folder], { stdio: 'pipe' });
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
};

const probe = temporaryFolder();
const noMount = mountTmpfs(probe);
if (noMount === null) execFileSync('umount', [probe]);

describe.skipIf(noMount !== null && process.env['CI'] !== 'true')(
  `a disk of 8 KiB${noMount === null ? '' : ` (not tried, for want of a mount: ${noMount})`}`,
  () => {
    const mounted: string[] = [];
    afterEach(() => {
      for (const folder of mounted.splice(0)) if (existsSync(folder)) execFileSync('umount', [folder]);
    });

    it('that runs full ends the run with one sentence and exit code 3, and nothing was acked', async () => {
      const runs = runsFolder();
      mkdirSync(runs);
      const trouble = mountTmpfs(runs);
      if (trouble !== null) throw new Error(`a small tmpfs is needed here: ${trouble}`);
      mounted.push(runs);
      const answer = await rbench(['scenario', 'run', 'notify-fatal-acknowledged'], runs);
      expect(expectStopped(answer, 'ENOSPC', runs)).toBe(0);
      const all = await rbench(['scenario', 'run', '--all'], runs);
      expect(all).toMatchObject({ exit: 3, err: expect.stringMatching(/^rbench: [^\n]*ENOSPC[^\n]*\n$/) });
    });
  },
);
