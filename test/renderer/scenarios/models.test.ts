import { describe, expect, it } from 'vitest';
import type { ScenarioProgress, ScenarioSummary } from '../../../preload/contract/views.ts';
import { playedSteps } from '../../../src-renderer/views/scenarios/playedSteps.ts';
import { byThread } from '../../../src-renderer/views/scenarios/scenarioCatalogue.ts';
import { meaningOf } from '../../../src-renderer/views/scenarios/stepMeaning.ts';
import { readStep } from '../../../src-renderer/views/scenarios/stepText.ts';
import { lineOf } from '../fakeBridge.ts';

describe('a step as it is written', () => {
  it.each([
    ['quiesce', { verb: 'quiesce', value: '', words: {} }],
    ['wait: 1s', { verb: 'wait', value: '1s', words: {} }],
    ['ack: { reason: lab demo }', { verb: 'ack', value: '', words: { reason: 'lab demo' } }],
    [
      "expect: { silence: 1s, device: '0000:01:00.1' }",
      { verb: 'expect', value: '', words: { silence: '1s', device: '0000:01:00.1' } },
    ],
    [
      "reset: { kind: hot, reason: it is nobody's, really, refused: kernelRefused }",
      {
        verb: 'reset',
        value: '',
        words: { kind: 'hot', reason: "it is nobody's, really", refused: 'kernelRefused' },
      },
    ],
    [
      'expect: { errors: [OORANGE, TPROTE] }',
      { verb: 'expect', value: '', words: { errors: '[OORANGE, TPROTE]' } },
    ],
    ['', { verb: '', value: '', words: {} }],
  ])('%j is taken apart', (text, parts) => {
    expect(readStep(text)).toEqual(parts);
  });
});

describe('what a step means', () => {
  it.each([
    ['ack: { reason: x }', 'notify', 'Acknowledge', /NEED_RESET/],
    ['withdraw: { reason: x }', 'notify', 'Withdraw', /still waits out its time/],
    ['expect: { outcome: timedOut, within: 61s }', 'notify', 'Let it expire', /CAN_RECOVER/],
    ['reset: { reason: x }', 'mediated', 'Reset', /resets the function/],
    ['expect: { outcome: timedOut }', 'eeh', 'Let it be', /Nobody resets it/],
  ] as const)(
    '%s with %s takes %s of three ways, each with its consequence',
    (text, protocol, title, consequence) => {
      const { ways } = meaningOf(text, protocol);
      expect(ways).toHaveLength(3);
      expect(ways.filter(({ taken }) => taken)).toEqual([
        { title, taken: true, consequence: expect.stringMatching(consequence) },
      ]);
    },
  );

  it('offers nothing to choose where a refusal is what is wanted', () => {
    const { does, ways } = meaningOf('ack: { reason: too late, refused: noOpenWait }', 'notify');
    expect(does).toMatch(/must be refused \(noOpenWait\)/);
    expect(ways).toEqual([]);
  });

  it('names the device it is aimed at', () => {
    expect(meaningOf("prove: { device: '0000:01:00.1' }", 'notify').does).toMatch(/On 0000:01:00\.1\.$/);
  });
});

describe('the steps as they stand', () => {
  const scenario = { name: 's', steps: ['one', 'two', 'three'] } as unknown as ScenarioSummary;
  const progress = (rest: Partial<ScenarioProgress>): ScenarioProgress => ({
    scenario,
    played: 0,
    running: false,
    failed: null,
    ended: false,
    ...rest,
  });
  const failed = { step: 2, detail: 'it was not so' };
  it.each([
    ['nothing is played', null, ['pending', 'pending', 'pending']],
    ['it is started', progress({}), ['next', 'pending', 'pending']],
    ['the second runs', progress({ played: 1, running: true }), ['passed', 'running', 'pending']],
    ['the first passed', progress({ played: 1 }), ['passed', 'next', 'pending']],
    ['the second failed', progress({ played: 2, failed, ended: true }), ['passed', 'failed', 'left']],
    ['all passed', progress({ played: 3, ended: true }), ['passed', 'passed', 'passed']],
  ])('%s', (_name, now, statuses) => {
    expect(playedSteps(scenario.steps, now, []).map(({ status }) => status)).toEqual(statuses);
  });

  it('have their details and times from the lines of the run', () => {
    const lines = [
      lineOf(1, { type: 'scenario', step: 1, text: 'one', result: 'started' }, 1_000),
      lineOf(2, { type: 'scenario', step: 1, text: 'one', result: 'passed', detail: 'refused' }, 4_000),
      lineOf(3, { type: 'scenario', step: 2, text: 'two', result: 'started' }, 5_000),
    ];
    const steps = playedSteps(scenario.steps, progress({ played: 1, running: true }), lines);
    expect(steps.map(({ detail, took }) => [detail, took])).toEqual([
      ['refused', 3_000],
      ['', null],
      ['', null],
    ]);
  });
});

describe('the list', () => {
  it('is grouped by thread, in the order of the threads', () => {
    const of = (name: string, seed: number): ScenarioSummary => ({ name, seed }) as ScenarioSummary;
    const groups = byThread([of('c', 3), of('a', 1), of('d', 3), of('b', 1)]);
    expect(groups.map(({ seed, scenarios }) => [seed, scenarios.map(({ name }) => name)])).toEqual([
      [1, ['a', 'b']],
      [3, ['c', 'd']],
    ]);
  });
});
