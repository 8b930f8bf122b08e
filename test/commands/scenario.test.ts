import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { escapes, jsonLines, onlyRun, temporaryFolder, terminal } from './terminal.ts';
import { names, scenarioOf } from '../scenarios/stage.ts';

const fatal = 'scenario run notify-fatal-acknowledged';
const trace = [
  'armed',
  'errorDetected',
  'quiescing',
  'awaitingAck',
  'resetting',
  'slotReset',
  'reinitialising',
  'recovered',
];
const resultKeys = [
  'type',
  'scenario',
  'rig',
  'passed',
  'outcome',
  'trace',
  'devices',
  'failedStep',
  'duration',
  'run',
];

/** What differs from run to run with the same seed: the run's name and the wall clock. */
const withoutNames = (text: string): string =>
  text.replace(/"wall":"[^"]*"/g, '"wall":""').replace(/"run":"[^"]*"/g, '"run":""');

describe('scenario run', () => {
  it('prints the timeline with its lanes and ends with the outcome', async () => {
    const { runs, rbench } = terminal();
    const { exit, out, err } = await rbench(fatal);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe('Fatal error, acknowledged in time');
    expect(lines[1]).toBe('Simulated, x86, Linux 7.2.13 with the RFC as posted');
    expect(lines[3]).toMatch(/^ +s {2}device +kernel +bench +device$/);
    expect(out).toMatch(/0000:01:00\.0 {2}│─+▶│ +│ {2}signal, count 1 {2}\[errorDetected\]/);
    expect(out).toMatch(/0000:01:00\.0 {2}│◀─+│ +│ {2}ack \(DATA_NONE \| ACTION_UNMASK/);
    expect(lines.slice(-3)).toEqual([`run ${onlyRun(runs).name}`, trace.join(' > '), 'passed: recovered']);
    expect(out).not.toMatch(escapes);
    // In the order of time.
    const moments = lines.flatMap((line) => /^ *(\d+\.\d{6}) /.exec(line)?.[1] ?? []).map(Number);
    expect(moments.length).toBeGreaterThan(20);
    expect(moments).toEqual([...moments].sort((one, other) => one - other));
  });

  it('colours on a terminal, and says the same words', async () => {
    const plain = await terminal().rbench(`${fatal} --no-journal`);
    const coloured = await terminal().rbench(`${fatal} --no-journal`, { colour: true });
    expect(coloured.out).toMatch(escapes);

    expect(coloured.out.replace(/\u001b\[\d+m/g, '')).toBe(plain.out);
    expect((await terminal().rbench(`${fatal} --json`, { colour: true })).out).not.toMatch(escapes);
  });

  it('--json: every line is an object, and the last one has outcome and trace', async () => {
    const { runs, rbench } = terminal();
    const { exit, out, err } = await rbench(`${fatal} --json`);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const lines = jsonLines(out);
    const last = lines.at(-1) ?? {};
    expect(Object.keys(last)).toEqual(resultKeys);
    expect(last).toMatchObject({
      type: 'result',
      scenario: 'notify-fatal-acknowledged',
      rig: 'simulated:notify-7.2',
      passed: true,
      outcome: 'recovered',
      trace,
      devices: { '0000:01:00.0': { outcome: 'recovered', trace } },
      failedStep: null,
      run: onlyRun(runs).name,
    });
    const keys = new Map(lines.map((line) => [String(line['type']), Object.keys(line).join(' ')]));
    expect(Object.fromEntries([...keys].sort())).toMatchInlineSnapshot(`
      {
        "approval": "seq at wall type device recovery action approval known",
        "armed": "seq at wall type device arming",
        "end": "seq at wall type outcome",
        "fault": "seq at wall type device request receipt",
        "kernelLog": "seq at wall type device text",
        "operation": "seq at wall type device operation result detail",
        "refusal": "seq at wall type device wish error",
        "result": "type scenario rig passed outcome trace devices failedStep duration run",
        "scenario": "seq at wall type step text result",
        "step": "seq at wall type device event reason phase recovery effects",
        "uevent": "seq at wall type device uevent",
      }
    `);
    for (const line of lines.slice(0, -1))
      expect(Object.keys(line).slice(0, 4)).toEqual(['seq', 'at', 'wall', 'type']);
  });

  it('--json is the same byte for byte with the same seed, but for the run and the wall clock', async () => {
    for (const name of [
      'notify-fatal-acknowledged',
      'mediated-four-unread-and-a-fifth',
      'eeh-fundamental-reset',
    ]) {
      const one = await terminal().rbench(`scenario run ${name} --json --seed 42`, { now: () => 0 });
      const other = await terminal().rbench(`scenario run ${name} --json --seed 42`);
      expect(withoutNames(other.out)).toBe(withoutNames(one.out));
      expect(other.out).not.toBe(one.out);
      const otherSeed = await terminal().rbench(`scenario run ${name} --json --seed 43`);
      expect(withoutNames(otherSeed.out)).not.toBe(withoutNames(one.out));
    }
  });

  it('--speed 100 comes to the same trace in real time', async () => {
    const result = async (speed: string) => {
      const { exit, out } = await terminal().rbench(`${fatal} --json --no-journal --speed ${speed}`);
      const { outcome, trace: phases } = jsonLines(out).at(-1) ?? {};
      return { exit, outcome, phases };
    };
    const started = performance.now();
    const paced = await result('100');
    // 0.34 s of virtual time.
    expect(performance.now() - started).toBeGreaterThan(3);
    expect(paced).toEqual({ exit: 0, outcome: 'recovered', phases: trace });
    expect(await result('max')).toEqual(paced);
  });

  it('--no-journal leaves no run behind', async () => {
    const { rbench } = terminal();
    const { out } = await rbench(`${fatal} --no-journal --json`);
    expect(jsonLines(out).at(-1)).toMatchObject({ outcome: 'recovered', run: null });
    expect(await rbench('journal list')).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^No runs in /),
    });
  });

  it('says which step failed, and what was seen instead', async () => {
    const { rbench } = terminal();
    // The trap needs a kernel that loads the open-time snapshot; this one restores nothing.
    const words = 'scenario run restore-snapshot-in-slot-reset --rig simulated:notify-7.2';
    const { exit, out, err } = await rbench(words);
    expect(exit).toBe(1);
    expect(err).toBe(
      'rbench: restore-snapshot-in-slot-reset, step 6 (expect: { register: baseAddress4, value: asArmed }): expected { register: baseAddress4, value: asArmed }; baseAddress4 is 0xc, armed it was 0x8000000c\n',
    );
    expect(out).toMatch(/\nFAILED: no recovery\n$/);
    const json = await rbench(`${words} --json`);
    expect({ exit: json.exit, err: json.err }).toEqual({ exit: 1, err: '' });
    const last = jsonLines(json.out).at(-1) ?? {};
    expect(Object.keys(last)).toEqual(resultKeys);
    expect(last).toMatchObject({ passed: false, outcome: null, failedStep: { number: 6, result: 'failed' } });
  });

  it('--all plays every scenario on each of its profiles, and --rig narrows it down', async () => {
    const { rbench } = terminal();
    const { exit, out } = await rbench('scenario run --all --no-journal');
    expect(exit).toBe(0);
    const played = names.flatMap((name) => scenarioOf(name).needs.profiles).length;
    expect(out.endsWith(`\n\n${played} passed, 0 failed\n`)).toBe(true);
    for (const name of names) expect(out).toMatch(new RegExp(`^passed {2}${name} `, 'm'));
    const some = jsonLines((await rbench('scenario run --all --no-journal --json --rig simulated:eeh')).out);
    expect(some.map(({ scenario, rig }) => `${String(scenario)} ${String(rig)}`)).toEqual([
      'eeh-freeze-and-recover simulated:eeh',
      'eeh-fundamental-reset simulated:eeh',
      'restore-all-ones simulated:eeh',
    ]);
    for (const line of some) expect(Object.keys(line)).toEqual(resultKeys);
  });

  it('plays a scenario of one’s own', async () => {
    const path = join(temporaryFolder(), 'mine.yaml');
    writeFileSync(
      path,
      [
        'title: Mine',
        'seed: 1',
        'story: One device, armed.',
        'needs: { protocol: legacy, profiles: [stock-7.2], topology: single }',
        "device: '0000:01:00.0'",
        'steps:',
        '  - arm: { protocol: legacy }',
        '',
      ].join('\n'),
    );
    const { exit, out } = await terminal().rbench(['scenario', 'run', path, '--json']);
    expect(exit).toBe(0);
    expect(jsonLines(out).at(-1)).toMatchObject({
      scenario: 'mine',
      passed: true,
      outcome: null,
      trace: ['armed'],
    });
  });
});

describe('scenario list and show', () => {
  it('list names every scenario, seed, protocol and profiles', async () => {
    const { exit, out } = await terminal().rbench('scenario list');
    expect(exit).toBe(0);
    const rows = out.trimEnd().split('\n');
    expect(rows[0]).toMatch(/^name +seed +protocol +profiles +title$/);
    expect(rows.slice(1).map((row) => row.split(' ')[0])).toEqual(names);
    const json = jsonLines((await terminal().rbench('scenario list --json')).out);
    expect(json.map(({ name }) => name)).toEqual(names);
    for (const line of json) {
      expect(Object.keys(line)).toEqual([
        'type',
        'name',
        'title',
        'seed',
        'protocol',
        'profiles',
        'topology',
        'device',
        'steps',
      ]);
    }
  });

  it.each(names)('show %s tells the story and numbers the steps as the player does', async (name) => {
    const { exit, out } = await terminal().rbench(`scenario show ${name}`);
    const [json] = jsonLines((await terminal().rbench(`scenario show ${name} --json`)).out);
    expect(exit).toBe(0);
    const { title, story, lines } = json as { title: string; story: string; lines: string[] };
    expect(out.startsWith(`${title}\n\n${story.trim()}\n\nneeds   `)).toBe(true);
    lines.forEach((line, index) => expect(out).toContain(`${String(index + 1).padStart(4)}  ${line}\n`));
  });
});
