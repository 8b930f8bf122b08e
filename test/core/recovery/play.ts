import { errnoOf } from '../../../src-main/core/errno.ts';
import type { RecoveryEffect, RecoveryEffectKind } from '../../../src-main/core/recovery/effect.ts';
import type { Approval, RecoveryEvent, RecoveryUevent } from '../../../src-main/core/recovery/event.ts';
import { seconds, type Microseconds, type Phase } from '../../../src-main/core/recovery/phase.ts';
import { defaultPolicy, type Arming, type Policy } from '../../../src-main/core/recovery/policy.ts';
import type { Reason } from '../../../src-main/core/recovery/reasons.ts';
import { refusalOf } from '../../../src-main/core/recovery/refusal.ts';
import type { ErrorRecord, ProofReport } from '../../../src-main/core/recovery/reports.ts';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { nextDeadline, step } from '../../../src-main/core/recovery/step.ts';
import {
  failure,
  success,
  type BenchError,
  type ErrorCode,
  type Result,
} from '../../../src-main/core/result.ts';

type Without<Event, Key extends PropertyKey> = Event extends unknown ? Omit<Event, Key> : never;
export type Happening = Without<RecoveryEvent, 'at'>;

export const person: Approval = { operator: 'Ada', reason: 'lab demo', by: 'person' };

export const refusedWith = (code: ErrorCode): BenchError => failure(code, 'The kernel said no.').error;
export const eagain: Result<never> = failure('busy', 'The device lock is held.', {
  errno: errnoOf('EAGAIN'),
});

export const aerRecord: ErrorRecord = {
  source: 'aer',
  name: 'MALF_TLP',
  severity: 'fatal',
  bit: 18,
  first: true,
};

/** zpci_ccdf_err as observed: a DMA to an unmapped address. */
export const ccdfRecord: ErrorRecord = {
  source: 'ccdf',
  pec: 4,
  pecName: 'TPROTE',
  fid: 0x56,
  functionHandle: 0x8002_0000,
  failingAddress: '0x30000000',
  raw: '0000000080020000000000560000000000000001300000000000000000000004',
};

export const proof = (verdict: ProofReport['verdict']): ProofReport => ({ verdict, checks: [] });

export const armingOf = (
  protocol: Arming['protocol'],
  change: Partial<Omit<Arming, 'policy'>> & { policy?: Partial<Policy> } = {},
): Arming => ({
  protocol,
  ackTimeout: seconds(60),
  uevents: 'unobservable',
  sharers: 0,
  ...change,
  policy: { ...defaultPolicy, ...change.policy },
});

/** What a rig where everything works answers to an effect. */
export const goodAnswer = (effect: RecoveryEffect): Happening | null => {
  const { recovery } = effect;
  switch (effect.kind) {
    case 'inspect':
      return { kind: 'inspected', recovery, result: success({ severity: 'fatal', errors: [aerRecord] }) };
    case 'drainErrors':
      return { kind: 'drained', recovery, result: success([ccdfRecord]) };
    case 'quiesce':
      return { kind: 'quiesceFinished', recovery, report: { succeeded: true, actions: [] } };
    case 'acknowledge':
      return { kind: 'acknowledgeFinished', recovery, error: null };
    case 'withdraw':
      return { kind: 'withdrawFinished', recovery, error: null };
    case 'reset': {
      const report = { kind: effect.resetKind, took: 101_000, affected: ['0000:01:00.0'] };
      return { kind: 'resetFinished', recovery, result: success(report) };
    }
    case 'eeh': {
      const state = effect.operation === 'getState' ? 'stopped' : 'normal';
      const log = effect.operation === 'readLog' ? { log: 'PE#1 frozen' } : {};
      const { operation } = effect;
      return { kind: 'eehFinished', recovery, operation, result: success({ state, ...log }) };
    }
    case 'reinitialise':
      return { kind: 'reinitialiseFinished', recovery, report: { succeeded: true, steps: [] } };
    case 'prove':
      return { kind: 'proofFinished', recovery, report: proof('proven') };
    case 'snapshot':
    case 'conclude':
      return null;
  }
};

/** Plays events into the phase model, answers its effects, and keeps what it saw. Time is explicit. */
export class Play {
  state: RecoveryState;
  now: Microseconds = seconds(1_000);
  /** Each phase once, in the order in which it was entered. */
  readonly phases: Phase[];
  readonly reasons: Reason[] = [];
  readonly effects: RecoveryEffect[] = [];
  /** Effects that still wait for their answer. */
  pending: RecoveryEffect[] = [];

  constructor(arming: Arming) {
    this.state = armedState(arming);
    this.phases = [this.state.phase];
  }

  happens(event: Happening): this {
    const transition = step(this.state, { ...event, at: this.now } as RecoveryEvent);
    const openedNext =
      'recovery' in transition.state &&
      (!('recovery' in this.state) || transition.state.recovery.number > this.state.recovery.number);
    for (const effect of transition.effects) {
      if (effect.kind === 'conclude' && openedNext) this.phases.push(effect.outcome);
    }
    if (openedNext || transition.state.phase !== this.state.phase) this.phases.push(transition.state.phase);
    this.state = transition.state;
    if (transition.reason !== null) this.reasons.push(transition.reason);
    this.effects.push(...transition.effects);
    this.pending.push(...transition.effects.filter((effect) => goodAnswer(effect) !== null));
    return this;
  }

  signal(count = 1): this {
    return this.happens({ kind: 'signal', count });
  }

  uevent(uevent: RecoveryUevent): this {
    return this.happens({ kind: 'uevent', uevent });
  }

  acknowledge(): this {
    return this.happens({ kind: 'acknowledgeRequested', approval: person });
  }

  withdraw(): this {
    return this.happens({ kind: 'withdrawRequested', approval: person });
  }

  reset(resetKind: 'device' | 'hot' | 'peHot' | 'peFundamental' = 'device'): this {
    return this.happens({ kind: 'resetRequested', resetKind, approval: person });
  }

  /** Answers the oldest open effect of that kind, well or as told. */
  answer(kind: RecoveryEffectKind, change: object = {}): this {
    const effect = this.pending.find((candidate) => candidate.kind === kind);
    if (effect === undefined) throw new Error(`No open "${kind}" effect; open: ${this.open().join(', ')}.`);
    this.pending = this.pending.filter((candidate) => candidate !== effect);
    return this.happens({ ...goodAnswer(effect), ...change } as Happening);
  }

  /** Answers everything well, as far as it goes without a person or the clock. */
  settle(): this {
    for (let effect = this.pending[0]; effect !== undefined; effect = this.pending[0]) {
      this.pending = this.pending.slice(1);
      this.happens(goodAnswer(effect) as Happening);
    }
    return this;
  }

  /** Time passes, and the clock is reported whenever the model asked for it. */
  wait(duration: Microseconds): this {
    const until = this.now + duration;
    for (let calls = 0; ; calls += 1) {
      const deadline = nextDeadline(this.state);
      if (deadline === null || deadline > until) break;
      if (calls > 10_000) throw new Error(`The clock of ${this.state.phase} never comes to rest.`);
      this.now = Math.max(this.now, deadline);
      this.happens({ kind: 'clockReached' });
    }
    this.now = until;
    return this;
  }

  /** The machine was busy: time passes, and the clock is reported only once, at the end. */
  waitDeaf(duration: Microseconds): this {
    this.now += duration;
    return this.happens({ kind: 'clockReached' });
  }

  /** From armed to where a person decides: awaitingAck, or the decision on the reset. */
  toDecision(): this {
    return this.signal().settle();
  }

  refusal(event: Happening): ErrorCode | null {
    return refusalOf(this.state, { ...event, at: this.now } as RecoveryEvent)?.code ?? null;
  }

  open(): string[] {
    return this.pending.map((effect) => effect.kind);
  }

  count(kind: RecoveryEffectKind): number {
    return this.effects.filter((effect) => effect.kind === kind).length;
  }

  /** What each recovery ended with, in order. */
  outcomes(): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'conclude' ? [`${effect.recovery} ${effect.outcome}: ${effect.reason}`] : [],
    );
  }
}

export const play = (...args: Parameters<typeof armingOf>): Play => new Play(armingOf(...args));
