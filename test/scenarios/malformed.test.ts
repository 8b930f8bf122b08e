import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { runCommandLine } from '../../src-main/commands/program.ts';
import { parseScenario } from '../../src-main/scenarios/load.ts';
import { parseDuration } from '../../src-main/scenarios/duration.ts';
import { directory, names } from './stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-malformed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = [
  'title: A story',
  'seed: 1',
  'story: It goes well.',
  'needs: { protocol: notify, profiles: [notify-7.2], topology: single }',
  "device: '0000:01:00.0'",
  'steps:',
  '  - arm: { protocol: notify }',
  '  - inject: { severity: fatal, error: MALF_TLP }',
  '  - expect: { phase: awaitingAck, within: 5s }',
  '  - ack: { reason: lab demo }',
  '',
];

/** The good scenario with one line changed. */
const withLine = (number: number, line: string): string => good.with(number - 1, line).join('\n');

const cases: readonly (readonly [string, string, string])[] = [
  [
    'a quote that is not closed',
    withLine(1, 'title: "A story'),
    'line 11, column 1: Missing closing "quote.',
  ],
  ['a brace that is not closed', withLine(7, '  - arm: { protocol: notify'), 'line 8, column 3: '],
  ['a tab', withLine(2, '\tseed: 1'), 'line 2, column 1: Tabs are not allowed as indentation.'],
  ['a key twice', withLine(2, 'title: Another'), 'line 2, column 1: Map keys must be unique.'],
  ['a name of nothing', withLine(1, 'title: *story'), 'line 1, column 8: nothing is named &story.'],
  ['two documents', withLine(2, '---'), 'line 2, column 1: a file holds one scenario.'],
  ['nothing at all', '', 'line 1, column 1: a scenario is a mapping with a title.'],
  ['a list', '- arm\n', 'line 1, column 1: a scenario is a mapping with a title.'],
  ['no title', withLine(1, ''), 'line 2, column 1: title is missing.'],
  ['an unknown member', withLine(3, 'storey: It goes well.'), 'line 1, column 1: story is missing.'],
  ['one more member', withLine(3, 'story: x\nauthor: me'), 'line 4, column 1: Unrecognized key: "author".'],
  [
    'a text for a number',
    withLine(2, 'seed: one'),
    'line 2, column 7: seed: Invalid input: expected number, received string.',
  ],
  ['a thread that is none of the four', withLine(2, 'seed: 5'), 'line 2, column 7: seed: Too big'],
  ['no address', withLine(5, 'device: dut0'), 'line 5, column 9: device: "dut0" is not a PCI address'],
  [
    'an unknown profile',
    withLine(4, 'needs: { protocol: notify, profiles: [stock-5], topology: single }'),
    'line 4, column 39: needs.profiles.0: Invalid option',
  ],
  [
    'no profiles',
    withLine(4, 'needs: { protocol: notify, profiles: [], topology: single }'),
    'line 4, column 38: needs.profiles: Too small',
  ],
  [
    'an unknown topology',
    withLine(4, 'needs: { protocol: notify, profiles: [eeh], topology: ring }'),
    'line 4, column 55: needs.topology: Invalid option',
  ],
  [
    'an unknown step',
    withLine(9, '  - expact: { phase: awaitingAck }'),
    'line 9, column 5: step 3: expected exactly one of arm, inject, expect,',
  ],
  [
    'two keys in a step',
    withLine(9, '  - { ack: { reason: a }, prove: {} }'),
    'line 9, column 5: step 3: expected exactly one of ',
  ],
  [
    'an unknown key beside a known one',
    withLine(9, '  - { prove: {}, hurry: true }'),
    'line 9, column 18: step 3: expected exactly one of ',
  ],
  [
    'an unknown member of a step',
    withLine(8, '  - inject: { serverity: fatal, error: MALF_TLP }'),
    'line 8, column 15: step 2, inject: Unrecognized key: "serverity".',
  ],
  [
    'a wrong phase',
    withLine(9, '  - expect: { phase: awaitingack }'),
    'line 9, column 22: step 3, expect.phase: Invalid option: expected one of "armed"|',
  ],
  [
    'a wrong outcome',
    withLine(9, '  - expect: { outcome: fine }'),
    'line 9, column 24: step 3, expect.outcome: Invalid option',
  ],
  [
    'two expectations in one',
    withLine(9, '  - expect: { phase: armed, outcome: failed }'),
    'step 3, expect: expected exactly one of ',
  ],
  [
    'no error name',
    withLine(8, '  - inject: { error: TYPO }'),
    'line 8, column 22: step 2, inject.error: no AER error has this name',
  ],
  [
    'a duration without a unit',
    withLine(9, '  - expect: { phase: armed, within: 5 }'),
    'line 9, column 37: step 3, expect.within: Invalid input: expected string, received number.',
  ],
  [
    'a duration of another kind',
    withLine(9, '  - wait: soon'),
    'line 9, column 11: step 3, wait: "soon" is no duration; write 200ms, 5s or 2m.',
  ],
  [
    'a reason that is empty',
    withLine(10, "  - ack: { reason: '' }"),
    'line 10, column 20: step 4, ack.reason: Too small',
  ],
  ['no reason', withLine(10, '  - ack'), 'line 10, column 5: step 4, ack.reason is missing.'],
  ['a step with nothing in it', withLine(10, '  -'), 'step 4: expected one of arm, '],
];

describe('a scenario that is written wrongly', () => {
  it('is not the one that the cases are made of', () => {
    expect(parseScenario('good', good.join('\n'))).toMatchObject({ ok: true });
  });

  it.each(cases)(
    '%s: names line and column, and exits 2 before anything happens',
    async (_what, text, sentence) => {
      const parsed = parseScenario('story', text);
      expect(parsed).toMatchObject({ ok: false, error: { code: 'scenarioMalformed' } });
      if (parsed.ok) return;
      expect(parsed.error.message).toContain(sentence);
      expect(parsed.error.message).toMatch(/^story\.yaml, line \d+, column \d+: .*[^.]\.$/);
      const path = join(folder, 'story.yaml');
      writeFileSync(path, text);
      const said = { out: '', err: '' };
      const exit = await runCommandLine(
        ['scenario', 'run', path, '--runs', join(folder, 'runs')],
        { out: (more) => (said.out += more), err: (more) => (said.err += more), colour: false },
        {},
        () => 0,
      );
      expect({ exit, ...said }).toEqual({ exit: 2, out: '', err: `rbench: ${parsed.error.message}\n` });
    },
  );

  it('any bytes give a scenario or one sentence with a place, and no exception', () => {
    const texts = names.map((name) => readFileSync(join(directory, `${name}.yaml`), 'utf8'));
    const damaged = fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(12), fc.string({ maxLength: 6 }))
      .map(([text, at, cut, put]) => {
        const from = at % text.length;
        return text.slice(0, from) + put + text.slice(from + cut);
      });
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged), (text) => {
        const parsed = parseScenario('any', text);
        if (!parsed.ok) expect(parsed.error.message).toMatch(/^any\.yaml, line \d+, column \d+: /);
      }),
      { numRuns: 300 },
    );
  });

  it('aliases of aliases do not fill the memory', () => {
    const rows = Array.from({ length: 30 }, (_, index) =>
      index === 0 ? 'a0: &a0 [x, x]' : `a${index}: &a${index} [*a${index - 1}, *a${index - 1}]`,
    );
    expect(parseScenario('laughs', rows.join('\n'))).toMatchObject({
      ok: false,
      error: { code: 'scenarioMalformed' },
    });
  });
});

describe('parseDuration', () => {
  it.each([
    ['3us', 3],
    ['200ms', 200_000],
    ['1.5s', 1_500_000],
    ['2m', 120_000_000],
    [' 5s ', 5_000_000],
    ['5', null],
    ['-5s', null],
    ['5h', null],
    ['s', null],
    ['1e3s', null],
    ['', null],
  ])('%j is %s', (text, microseconds) => expect(parseDuration(text)).toBe(microseconds));
});
