import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeLine, encodeLine } from '../../src-main/journal/codec.ts';
import { contentOf, jsonLines, onlyRun, temporaryFolder, terminal, wallClock } from './terminal.ts';

const recorded = async () => {
  const bench = terminal();
  const { out } = await bench.rbench('scenario run notify-fatal-acknowledged --json');
  return { ...bench, ...onlyRun(bench.runs), result: jsonLines(out).at(-1) ?? {} };
};

/** The journal of a dead process with its bytes changed. */
const damaged = async (change: (bytes: Buffer) => Buffer) => {
  const { rbench, path } = await recorded();
  // This process is alive; the writer of a journal that is to be repaired is not.
  const bytes = Buffer.from(readFileSync(path, 'utf8').replace(/^[^\n]*/, (first) => orphaned(first)));
  const copy = join(temporaryFolder(), '2026-11-21T02-31-07Z-dead.jsonl');
  writeFileSync(copy, change(bytes));
  return { rbench, path: copy };
};

/** A line with its body changed and its checksum right. */
const rewrittenLine = (text: string, change: (body: Record<string, unknown>) => void): string => {
  const decoded = decodeLine(Buffer.from(text));
  if (!decoded.ok) throw new Error(`not a line: ${text}`);
  const { seq, at, wall, ...body } = structuredClone(decoded.line) as unknown as Record<string, unknown>;
  change(body);
  return encodeLine({ seq, at, wall } as never, body as never);
};

const orphaned = (first: string): string =>
  rewrittenLine(first, (body) => {
    body['writer'] = { pid: 4_194_304, started: null };
  });

describe('journal', () => {
  it('list shows the run, its rig, scenario, status and outcome', async () => {
    const { rbench, name } = await recorded();
    const { exit, out } = await rbench('journal list');
    expect(exit).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^run +rig +scenario +lines +bytes +status +outcome$/);
    expect(out).toMatch(
      new RegExp(
        `^${name} +simulated:notify-7\\.2 +notify-fatal-acknowledged +\\d+ +\\d+ +ended +passed$`,
        'm',
      ),
    );
    const [entry] = jsonLines((await rbench('journal list --json')).out);
    expect(Object.keys(entry ?? {})).toEqual(
      expect.arrayContaining(['type', 'run', 'path', 'bytes', 'header', 'lines', 'status', 'outcome']),
    );
  });

  it('show prints the timeline that the run printed', async () => {
    const bench = terminal();
    const { out: live } = await bench.rbench('scenario run notify-fatal-acknowledged');
    const { exit, out: shown } = await bench.rbench('journal show last');
    expect(exit).toBe(0);
    expect(live).toContain(shown);
    const { out: raw } = await bench.rbench('journal show last --json');
    expect(raw.split('\n').length).toBeGreaterThan(shown.split('\n').length);
  });

  it('replay last folds the run to the trace that it had', async () => {
    const { rbench, result } = await recorded();
    const { exit, out } = await rbench('journal replay last --json');
    expect(exit).toBe(0);
    const [device] = jsonLines(out);
    expect(Object.keys(device ?? {})).toEqual(['type', 'device', 'trace', 'state', 'recoveries']);
    expect(device).toMatchObject({ type: 'replayed', device: '0000:01:00.0', trace: result['trace'] });
    const human = await rbench('journal replay last');
    expect(human.out).toMatch(
      /^0000:01:00\.0 {2}armed > .* > recovered\n {2}recovery 1: recovered \(proven\); /,
    );
  });

  it('verify finds a good run whole', async () => {
    const { rbench, path } = await recorded();
    const human = await rbench('journal verify last');
    expect(human).toMatchObject({ exit: 0, err: '', out: expect.stringMatching(/^\d+ lines, whole, /) });
    const [last] = jsonLines((await rbench('journal verify last --json')).out);
    expect(Object.keys(last ?? {})).toEqual(['type', 'path', 'lines', 'ended', 'whole', 'divergences']);
    expect(last).toMatchObject({ path, ended: true, whole: true, divergences: 0 });
  });

  it('last is the newest, of two in one second too', async () => {
    const { runs, rbench } = terminal();
    let now = wallClock;
    // With sixteen runs in one second the random ends of their names cannot be in order by accident.
    const scenarios = Array.from({ length: 16 }, (_, index) =>
      index % 2 === 0 ? 'notify-withdrawn' : 'legacy-fatal',
    );
    for (const name of scenarios) {
      now += 10;
      const { out } = await rbench(`scenario run ${name} --json`, { now: () => now });
      const last = jsonLines((await rbench('journal verify last --json')).out).at(-1);
      expect(last?.['path']).toBe(join(runs, `${String(jsonLines(out).at(-1)?.['run'])}.jsonl`));
    }
  });

  it('export copies the whole lines to a new file, and never over one that exists', async () => {
    const { rbench, path } = await recorded();
    const target = join(temporaryFolder(), 'copy.jsonl');
    const { exit, out } = await rbench(['journal', 'export', 'last', target]);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.stringMatching(/^\d+ lines, \d+ bytes to /) });
    expect(readFileSync(target, 'utf8')).toBe(readFileSync(path, 'utf8'));
    writeFileSync(target, 'precious');
    const again = await rbench(['journal', 'export', 'last', target]);
    expect(again).toMatchObject({
      exit: 3,
      out: '',
      err: expect.stringMatching(/^rbench: [^\n]*EEXIST[^\n]*\n$/),
    });
    expect(readFileSync(target, 'utf8')).toBe('precious');
  });
});

describe('a journal that is not whole', () => {
  it('torn: verify exits 1 and says where; --repair cuts it; then it is whole', async () => {
    const { rbench, path } = await damaged((bytes) => bytes.subarray(0, -30));
    const size = readFileSync(path).length;
    const torn = await rbench(`journal verify ${path}`);
    expect(torn).toMatchObject({ exit: 1, out: '' });
    expect(torn.err).toMatch(
      /^rbench: Line \d+ was never finished: \d+ bytes from byte \d+ to the end of the file\.\n$/,
    );
    expect(readFileSync(path)).toHaveLength(size);
    const repaired = await rbench(`journal verify ${path} --repair`);
    expect(repaired).toMatchObject({ exit: 0, err: '' });
    expect(repaired.out).toMatch(
      /^Cut \d+ bytes of an unfinished last line\.\n\d+ lines, whole, .* no end line\.\n$/,
    );
    expect(await rbench(`journal verify ${path}`)).toMatchObject({ exit: 0, err: '' });
    expect(await rbench(`journal verify ${path} --repair`)).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^Nothing to cut\./),
    });
  });

  it('a line without its newline: --repair ends it', async () => {
    const { rbench, path } = await damaged((bytes) => bytes.subarray(0, -1));
    expect(await rbench(`journal verify ${path}`)).toMatchObject({ exit: 1 });
    const { exit, out } = await rbench(`journal verify ${path} --repair`);
    expect(exit).toBe(0);
    expect(out).toMatch(/^Ended the last line with its newline\.\n\d+ lines, whole, /);
  });

  it('torn, but its writer is alive: --repair is refused and changes nothing', async () => {
    const { rbench, path, runs } = await recorded();
    truncateSync(path, readFileSync(path).length - 30);
    const before = contentOf(runs);
    const { exit, out, err } = await rbench('journal verify last --repair');
    expect({ exit, out }).toEqual({ exit: 3, out: '' });
    expect(err).toMatch(/^rbench: The journal [^\n]* is still being written by process \d+; [^\n]*\n$/);
    expect(contentOf(runs)).toEqual(before);
  });

  it('a corrupted middle: the place is named, in every command', async () => {
    const { rbench, path } = await damaged((bytes) => {
      const middle = bytes.indexOf('"phase":"awaitingAck"');
      bytes.write('Q', middle + 9);
      return bytes;
    });
    for (const command of ['verify', 'show', 'replay']) {
      const { exit, err } = await rbench(`journal ${command} ${path}`);
      expect({ command, exit }).toEqual({ command, exit: 1 });
      expect(err).toMatch(/^rbench: Line \d+ at byte \d+ is damaged \([^\n]*\n/);
    }
    const before = readFileSync(path);
    expect(await rbench(`journal verify ${path} --repair`)).toMatchObject({ exit: 1 });
    expect(readFileSync(path)).toEqual(before);
    const json = jsonLines((await rbench(`journal verify ${path} --json`)).out);
    expect(json.at(-1)).toMatchObject({ type: 'verified', whole: false });
    expect(json[0]).toMatchObject({ type: 'finding', kind: 'damagedLine' });
  });

  it('a phase that was tampered with, checksum and all: the divergence is named', async () => {
    const { rbench, path } = await damaged((bytes) => {
      const lines = bytes.toString().split('\n');
      const index = lines.findIndex((line) => line.includes('"phase":"slotReset"'));
      lines[index] = rewrittenLine(lines[index] ?? '', (body) => {
        body['phase'] = 'recovered';
      });
      return Buffer.from(lines.join('\n'));
    });
    const { exit, err } = await rbench(`journal verify ${path}`);
    expect(exit).toBe(1);
    expect(err).toMatch(
      /^rbench: [Ll]ine \d+ says that 0000:01:00\.0 became recovered[^\n]* slotReset[^\n]*\n/,
    );
    expect((await rbench(`journal replay ${path}`)).exit).toBe(1);
  });

  it('a journal of a newer version is reported and not interpreted', async () => {
    const { rbench, path } = await damaged((bytes) =>
      Buffer.from(
        bytes.toString().replace(/^[^\n]*/, (first) =>
          rewrittenLine(first, (body) => {
            body['schema'] = 99;
          }),
        ),
      ),
    );
    const { exit, out, err } = await rbench(`journal verify ${path}`);
    expect({ exit, out }).toEqual({ exit: 1, out: '' });
    expect(err).toMatch(
      /^rbench: The journal has schema version 99, which this version of the bench does not know\.\n$/,
    );
  });

  it.each([
    ['empty', Buffer.of()],
    ['binary', Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7) % 256))],
  ])('a file that is %s is no whole run, and no reason to break off', async (_what, bytes) => {
    const { rbench } = terminal();
    const path = join(temporaryFolder(), 'x.jsonl');
    writeFileSync(path, bytes);
    for (const command of ['verify', 'show', 'replay']) {
      const { exit, err } = await rbench(`journal ${command} ${path}`);
      expect({ command, exit }).toEqual({ command, exit: 1 });
      expect(err).toMatch(/^rbench: \S/);
    }
  });

  it('is listed as what it is', async () => {
    const { rbench, runs, path } = await recorded();
    truncateSync(path, readFileSync(path).length - 30);
    const { out } = await rbench('journal list');
    expect(out).toMatch(/ (interrupted|recording) +-$/m);
    writeFileSync(join(runs, '2026-11-21T02-31-07Z-0000.jsonl'), 'rubbish');
    expect((await rbench('journal list')).out).toMatch(/-0000 .* unreadable +-$/m);
  });
});
