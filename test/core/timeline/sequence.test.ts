import { describe, expect, it } from 'vitest';
import { defaultPolicy, type Arming } from '../../../src-main/core/recovery/policy.ts';
import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { rowsOf, type TimelineRow } from '../../../src-main/core/timeline/rows.ts';
import { layOutSequence, relativeSeconds } from '../../../src-main/core/timeline/sequence.ts';

const arming: Arming = {
  protocol: 'notify',
  policy: defaultPolicy,
  ackTimeout: 60_000_000,
  uevents: 'observable',
  sharers: 0,
};

const play = (events: readonly RecoveryEvent[]): { rows: TimelineRow[]; state: RecoveryState } => {
  let state: RecoveryState = armedState(arming);
  const rows: TimelineRow[] = [];
  for (const event of events) {
    const before = state.phase;
    const { state: next, effects, reason } = step(state, event);
    state = next;
    if (reason === null) continue;
    const line: JournalLine = {
      seq: 1,
      at: event.at,
      wall: '',
      type: 'step',
      device: '0000:01:00.0',
      event,
      reason,
      phase: next.phase,
      recovery: 1,
      effects,
    };
    rows.push(...rowsOf(line, before));
  }
  return { rows, state };
};

const waiting: RecoveryEvent[] = [
  { kind: 'signal', at: 1_000_000, count: 1 },
  {
    kind: 'inspected',
    at: 1_001_000,
    recovery: 1,
    result: { ok: true, value: { severity: 'fatal', errors: [] } },
  },
  { kind: 'quiesceFinished', at: 1_009_000, recovery: 1, report: { succeeded: true, actions: [] } },
];

describe('relativeSeconds', () => {
  it.each([
    [999_996, 1_000_000, '+0.000'],
    [996_000, 1_000_000, '-0.004'],
    [44_200_000, 1_000_000, '+43.200'],
  ])('%i from %i is %s', (at, origin, text) => {
    expect(relativeSeconds(at, origin)).toBe(text);
  });
});

describe('layOutSequence', () => {
  it('runs time down, one row below the other, and repeats no time', () => {
    const { rows, state } = play(waiting);
    const { marks } = layOutSequence(rows, 1_000_000, state, 17_800_000, 'notify');
    const ys = marks.map((mark) => mark.y);
    expect(ys).toEqual([...ys].sort((one, other) => one - other));
    expect(new Set(ys).size).toBe(ys.length);
    expect(marks.filter((mark) => mark.time === '+0.000')).toHaveLength(1);
  });

  it('shows an open wait: now, what is expected, and what happens without an ack', () => {
    const { rows, state } = play(waiting);
    const layout = layOutSequence(rows, 1_000_000, state, 17_800_000, 'notify');
    expect(layout.now?.text).toBe('now +16.800');
    expect(layout.deadline).toMatchObject({
      time: '+60.000',
      text: 'without an ack: CAN_RECOVER; reset anyway, no second signal',
    });
    expect(layout.marks.filter((mark) => mark.kind === 'expected').map((mark) => mark.text)).toEqual([
      'ack (DATA_NONE | ACTION_UNMASK)',
      'reset of the slot',
      'slot_reset: eventfd 5 again',
      'put back, DEVICE_RESET, proof',
    ]);
    expect(layout.waits).toEqual([{ x: 150, top: layout.marks[0]?.y, bottom: layout.deadline?.y }]);
  });

  it('ends the bar of the wait where the ack was taken', () => {
    const approval = { operator: 'ada', reason: 'demo', by: 'person' } as const;
    const { rows, state } = play([
      ...waiting,
      { kind: 'acknowledgeRequested', at: 2_000_000, approval },
      { kind: 'acknowledgeFinished', at: 2_000_100, recovery: 1, error: null },
    ]);
    const layout = layOutSequence(rows, 1_000_000, state, 2_100_000, 'notify');
    const taken = layout.marks.find((mark) => mark.phase === 'resetting');
    expect(layout.waits[0]?.bottom).toBe(taken?.y);
    expect(layout.deadline).toBeNull();
  });

  it('puts what happens in one lane beside its dot', () => {
    const { rows } = play([...waiting, { kind: 'clockReached', at: 61_000_000 }]);
    const { marks } = layOutSequence(rows, 1_000_000, null, null, 'notify');
    const dot = marks.find((mark) => mark.phase === 'timedOut');
    expect(dot?.fromX).toBe(dot?.toX);
    expect(dot?.anchor).toBe('start');
  });
});
