import fc from 'fast-check';
import type { RecoveryEffect } from '../../src-main/core/recovery/effect.ts';
import type { Approval, RecoveryEvent } from '../../src-main/core/recovery/event.ts';
import { outcomes, phases, protocols } from '../../src-main/core/recovery/phase.ts';
import { decisions, timeoutActions, type Arming } from '../../src-main/core/recovery/policy.ts';
import { reasons, type Reason } from '../../src-main/core/recovery/reasons.ts';
import { resetKinds, type EehOperation, type ErrorRecord } from '../../src-main/core/recovery/reports.ts';
import { errorCodes, type BenchError, type Result } from '../../src-main/core/result.ts';
import { traceMeans, unseenReasons, type TraceTold } from '../../src-main/core/kernelTrace/told.ts';
import { approvalActions, scenarioResults, snapshotViews } from '../../src-main/core/journal/line.ts';
import type { RecordBody } from '../../src-main/journal/writer.ts';

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 8 }));
const moment = fc.nat(2 ** 40);
const count = fc.integer({ min: 1, max: 3 });
const of = <Value extends string>(...values: readonly Value[]) => fc.constantFrom(...values);
const reason = of(...(Object.keys(reasons) as Reason[]));
const optional = <Value, Key extends keyof Value>(
  model: { [K in keyof Value]: fc.Arbitrary<Value[K]> },
  ...keys: Key[]
) =>
  fc.record(model, {
    requiredKeys: (Object.keys(model) as (keyof Value)[]).filter((key) => !keys.includes(key as Key)),
  }) as unknown;

/** JSON that comes back as it went: no -0, and no object with a prototype of its own making. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify(value)));
const jsonObject = fc
  .dictionary(
    text.filter((key) => key !== '__proto__'),
    json,
    { maxKeys: 3 },
  )
  .map((value) => ({ ...value }));

export const benchErrors = optional(
  {
    code: of(...errorCodes),
    message: text,
    errno: fc.record({ number: fc.nat(200), name: text }),
    details: jsonObject,
  },
  'errno',
  'details',
) as fc.Arbitrary<BenchError>;

const resultOf = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Result<Value>> =>
  fc.oneof(
    { weight: 3, arbitrary: value.map((inner): Result<Value> => ({ ok: true, value: inner })) },
    { weight: 1, arbitrary: benchErrors.map((error): Result<Value> => ({ ok: false, error })) },
  );

export const approvals: fc.Arbitrary<Approval> = fc.record({
  operator: text,
  reason: text,
  by: of('person', 'policy', 'timeoutPolicy'),
});

export const armings: fc.Arbitrary<Arming> = fc.record({
  protocol: of(...protocols),
  policy: fc.record({
    decision: of(...decisions),
    onTimeout: of(...timeoutActions),
    afterReset: of('reinitialise', 'wait'),
    patience: fc.integer({ min: 1, max: 600_000_000 }),
  }),
  ackTimeout: fc.integer({ min: 1, max: 60_000_000 }),
  uevents: of('observable', 'unobservable'),
  sharers: fc.nat(7),
});

const severity = of('correctable', 'nonFatal', 'fatal', 'unknown');
const errorRecords: fc.Arbitrary<ErrorRecord> = fc.oneof(
  fc.record({
    source: fc.constant('aer' as const),
    name: text,
    severity,
    bit: fc.nat(31),
    first: fc.boolean(),
  }),
  fc.record(
    {
      source: fc.constant('ccdf' as const),
      pec: fc.nat(0xffff),
      pecName: text,
      fid: fc.nat(),
      functionHandle: fc.nat(),
      failingAddress: text,
      raw: text,
      aperture: fc.record({ start: text, end: text }),
      handleNow: fc.nat(),
    },
    {
      requiredKeys: ['source', 'pec', 'pecName', 'fid', 'functionHandle', 'failingAddress', 'raw'],
    },
  ),
  fc.record({ source: fc.constant('eeh' as const), text }),
);

const stepResult = of('done', 'notNeeded', 'failed');
const eehOperation: fc.Arbitrary<EehOperation> = of(
  'getState',
  'unfreezeIo',
  'readLog',
  'resetHot',
  'resetFundamental',
  'resetDeactivate',
  'configure',
  'unfreezeDma',
);

const deviceActions = fc.array(
  fc.oneof(
    fc.record({ kind: of('write'), offset: fc.nat(4095), width: fc.constantFrom(1, 2, 4), value: fc.nat() }),
    fc.record({ kind: of('deviceReset') }),
    fc.record({ kind: of('msix'), change: of('enabled', 'disabled') }),
  ) as fc.Arbitrary<unknown>,
  { maxLength: 3 },
);

const quiesceReports = fc.record({
  succeeded: fc.boolean(),
  actions: fc.array(
    optional(
      {
        action: of('touchingStopped', 'busMasterOff', 'msixOff', 'barsUnmapped', 'transactionsDrained'),
        result: stepResult,
        error: benchErrors,
      },
      'error',
    ) as fc.Arbitrary<unknown>,
    { maxLength: 3 },
  ),
  did: deviceActions,
});

const automaticReports = fc.record({
  at: moment,
  inspection: resultOf(fc.record({ severity, errors: fc.array(errorRecords, { maxLength: 2 }) })),
  quiesce: quiesceReports,
  acknowledge: fc.oneof(
    fc.record({ kind: of('taken', 'withheld') }),
    fc.record({ kind: of('refused'), error: benchErrors }),
  ),
});

const automatics = fc.record({
  at: fc.oneof(of('signal'), moment),
  latest: moment,
  approval: approvals,
});

/** What answers to effects say; the recovery number and the moment are filled in. */
const mostlyTrue = fc.integer({ min: 0, max: 3 }).map((number) => number > 0);
const answerError = fc.option(benchErrors, { freq: 2 });

/** One event of each kind, as an answer to the given recovery, at the given moment. */
export const eventsAt = (
  at: fc.Arbitrary<number>,
  recovery: fc.Arbitrary<number>,
): Record<RecoveryEvent['kind'], fc.Arbitrary<RecoveryEvent>> => {
  const event = <Kind extends RecoveryEvent['kind']>(
    kind: Kind,
    rest: Record<string, fc.Arbitrary<unknown>> = {},
  ) => fc.record({ at, kind: fc.constant(kind), ...rest }) as unknown as fc.Arbitrary<RecoveryEvent>;
  return {
    signal: fc.oneof(
      event('signal', { count }),
      event('signal', { count, answered: fc.option(automaticReports, { freq: 3 }) }),
    ),
    answered: event('answered', { answered: automaticReports }),
    loopbackTriggered: event('loopbackTriggered', { count }),
    uevent: event('uevent', { uevent: of('beginRecovery', 'successfulRecovery', 'failedRecovery') }),
    deviceRemoved: event('deviceRemoved'),
    closed: event('closed'),
    clockReached: event('clockReached'),
    quiesceRequested: event('quiesceRequested'),
    acknowledgeRequested: event('acknowledgeRequested', { approval: approvals }),
    withdrawRequested: event('withdrawRequested', { approval: approvals }),
    resetRequested: event('resetRequested', { resetKind: of(...resetKinds), approval: approvals }),
    reinitialiseRequested: event('reinitialiseRequested'),
    inspected: event('inspected', {
      recovery,
      result: resultOf(fc.record({ severity, errors: fc.array(errorRecords, { maxLength: 2 }) })),
    }),
    drained: event('drained', { recovery, result: resultOf(fc.array(errorRecords, { maxLength: 2 })) }),
    quiesceFinished: event('quiesceFinished', {
      recovery,
      report: fc.record({
        succeeded: mostlyTrue,
        actions: fc.array(
          optional(
            {
              action: of('touchingStopped', 'busMasterOff', 'msixOff', 'barsUnmapped', 'transactionsDrained'),
              result: stepResult,
              error: benchErrors,
            },
            'error',
          ) as fc.Arbitrary<unknown>,
          { maxLength: 3 },
        ),
      }),
    }),
    acknowledgeFinished: event('acknowledgeFinished', { recovery, error: answerError }),
    withdrawFinished: event('withdrawFinished', { recovery, error: answerError }),
    resetFinished: event('resetFinished', {
      recovery,
      result: resultOf(
        fc.record({ kind: of(...resetKinds), took: moment, affected: fc.array(text, { maxLength: 2 }) }),
      ),
    }),
    eehFinished: event('eehFinished', {
      recovery,
      operation: eehOperation,
      result: resultOf(
        optional(
          { state: of('normal', 'reset', 'stopped', 'stoppedDma', 'unavailable'), log: text },
          'log',
        ) as fc.Arbitrary<unknown>,
      ),
    }),
    reinitialiseFinished: event('reinitialiseFinished', {
      recovery,
      report: fc.record({
        succeeded: mostlyTrue,
        steps: fc.array(
          optional(
            { step: text, result: stepResult, detail: text, error: benchErrors, did: deviceActions },
            'detail',
            'error',
            'did',
          ) as fc.Arbitrary<unknown>,
          { maxLength: 2 },
        ),
        did: deviceActions,
      }),
    }),
    proofFinished: event('proofFinished', {
      recovery,
      report: fc.record({
        verdict: of('proven', 'notProven', 'failed'),
        checks: fc.array(
          fc.record({
            check: of('registers', 'dma', 'msix'),
            result: of('passed', 'failed', 'notTried'),
            detail: text,
          }),
          { maxLength: 3 },
        ),
      }),
    }),
  };
};

const recovery = fc.integer({ min: 1, max: 1_000_000 });

export const events: fc.Arbitrary<RecoveryEvent> = fc.oneof(...Object.values(eventsAt(moment, recovery)));

const effect = (kind: RecoveryEffect['kind'], rest: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ kind: fc.constant(kind), recovery, ...rest }) as unknown as fc.Arbitrary<RecoveryEffect>;

export const effectsByKind: Record<RecoveryEffect['kind'], fc.Arbitrary<RecoveryEffect>> = {
  inspect: effect('inspect'),
  drainErrors: effect('drainErrors'),
  quiesce: effect('quiesce'),
  acknowledge: effect('acknowledge', { approval: approvals }),
  withdraw: effect('withdraw', { approval: approvals }),
  reset: effect('reset', { resetKind: of(...resetKinds), attempt: fc.nat(9) }),
  eeh: effect('eeh', { operation: eehOperation }),
  reinitialise: effect('reinitialise'),
  prove: effect('prove'),
  snapshot: effect('snapshot', { moment: of('duringWait', 'afterReset', 'end') }),
  conclude: effect('conclude', { outcome: of(...outcomes), reason }),
};

const device = of('0000:01:00.0', '0000:02:00.1', '0001:00:00.0');
const maybeRecovery = fc.option(recovery);
const body = (
  type: RecordBody['type'],
  rest: Record<string, fc.Arbitrary<unknown>>,
  ...optionalKeys: string[]
) =>
  optional(
    { type: fc.constant(type), ...rest } as Record<string, fc.Arbitrary<unknown>>,
    ...optionalKeys,
  ) as fc.Arbitrary<RecordBody>;

const traceTold: fc.Arbitrary<TraceTold> = fc.oneof(
  fc.record({
    kind: fc.constant('call' as const),
    call: fc.record({
      function: text,
      edge: of('began', 'ended'),
      took: moment,
      returned: fc.option(fc.integer()),
      request: fc.option(text),
      within: fc.option(text),
      steps: fc.array(fc.record({ function: text, after: moment, took: moment }), { maxLength: 3 }),
    }),
  }),
  fc.record({
    kind: fc.constant('state' as const),
    state: fc.oneof(
      fc.record({
        kind: fc.constant('watching' as const),
        means: of(...traceMeans),
        seen: fc.array(text, { maxLength: 3 }),
        unseen: fc.array(fc.record({ function: text, because: of(...unseenReasons) }), { maxLength: 3 }),
        devices: of('known', 'unknown'),
      }),
      fc.record({ kind: fc.constant('off' as const), error: fc.option(benchErrors) }),
    ),
  }),
  fc.record({ kind: fc.constant('lost' as const), count }),
);

export const bodiesByType: Record<RecordBody['type'], fc.Arbitrary<RecordBody>> = {
  armed: body('armed', { device, arming: armings }),
  disarmed: body('disarmed', { device, because: text }),
  handDown: body('handDown', { device, automatic: fc.option(automatics) }),
  step: body('step', {
    device,
    event: events,
    reason,
    phase: of(...phases),
    recovery: maybeRecovery,
    effects: fc.array(fc.oneof(...Object.values(effectsByKind)), { maxLength: 3 }),
  }),
  refusal: body('refusal', { device, wish: text, error: benchErrors }),
  operation: body(
    'operation',
    { device, operation: text, result: fc.oneof(fc.constant('done'), benchErrors), detail: json },
    'detail',
  ),
  approval: body('approval', {
    device,
    recovery,
    action: of(...approvalActions),
    approval: approvals,
    known: jsonObject,
  }),
  fault: body('fault', { device, request: json, receipt: json }),
  uevent: body('uevent', { device, uevent: text }),
  kernelLog: body('kernelLog', { device: fc.option(device), text }),
  kernelTrace: body('kernelTrace', {
    device: fc.option(device),
    happened: moment,
    subject: fc.option(device),
    told: traceTold,
  }),
  snapshot: body(
    'snapshot',
    {
      device,
      recovery: maybeRecovery,
      moment: text,
      taken: moment,
      view: of(...snapshotViews),
      bytes: text,
    },
    'taken',
  ),
  unreadable: body(
    'unreadable',
    {
      device,
      recovery: maybeRecovery,
      moment: text,
      taken: moment,
      view: of(...snapshotViews),
      error: benchErrors,
    },
    'taken',
  ),
  scenario: body(
    'scenario',
    { step: fc.nat(99), text, result: of(...scenarioResults), detail: text },
    'detail',
  ),
  end: body('end', { outcome: text }),
};

export const bodies: fc.Arbitrary<RecordBody> = fc.oneof(...Object.values(bodiesByType));
