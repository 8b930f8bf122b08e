import fc from 'fast-check';
import type { RecoveryEffect } from '../../../src-main/core/recovery/effect.ts';
import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import {
  milliseconds,
  protocols,
  seconds,
  type Microseconds,
} from '../../../src-main/core/recovery/phase.ts';
import {
  checkPolicy,
  decisions,
  timeoutActions,
  type Arming,
} from '../../../src-main/core/recovery/policy.ts';
import { resetKinds, type EehOperation } from '../../../src-main/core/recovery/reports.ts';
import type { RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { nextDeadline } from '../../../src-main/core/recovery/step.ts';
import {
  aerRecord,
  ccdfRecord,
  eagain,
  goodAnswer,
  person,
  proof,
  refusedWith,
  type Happening,
} from './play.ts';

const of = <const Value>(...values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);

export const armings: fc.Arbitrary<Arming> = fc.record({
  protocol: of(...protocols),
  policy: fc
    .record({
      decision: of(...decisions),
      onTimeout: of(...timeoutActions),
      afterReset: of('reinitialise', 'wait'),
      patience: of(1, milliseconds(3), seconds(5), seconds(600), seconds(600), seconds(600)),
    })
    .filter((policy) => checkPolicy(policy).ok),
  ackTimeout: of(1, 19, milliseconds(4), seconds(1), seconds(60), seconds(60), seconds(60), seconds(60)),
  uevents: of('observable', 'unobservable'),
  sharers: of(0, 0, 1, 7),
});

/** One thing that happens next, chosen before it is known what is open then. */
export type Action = { readonly after: Microseconds } & (
  | { readonly kind: 'happening'; readonly happening: Happening }
  /** The rig answers one of the open effects, or repeats that answer. */
  | { readonly kind: 'answer'; readonly which: number; readonly how: 'well' | 'badly' | 'andAgain' }
  /** The clock is reported when the model asked for it. */
  | { readonly kind: 'clock' }
);

const eehOperations: readonly EehOperation[] = [
  'getState',
  'unfreezeIo',
  'readLog',
  'resetHot',
  'resetFundamental',
  'resetDeactivate',
  'configure',
  'unfreezeDma',
];

const errors = of(
  ...(['kernelRefused', 'deviceLost', 'busy', 'notSupported'] as const).map((code) => refusedWith(code)),
);
const resultOf = <Value>(...values: readonly Value[]) =>
  fc.oneof(
    of(...values).map((value) => ({ ok: true as const, value })),
    errors.map((error) => ({ ok: false as const, error })),
  );
const noneOrError = fc.oneof(fc.constant(null), errors);
const worked = of(true, false);
/** Mostly numbers of recoveries that exist, right or wrong. */
const recovery = fc.oneof(fc.integer({ min: 0, max: 4 }), of(-1, 2 ** 53));
const count = fc.oneof({ weight: 6, arbitrary: of(1, 1, 1, 2, 3) }, { weight: 1, arbitrary: of(0, -1) });

const fact: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 24, arbitrary: count.map((value) => ({ kind: 'signal' as const, count: value })) },
  { weight: 3, arbitrary: count.map((value) => ({ kind: 'loopbackTriggered' as const, count: value })) },
  {
    weight: 12,
    arbitrary: of('beginRecovery', 'successfulRecovery', 'successfulRecovery', 'failedRecovery').map(
      (uevent) => ({
        kind: 'uevent' as const,
        uevent,
      }),
    ),
  },
  { weight: 1, arbitrary: of({ kind: 'deviceRemoved' }, { kind: 'closed' }) },
  { weight: 6, arbitrary: of({ kind: 'clockReached' }) },
);

const wish: fc.Arbitrary<Happening> = fc.oneof(
  of({ kind: 'quiesceRequested' }, { kind: 'reinitialiseRequested' }),
  of('acknowledgeRequested', 'withdrawRequested').map((kind) => ({ kind, approval: person })),
  of(...resetKinds).map((resetKind) => ({ kind: 'resetRequested' as const, resetKind, approval: person })),
);

/** Answers that nobody asked for, or that come twice, late, or for another recovery. */
const stray: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: of('inspected'),
    recovery,
    result: resultOf({ severity: 'fatal' as const, errors: [aerRecord] }),
  }),
  fc.record({ kind: of('drained'), recovery, result: resultOf([], [ccdfRecord]) }),
  fc.record({
    kind: of('quiesceFinished'),
    recovery,
    report: worked.map((succeeded) => ({ succeeded, actions: [] })),
  }),
  fc.record({ kind: of('acknowledgeFinished'), recovery, error: noneOrError }),
  fc.record({ kind: of('withdrawFinished'), recovery, error: noneOrError }),
  fc.record({
    kind: of('resetFinished'),
    recovery,
    result: resultOf({ kind: 'device' as const, took: 1, affected: [] }),
  }),
  fc.record({
    kind: of('eehFinished'),
    recovery,
    operation: of(...eehOperations),
    result: resultOf(
      { state: 'normal' as const },
      { state: 'stopped' as const },
      { state: 'unavailable' as const },
    ),
  }),
  fc.record({
    kind: of('reinitialiseFinished'),
    recovery,
    report: worked.map((succeeded) => ({ succeeded, steps: [] })),
  }),
  fc.record({
    kind: of('proofFinished'),
    recovery,
    report: of('proven', 'notProven', 'failed').map((verdict) => proof(verdict)),
  }),
);

const after = fc.oneof(
  { weight: 24, arbitrary: of(0, 1, milliseconds(2)) },
  { weight: 1, arbitrary: of(milliseconds(600), seconds(3), seconds(100)) },
);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: of('happening'), after, happening: fact }) },
  { weight: 3, arbitrary: fc.record({ kind: of('happening'), after, happening: wish }) },
  { weight: 1, arbitrary: fc.record({ kind: of('happening'), after, happening: stray }) },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: of('answer'),
      after,
      which: of(0, 0, 0, 1, 2),
      how: of('well', 'well', 'well', 'well', 'well', 'badly', 'andAgain'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: of('clock'), after: of(0) }) },
);

export const actionsUpTo = (maxLength: number): fc.Arbitrary<Action[]> =>
  fc.array(action, { maxLength, size: 'max' });

const badAnswer = (effect: RecoveryEffect): object => {
  switch (effect.kind) {
    case 'reset':
      return { result: eagain };
    case 'quiesce':
    case 'reinitialise':
      return { report: { succeeded: false, actions: [], steps: [] } };
    case 'prove':
      return { report: proof('notProven') };
    case 'drainErrors':
      return { result: { ok: true, value: [] } };
    case 'acknowledge':
    case 'withdraw':
      return { error: refusedWith('kernelRefused') };
    default:
      return { result: { ok: false, error: refusedWith('kernelRefused') } };
  }
};

/** What the action comes to in this situation, or null when there is nothing to answer and no clock to report. */
export const resolve = (
  chosen: Action,
  situation: {
    readonly state: RecoveryState;
    readonly now: Microseconds;
    readonly pending: readonly RecoveryEffect[];
  },
): { readonly event: RecoveryEvent; readonly answered: RecoveryEffect | null } | null => {
  const at = situation.now + chosen.after;
  switch (chosen.kind) {
    case 'happening':
      return { event: { ...chosen.happening, at } as RecoveryEvent, answered: null };
    case 'clock': {
      const deadline = nextDeadline(situation.state);
      return deadline === null
        ? null
        : { event: { kind: 'clockReached', at: Math.max(at, deadline) }, answered: null };
    }
    case 'answer': {
      const { pending } = situation;
      const effect = pending[pending.length - 1 - (chosen.which % Math.max(1, pending.length))];
      if (effect === undefined) return null;
      const change = chosen.how === 'badly' ? badAnswer(effect) : {};
      const event = { ...goodAnswer(effect), ...change, at } as RecoveryEvent;
      return { event, answered: chosen.how === 'andAgain' ? null : effect };
    }
  }
};
