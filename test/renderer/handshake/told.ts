import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import type { Arming } from '../../../src-main/core/recovery/policy.ts';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { lineOf, notifyArming } from '../fakeBridge.ts';

export const device = '0000:01:00.0';

/** The lines that a device writes when it is armed and these things happen to it, and its state after them. */
export class Told {
  readonly lines: JournalLine[] = [];
  readonly arming: Arming;
  state: RecoveryState;

  constructor(arming: Arming = notifyArming) {
    this.arming = arming;
    this.state = armedState(arming);
    this.lines.push(lineOf(1, { type: 'armed', device, arming }, 500_000));
  }

  happens(...events: readonly RecoveryEvent[]): this {
    for (const event of events) {
      const { state, effects, reason } = step(this.state, event);
      this.state = state;
      if (reason === null) continue;
      const recovery = state.phase === 'armed' ? null : state.recovery.number;
      this.line({ type: 'step', device, event, reason, phase: state.phase, recovery, effects }, event.at);
    }
    return this;
  }

  line(body: Parameters<typeof lineOf>[1], at: number): this {
    this.lines.push(lineOf(this.lines.length + 1, body, at));
    return this;
  }

  armAgain(at: number): this {
    this.state = armedState(this.arming);
    return this.line({ type: 'armed', device, arming: this.arming }, at);
  }
}

const at = 1_000_000;

/** From the signal to the open wait, 9 ms later. */
export const untilQuiet = (recovery = 1, from = at): RecoveryEvent[] => [
  { kind: 'signal', at: from, count: 1 },
  {
    kind: 'inspected',
    at: from + 1_000,
    recovery,
    result: {
      ok: true,
      value: {
        severity: 'fatal',
        errors: [{ source: 'aer', name: 'MALF_TLP', severity: 'fatal', bit: 18, first: true }],
      },
    },
  },
  {
    kind: 'quiesceFinished',
    at: from + 9_000,
    recovery,
    report: {
      succeeded: true,
      actions: [
        { action: 'touchingStopped', result: 'done' },
        { action: 'barsUnmapped', result: 'done' },
        { action: 'busMasterOff', result: 'done' },
        { action: 'msixOff', result: 'notNeeded' },
        { action: 'transactionsDrained', result: 'done' },
      ],
    },
  },
];

export const expiry = (from = at): RecoveryEvent => ({ kind: 'clockReached', at: from + 60_000_000 });
export const approval = { operator: 'ada', reason: 'lab demo', by: 'person' } as const;
