import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConsoleDelta } from '../../../preload/contract/deltas.ts';
import type { JournalBody, LineOf } from '../../../src-main/core/journal/line.ts';
import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import { failure } from '../../../src-main/core/result.ts';
import { fold, modelOf, type ConsoleModel } from '../../../src-renderer/stores/fold.ts';
import { deviceView, lineOf, noteLine, notifyArming, rigView, snapshotOf } from '../fakeBridge.ts';

const device = '0000:01:00.0';
const armedLine: JournalBody = { type: 'armed', device, arming: notifyArming };

const stepLine = (event: RecoveryEvent): JournalBody => ({
  type: 'step',
  device,
  event,
  reason: 'signalOpens',
  phase: 'errorDetected',
  recovery: 1,
  effects: [],
});

const lineDelta = (number: number, body: JournalBody, rig = 'one'): ConsoleDelta => ({
  number,
  kind: 'line',
  rig,
  line: lineOf(number, body),
});

const event = fc.oneof(
  fc.record({
    kind: fc.constant('signal' as const),
    at: fc.integer({ min: 0, max: 1e9 }),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constant('uevent' as const),
    at: fc.integer({ min: 0, max: 1e9 }),
    uevent: fc.constantFrom(
      'beginRecovery' as const,
      'successfulRecovery' as const,
      'failedRecovery' as const,
    ),
  }),
  fc.record({ kind: fc.constant('clockReached' as const), at: fc.integer({ min: 0, max: 1e9 }) }),
  fc.record({ kind: fc.constant('deviceRemoved' as const), at: fc.integer({ min: 0, max: 1e9 }) }),
);

const body: fc.Arbitrary<JournalBody> = fc.oneof(
  { weight: 6, arbitrary: event.map(stepLine) },
  fc.constant(armedLine),
  fc.constant<JournalBody>({ type: 'disarmed', device, because: 'asked for' }),
  fc.constant<JournalBody>({ type: 'kernelLog', device: null, text: 'AER: fatal' }),
);

const delta: fc.Arbitrary<(number: number) => ConsoleDelta> = fc.oneof(
  { weight: 8, arbitrary: body.map((given) => (number: number) => lineDelta(number, given)) },
  fc.constant((number: number): ConsoleDelta => ({ number, kind: 'rigAdded', rig: rigView('two') })),
  fc.constant((number: number): ConsoleDelta => ({ number, kind: 'rigRemoved', rig: 'two' })),
  fc.constant((number: number): ConsoleDelta => ({
    number,
    kind: 'devices',
    rig: 'one',
    devices: [deviceView(device), deviceView('0000:02:00.0')],
  })),
  fc.constant((number: number): ConsoleDelta => ({
    number,
    kind: 'trouble',
    rig: 'one',
    trouble: 'disk full',
  })),
);

const deltas = fc.array(delta, { maxLength: 60 }).map((made) => made.map((make, index) => make(index + 1)));

const allOf = (model: ConsoleModel) => [...model.rigs].map(([id, rig]) => [id, rig, [...rig.armed]]);

describe('fold', () => {
  it('gives the same state however the deltas are cut into batches', () => {
    fc.assert(
      fc.property(deltas, fc.array(fc.integer({ min: 1, max: 7 })), (given, cuts) => {
        const start = modelOf(snapshotOf());
        const whole = fold(start, given);
        let model = start;
        let rest = given;
        for (const cut of [...cuts, given.length]) {
          model = fold(model, rest.slice(0, cut)).model;
          rest = rest.slice(cut);
        }
        expect(rest).toEqual([]);
        expect(allOf(model)).toEqual(allOf(whole.model));
        expect(model.number).toBe(given.length);
      }),
    );
  });

  it('leaves out what the snapshot has already, and never changes the model it was given', () => {
    fc.assert(
      fc.property(deltas, fc.nat(60), (given, seen) => {
        const start = modelOf(snapshotOf());
        const before = structuredClone(start);
        const { model } = fold(start, given.slice(0, seen));
        const again = fold(model, given);
        expect(allOf(again.model)).toEqual(allOf(fold(start, given).model));
        expect(start).toEqual(before);
      }),
    );
  });

  it('stops at the first gap, and says so', () => {
    fc.assert(
      fc.property(deltas, fc.nat(59), (given, missing) => {
        fc.pre(missing < given.length);
        const holed = given.filter((_, index) => index !== missing);
        const folded = fold(modelOf(snapshotOf()), holed);
        expect(folded.gap).toBe(missing < given.length - 1);
        expect(folded.model.number).toBe(missing < given.length - 1 ? missing : given.length - 1);
      }),
    );
  });

  it('makes of the events of one device what the core makes of them', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const given = [armedLine, ...events.map(stepLine)].map((made, index) => lineDelta(index + 1, made));
        const { model } = fold(modelOf(snapshotOf()), given);
        const expected = events.reduce((state, next) => step(state, next).state, armedStateOfTest());
        expect(model.rigs.get('one')?.armed.get(device)?.state).toEqual(expected);
      }),
    );
  });

  it('hands on the lines of each rig in order, and the views of rigs that came', () => {
    const folded = fold(modelOf(snapshotOf()), [
      { number: 1, kind: 'line', rig: 'one', line: noteLine(1) },
      { number: 2, kind: 'rigAdded', rig: rigView('two', { recent: [noteLine(1)] }) },
      { number: 3, kind: 'line', rig: 'two', line: noteLine(2) },
      { number: 4, kind: 'line', rig: 'one', line: noteLine(2) },
    ]);
    expect(folded.lines.get('one')?.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(folded.lines.get('two')?.map(({ seq }) => seq)).toEqual([2]);
    expect(folded.added.map(({ id }) => id)).toEqual(['two']);
  });

  it('knows what arming found only from a view, and keeps it', () => {
    const start = modelOf(snapshotOf());
    const { model } = fold(start, [lineDelta(1, armedLine)]);
    expect(model.rigs.get('one')?.armed.get(device)?.found).toBeNull();
    const told = fold(model, [
      {
        number: 2,
        kind: 'armed',
        rig: 'one',
        armed: { device, state: armedStateOfTest(), sharers: ['0000:01:00.1'], resetKinds: ['device'] },
      },
      lineDelta(3, stepLine({ kind: 'signal', at: 5, count: 1 })),
    ]);
    const armed = told.model.rigs.get('one')?.armed.get(device);
    expect(armed?.found).toEqual({ sharers: ['0000:01:00.1'], resetKinds: ['device'] });
    expect(armed?.state.phase).toBe('errorDetected');
  });

  it('forgets a device that is disarmed and says when one no longer listens', () => {
    const start = fold(modelOf(snapshotOf()), [lineDelta(1, armedLine)]).model;
    const gone = fold(start, [
      lineDelta(2, stepLine({ kind: 'signal', at: 5, count: 1 })),
      lineDelta(3, stepLine({ kind: 'deviceRemoved', at: 6 })),
    ]).model;
    expect(gone.rigs.get('one')?.armed.get(device)).toMatchObject({
      listening: false,
      state: { phase: 'deviceLost' },
    });
    const disarmed = fold(start, [lineDelta(2, { type: 'disarmed', device, because: 'asked for' })]).model;
    expect(disarmed.rigs.get('one')?.armed.has(device)).toBe(false);
  });

  it('knows which devices are open, disarmed ones too, until they are closed', () => {
    const operation = (name: string, result: LineOf<'operation'>['result']) =>
      ({ type: 'operation', device, operation: name, result, detail: {} }) as const;
    const refused = failure('busy', 'Another program has it.').error;
    const open = (...bodies: JournalBody[]): boolean =>
      fold(
        modelOf(snapshotOf()),
        bodies.map((body, index) => lineDelta(index + 1, body)),
      )
        .model.rigs.get('one')
        ?.open.has(device) === true;
    const disarmed = { type: 'disarmed', device, because: 'asked for' } as const;
    expect(open(operation('open', refused))).toBe(false);
    expect(open(operation('open', 'done'), armedLine, disarmed)).toBe(true);
    expect(open(operation('open', 'done'), operation('quiesce', refused))).toBe(true);
    expect(open(operation('open', 'done'), operation('close', refused))).toBe(false);
    expect(modelOf(snapshotOf({ rigs: [rigView('one', { open: [device] })] })).rigs.get('one')?.open).toEqual(
      new Set([device]),
    );
  });
});

const armedStateOfTest = (): RecoveryState => armedState(notifyArming);
