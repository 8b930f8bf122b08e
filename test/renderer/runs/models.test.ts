// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenedRun, PhaseBand, ReplayedDevice } from '../../../preload/contract/views.ts';
import type { Phase } from '../../../src-main/core/recovery/phase.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import { PhaseHistory } from '../../../src-main/service/runFold.ts';
import { compareRuns } from '../../../src-renderer/views/runs/compareRuns.ts';
import { RunPages } from '../../../src-renderer/views/runs/runPages.ts';
import { begunOf, momentWords, sizeWords } from '../../../src-renderer/views/runs/runWords.ts';
import {
  arrowStep,
  changeAfter,
  changeBefore,
  changesOf,
  clamp,
  drawnBands,
  recoverySpans,
  rowsOfStory,
  shareOf,
} from '../../../src-renderer/views/runs/scrub.ts';
import { noteLine } from '../fakeBridge.ts';
import { Told, untilQuiet } from '../handshake/told.ts';
import { openedRun } from './opened.ts';

const device = '0000:01:00.0';
const notArmed: ReplayedDevice = {
  device,
  trace: [],
  traceLength: 0,
  bands: [],
  recoveries: [],
  recoveryCount: 0,
};
const replayed = (trace: readonly Phase[], rest: Partial<ReplayedDevice> = {}): ReplayedDevice => ({
  ...notArmed,
  trace,
  traceLength: trace.length,
  ...rest,
});
describe('words of a run', () => {
  it.each([
    ['2026-11-21T02-31-07Z-5f0a', '2026-11-21 02:31:07'],
    ['something else', 'something else'],
  ])('%s begun at %s', (run, begun) => {
    expect(begunOf(run)).toBe(begun);
  });
  it.each([
    [999, '999 B'],
    [17_800, '17.8 kB'],
    [375_085_434, '375.1 MB'],
  ])('%i bytes are %s', (bytes, words) => {
    expect(sizeWords(bytes)).toBe(words);
  });
  it('a moment is exact to the microsecond', () => {
    expect(momentWords(12_345_678, 345_678)).toBe('12.000000 s');
    expect(momentWords(1, 0)).toBe('0.000001 s');
  });
});

describe('the scrubber', () => {
  it.each([
    [{ from: 0, to: 100 }, 1],
    [{ from: 0, to: 1_000_000 }, 2_000],
    [{ from: 5_000_000, to: 12_526_217 }, 20_000],
    [{ from: 7, to: 7 }, 1],
  ])('an arrow key moves by a round part of %j', (span, step) => {
    expect(arrowStep(span)).toBe(step);
  });

  it('never leaves its span', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer(), (one, other, at) => {
        const span = { from: Math.min(one, other), to: Math.max(one, other) };
        const held = clamp(at, span);
        expect(held).toBeGreaterThanOrEqual(span.from);
        expect(held).toBeLessThanOrEqual(span.to);
        expect(shareOf(held, span)).toBeGreaterThanOrEqual(0);
        expect(shareOf(held, span)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('steps from change to change and stops at the ends', () => {
    const bands: readonly PhaseBand[] = [
      { at: 10, phase: 'armed' },
      { at: 40, phase: 'errorDetected' },
    ];
    const changes = changesOf([
      replayed([], { bands }),
      replayed([], { bands: [{ at: 25, phase: 'armed' }, ...bands.slice(1)] }),
    ]);
    expect(changes).toEqual([10, 25, 40]);
    expect([changeBefore(changes, 10), changeBefore(changes, 26), changeAfter(changes, 26)]).toEqual([
      null,
      25,
      40,
    ]);
    expect(changeAfter(changes, 40)).toBeNull();
  });

  it('draws bands inside its span, and none while nothing is armed', () => {
    const bands: readonly PhaseBand[] = [
      { at: 0, phase: 'armed' },
      { at: 50, phase: 'awaitingAck' },
      { at: 75, phase: null },
      { at: 90, phase: 'armed' },
    ];
    expect(drawnBands(bands, { from: 0, to: 100 }, 100)).toEqual([
      { phase: 'armed', left: 0, width: 0.5 },
      { phase: 'awaitingAck', left: 0.5, width: 0.25 },
      { phase: 'armed', left: 0.9, width: expect.closeTo(0.1) },
    ]);
    expect(drawnBands(bands, { from: 50, to: 60 }, 100)).toEqual([
      { phase: 'awaitingAck', left: 0, width: 1 },
    ]);
  });

  it('spreads over one recovery with some room before and after', () => {
    const recovery = {
      number: 1,
      openedAt: 500_000,
      concludedAt: 600_000,
      outcome: 'recovered',
      durations: {},
    } as const;
    const [span] = recoverySpans(openedRun({ devices: [replayed([], { recoveries: [recovery] })] }));
    expect(span).toMatchObject({ from: 490_000, to: 610_000, device });
    expect(span?.title).toMatch(/recovery 1, recovered$/);
    const open = { ...recovery, concludedAt: null, outcome: null };
    const [last] = recoverySpans(openedRun({ devices: [replayed([], { recoveries: [open] })] }));
    expect(last).toMatchObject({ to: 1_000_000, title: expect.stringMatching(/open$/) });
  });

  it('draws the rows of a story with the phase that each begins', () => {
    const told = new Told().happens(...untilQuiet());
    const phases = rowsOfStory(told.lines).flatMap(({ phase }) => phase ?? []);
    expect(phases).toEqual(['armed', 'errorDetected', 'quiescing', 'awaitingAck']);
  });
});

describe('bands of a long run', () => {
  const phases: readonly (Phase | null)[] = [
    'armed',
    'errorDetected',
    'awaitingAck',
    'recovered',
    'failed',
    null,
  ];
  it('stay within their number and keep what is gravest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.constantFrom(...phases)), {
          maxLength: 300,
        }),
        fc.integer({ min: 1, max: 40 }),
        (changes, most) => {
          const history = new PhaseHistory();
          const sorted = [...changes].sort(([one], [other]) => one - other);
          for (const [at, phase] of sorted) history.add(at, phase);
          const exact = history.bands(0, 10_000, Infinity);
          const bands = history.bands(0, 10_000, most);
          expect(bands.length).toBeLessThanOrEqual(most);
          expect(bands.map(({ at }) => at)).toEqual(bands.map(({ at }) => at).sort((a, b) => a - b));
          const saw = (list: readonly PhaseBand[]): boolean => list.some(({ phase }) => phase === 'failed');
          expect(saw(bands)).toBe(saw(exact));
        },
      ),
    );
  });
});

describe('two runs', () => {
  const until = (...rest: readonly Phase[]): readonly Phase[] => [
    'armed',
    'errorDetected',
    'awaitingAck',
    ...rest,
  ];
  const recovery = (
    concludedAt: number | null,
    awaitingAck: number,
    outcome: 'recovered' | 'timedOut' | null,
  ) => ({
    number: 1,
    openedAt: 100,
    concludedAt,
    outcome,
    durations: { awaitingAck },
  });
  const run = (...devices: readonly ReplayedDevice[]): OpenedRun => openedRun({ devices });
  const other = { device: '0000:02:00.0' };

  it.each([
    [
      'the same',
      run(replayed(until('recovered'))),
      run(replayed(until('recovered'))),
      true,
      null,
      /same phases in both runs; only/,
    ],
    [
      'another phase',
      run(replayed(until('recovered'))),
      run(replayed(until('timedOut'))),
      false,
      3,
      /^0000:01:00\.0 goes another way in recovery 1: recovered on the left, timedOut on the right\.$/,
    ],
    [
      'one that ends earlier',
      run(replayed(until('recovered'))),
      run(replayed(until())),
      false,
      3,
      /recovered on the left, nothing more on the right/,
    ],
    ['another beginning', run(replayed(['armed'])), run(replayed([])), false, 0, /before its first recovery/],
    [
      'a device that only one has',
      run(replayed(['armed']), replayed(['armed'], other)),
      run(replayed(['armed'])),
      false,
      null,
      /^0000:02:00\.0 was armed in the left run only\.$/,
    ],
    ['nothing at all', run(), run(), true, undefined, /^No device was armed in either run\.$/],
    [
      'the same as far as it goes',
      run(replayed(['armed'], { traceLength: 9 })),
      run(replayed(['armed'])),
      true,
      null,
      /as far as they are compared/,
    ],
  ])('%s', (_name, left, right, same, differsAt, verdict) => {
    const comparison = compareRuns(left, right);
    expect(comparison.verdict).toMatch(verdict);
    expect(comparison.same).toBe(same);
    expect(comparison.devices[0]?.differsAt).toBe(differsAt);
  });

  it('are told apart by how long each phase took', () => {
    const left = run(replayed(until(), { recoveries: [recovery(300, 150, 'recovered')] }));
    const right = run(
      replayed(until(), { recoveries: [recovery(null, 170, null), recovery(500, 1, 'timedOut')] }),
    );
    expect(compareRuns(left, right).devices[0]?.recoveries).toEqual([
      {
        ordinal: 1,
        left: 'recovered',
        right: 'open',
        durations: [
          { phase: 'awaitingAck', left: 150, right: 170, difference: 20 },
          { phase: 'all', left: 200, right: null, difference: null },
        ],
      },
      {
        ordinal: 2,
        left: null,
        right: 'timedOut',
        durations: [
          { phase: 'awaitingAck', left: null, right: 1, difference: null },
          { phase: 'all', left: null, right: 400, difference: null },
        ],
      },
    ]);
  });
});

describe('the pages of a run', () => {
  const served = (lines: number) => {
    const asked: number[] = [];
    const pages = new RunPages(async (from, most) => {
      asked.push(from);
      return success(
        Array.from({ length: Math.max(0, Math.min(most, lines - from)) }, (_, at) => noteLine(from + at + 1)),
      );
    });
    return { pages, asked };
  };
  const turn = flushPromises;

  it('are read once, as they come into sight', async () => {
    const { pages, asked } = served(1_000);
    expect(pages.line(500)).toBeNull();
    pages.want(395, 410);
    pages.want(399, 420);
    await turn();
    expect(asked).toEqual([200, 400]);
    expect(pages.line(399)?.seq).toBe(400);
    expect(pages.line(400)?.seq).toBe(401);
    expect(pages.version.value).toBe(2);
    pages.want(395, 410);
    await turn();
    expect(asked).toHaveLength(2);
  });

  it('that were looked at long ago are let go', async () => {
    const { pages, asked } = served(1_000_000);
    for (let page = 0; page < 60; page += 1) pages.want(page * 200, page * 200);
    await turn();
    expect(pages.line(0)).toBeNull();
    expect(pages.line(59 * 200)?.seq).toBe(59 * 200 + 1);
    pages.want(0, 0);
    await turn();
    expect(asked.filter((from) => from === 0)).toHaveLength(2);
  });

  it('that were not full are read again when the run has grown', async () => {
    let lines = 250;
    const pages = new RunPages(async (from, most) =>
      success(Array.from({ length: Math.min(most, lines - from) }, (_, at) => noteLine(from + at + 1))),
    );
    pages.want(0, 300);
    await turn();
    expect(pages.line(260)).toBeNull();
    lines = 300;
    pages.grown();
    pages.want(0, 300);
    await turn();
    expect(pages.line(260)?.seq).toBe(261);
  });

  it('that cannot be read say why and are asked for again', async () => {
    let broken = true;
    const pages = new RunPages(async () =>
      broken ? failure('journalUnreadable', 'The file is gone.') : success([noteLine(1)]),
    );
    pages.want(0, 0);
    await turn();
    expect(pages.trouble.value?.message).toBe('The file is gone.');
    broken = false;
    pages.want(0, 0);
    await turn();
    expect(pages.trouble.value).toBeNull();
    expect(pages.line(0)?.seq).toBe(1);
  });
});
