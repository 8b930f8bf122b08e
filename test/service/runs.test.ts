import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import type { RecoveryState } from '../../src-main/core/recovery/state.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { exporters } from '../../src-main/service/exporters.ts';
import { OpenRuns } from '../../src-main/service/openRuns.ts';
import { header } from '../journal/header.ts';
import { fullRecovery, notifyArming, recordDevice } from '../journal/recorder.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const devices = ['0000:01:00.0', '0000:02:00.0'] as const;
/** Between the recoveries of one device; the second device's come half of it later. */
const period = 100_000;

const recorded = (recoveries: number) => {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-runs-'));
  folders.push(directory);
  const created = createJournal({ directory, header, at: 0, now: () => 1_800_000_000_000 });
  if (!created.ok) throw new Error(created.error.message);
  const journal = created.value;
  /** What was the state of each device after each line, said by the core while it was recorded. */
  const truth: { at: number; states: Record<string, RecoveryState> }[] = [{ at: 0, states: {} }];
  const states: Record<string, RecoveryState> = {};
  const recorders = devices.map((device) =>
    recordDevice(device, notifyArming, 0, (at, body) => {
      const result = journal.append(at, body);
      if (!result.ok) throw new Error(result.error.message);
      truth.push({ at, states: {} });
    }),
  );
  const note = (): void => {
    devices.forEach((device, index) => {
      const state = recorders[index]?.state();
      if (state !== undefined) states[device] = state;
    });
    truth[truth.length - 1] = { at: truth.at(-1)?.at ?? 0, states: { ...states } };
  };
  for (let number = 1; number <= recoveries; number += 1) {
    recorders.forEach((recorder, index) => {
      for (const event of fullRecovery(number, number * period + (index * period) / 2)) {
        recorder.take(event);
        note();
      }
    });
  }
  journal.append((recoveries + 1) * period, { type: 'end', outcome: 'closed' });
  journal.close();
  const run = journal.run;
  return { directory, run, path: journal.path, truth, runs: new OpenRuns(directory) };
};

const valueOf = <Value>(
  result: { ok: true; value: Value } | { ok: false; error: { message: string } },
): Value => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

const openedWhole = async (runs: OpenRuns, run: string) => {
  for (;;) {
    const opened = valueOf(await runs.open(run));
    if (opened.reading === null) return opened;
  }
};

describe('a run that is opened', () => {
  it('says how long it is, what became of each device, and when each phase began', async () => {
    const { runs, run } = recorded(3);
    const opened = await openedWhole(runs, run);
    expect(opened).toMatchObject({ from: 0, to: 4 * period, ended: true, findings: [], divergences: 0 });
    expect(opened.devices.map(({ device, recoveryCount }) => [device, recoveryCount])).toEqual([
      [devices[0], 3],
      [devices[1], 3],
    ]);
    const [first] = opened.devices;
    expect(first?.bands.slice(0, 8)).toEqual([
      { at: 0, phase: 'armed' },
      { at: period, phase: 'errorDetected' },
      { at: period + 1_000, phase: 'quiescing' },
      { at: period + 3_000, phase: 'awaitingAck' },
      { at: period + 6_100, phase: 'resetting' },
      { at: period + 10_000, phase: 'reinitialising' },
      { at: period + 21_000, phase: 'recovered' },
      { at: 2 * period, phase: 'errorDetected' },
    ]);
    expect(first?.traceLength).toBe(first?.trace.length);
  });

  it('gives at each moment the states that the core had when it was recorded', async () => {
    // More lines than lie between two checkpoints.
    const { runs, run, truth } = recorded(80);
    await openedWhole(runs, run);
    let compared = 0;
    for (let index = 25; index < truth.length - 1; index += 37) {
      const moment = truth[index];
      // Of several lines at one moment, what is said is true after the last.
      if (moment === undefined || truth[index + 1]?.at === moment.at) continue;
      for (const device of devices) {
        const answer = valueOf(await runs.moment(run, moment.at, device));
        expect(answer.lines).toBe(index + 1);
        const state = moment.states[device];
        expect(answer.devices.find((one) => one.device === device)?.phase).toBe(state?.phase);
        if (state?.phase !== 'armed') expect(answer.story?.state).toEqual(state);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(20);
  });

  it('tells the story of one device only, from its arming or its opening to the moment', async () => {
    const { runs, run } = recorded(3);
    await openedWhole(runs, run);
    const told = async (at: number): Promise<readonly JournalLine[]> =>
      valueOf(await runs.moment(run, at, devices[1])).story?.lines ?? [];
    const half = period / 2;
    expect(await told(period)).toEqual([]);
    const first = await told(period + half + 3_000);
    expect(first.map((line) => (line.type === 'step' ? line.event.kind : line.type))).toEqual([
      'armed',
      'signal',
      'inspected',
      'quiesceFinished',
    ]);
    const second = await told(2 * period + half + 99_000);
    expect(second.map((line) => (line.type === 'step' ? line.phase : line.type)).at(0)).toBe('errorDetected');
    expect(second.at(-1)).toMatchObject({ phase: 'recovered', device: devices[1] });
    expect(new Set(second.map((line) => ('device' in line ? line.device : null)))).toEqual(
      new Set([devices[1]]),
    );
  });

  it('gives lines by their index, wherever they are', async () => {
    const { runs, run, path } = recorded(40);
    const all = readFileSync(path, 'utf8').trimEnd().split('\n').length;
    const seqs = async (from: number, count: number): Promise<number[]> =>
      valueOf(await runs.lines(run, from, count)).map(({ seq }) => seq);
    await openedWhole(runs, run);
    expect(await seqs(0, 3)).toEqual([1, 2, 3]);
    expect(await seqs(300, 4)).toEqual([301, 302, 303, 304]);
    expect(await seqs(all - 2, 10)).toEqual([all - 1, all]);
    expect(await seqs(all + 5, 10)).toEqual([]);
  });

  it('answers before it is read to its end, and says so', async () => {
    const { directory, run } = recorded(400);
    const runs = new OpenRuns(directory, 0);
    const early = valueOf(await runs.open(run));
    const { length } = readFileSync(join(directory, `${run}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(early.lines).toBe(length);
    expect(early.to).toBe(401 * period);
    expect(early.reading?.share).toBeLessThan(1);
    expect(early.ended).toBeNull();
    // A moment that has not been read yet is waited for.
    const late = valueOf(await runs.moment(run, 400 * period + 3_000, devices[0]));
    expect(late.devices[0]?.phase).toBe('awaitingAck');
    expect(await openedWhole(runs, run)).toMatchObject({ reading: null, ended: true, lines: length });
  });

  it('is read anew when it has grown', async () => {
    const { runs, run, path } = recorded(2);
    const { lines } = await openedWhole(runs, run);
    appendFileSync(path, '{"seq":');
    const again = await openedWhole(runs, run);
    expect(again.lines).toBe(lines);
    expect(again.findings).toEqual([expect.stringMatching(/^Line \d+ was never finished/)]);
  });

  it.each(['2026-11-21T02-31-07Z-5f0a', '../../etc/passwd', ''])('refuses %j as unknown', async (name) => {
    const { runs } = recorded(1);
    const code = 'unknownRun';
    expect(await runs.open(name)).toMatchObject({ ok: false, error: { code } });
    expect(await runs.lines(name, 0, 1)).toMatchObject({ ok: false, error: { code } });
    expect(await runs.moment(name, 0, null)).toMatchObject({ ok: false, error: { code } });
    expect(await new OpenRuns(null).open(name)).toMatchObject({ ok: false, error: { code } });
  });
});

describe('a journal that is damaged', () => {
  const lineAt = (text: string, index: number): string => text.split('\n')[index] ?? '';
  const cases: readonly [string, (text: string) => string, RegExp][] = [
    ['torn', (text) => text.slice(0, -30), /was never finished/],
    ['with a flipped byte', (text) => text.replace('"count":1', '"count":2'), /is damaged \(checksum\)/],
    [
      'with a line missing',
      (text) => text.replace(`${lineAt(text, 9)}\n`, ''),
      /sequence number 10 is missing/,
    ],
    [
      'with a line that comes twice',
      (text) => text.replace(`${lineAt(text, 9)}\n`, `${lineAt(text, 9)}\n${lineAt(text, 9)}\n`),
      /comes again/,
    ],
    ['without its first line', (text) => text.slice(text.indexOf('\n') + 1), /first line/],
    ['with a changed first line', (text) => text.replace('"schema":1', '"schema":9'), /checksum/],
    ['of noise', () => '\u0000\u0001 not a journal\n'.repeat(50), /damaged/],
  ];

  it.each(cases)('%s: says so in a sentence and shows what is whole', async (_name, damage, sentence) => {
    const { runs, run, path } = recorded(60);
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    const opened = await openedWhole(runs, run);
    expect(opened.findings.join('\n')).toMatch(sentence);
    expect(opened.findingCount).toBeGreaterThan(0);
    const lines = valueOf(await runs.lines(run, 0, 10_000));
    expect(lines).toHaveLength(opened.lines);
    // What lies at an index is the same from the beginning and from the middle.
    const middle = Math.floor(opened.lines * 0.7);
    expect(valueOf(await runs.lines(run, middle, 5))).toEqual(lines.slice(middle, middle + 5));
    const moment = valueOf(await runs.moment(run, 55 * period, devices[0]));
    expect(moment.lines).toBe(lines.filter(({ at }) => at <= 55 * period).length);
    const report = valueOf(await exporters.html({ run, path }));
    expect(report.text).toMatch(/<h2>Remarks<\/h2><ul><li>/);
  });

  it('that the core does not agree with says where', async () => {
    const { runs, run, path } = recorded(3);
    // Without its arming no step of the device can be followed.
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(`${lineAt(text, 1)}\n`, ''));
    const opened = await openedWhole(runs, run);
    expect(opened.divergences).toBeGreaterThan(0);
    expect(opened.diverged[0]).toMatch(
      /^Line 4 says that 0000:01:00\.0 became errorDetected .* not armed there\.$/,
    );
  });
});

describe('an exported run', () => {
  it('is the journal itself, or one page that loads nothing', async () => {
    const { run, path } = recorded(2);
    const jsonl = valueOf(await exporters.jsonl({ run, path }));
    expect(jsonl).toEqual({
      name: `${run}.jsonl`,
      mediaType: 'application/x-ndjson',
      text: readFileSync(path, 'utf8'),
    });
    const html = valueOf(await exporters.html({ run, path }));
    expect(html).toMatchObject({ name: `${run}.html`, mediaType: 'text/html' });
    expect(html.text.match(/<svg /g)).toHaveLength(4);
    expect(html.text).not.toMatch(/<script|src=|href=|url\(h/);
    expect(html.text).not.toContain('Remarks');
  });

  it('that is not there is unknown', async () => {
    const { directory } = recorded(1);
    for (const format of ['jsonl', 'html'] as const) {
      const gone = { run: '2026-11-21T02-31-07Z-5f0a', path: join(directory, 'gone.jsonl') };
      expect(await exporters[format](gone)).toMatchObject({ ok: false, error: { code: 'unknownRun' } });
    }
  });
});
