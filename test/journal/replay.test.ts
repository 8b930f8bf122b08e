import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecoveryEffect } from '../../src-main/core/recovery/effect.ts';
import type { RecoveryEvent, RecoveryEventKind } from '../../src-main/core/recovery/event.ts';
import type { RecoveryState } from '../../src-main/core/recovery/state.ts';
import { encodeLine } from '../../src-main/journal/codec.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { createReplay, recoveryNumberOf } from '../../src-main/journal/replay.ts';
import { replayJournal } from '../../src-main/journal/replayJournal.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { armings, eventsAt } from './arbitraries.ts';
import { optionsIn, scan, temporaryDirectory, valueOf } from './fixtures.ts';
import { fullRecovery, notifyArming, recordDevice } from './recorder.ts';

const directory = temporaryDirectory();
const device = '0000:01:00.0';

const answerTo: Readonly<Partial<Record<RecoveryEffect['kind'], RecoveryEventKind>>> = {
  inspect: 'inspected',
  drainErrors: 'drained',
  quiesce: 'quiesceFinished',
  acknowledge: 'acknowledgeFinished',
  withdraw: 'withdrawFinished',
  reset: 'resetFinished',
  eeh: 'eehFinished',
  reinitialise: 'reinitialiseFinished',
  prove: 'proofFinished',
};

const eventKinds = Object.keys(eventsAt(fc.nat(), fc.nat())) as RecoveryEventKind[];

/** Events that mostly answer the effects of the steps before, so that recoveries get to their end. */
const nextEvent = (
  draw: fc.GeneratorValue,
  at: number,
  state: RecoveryState,
  pending: RecoveryEffect[],
): RecoveryEvent => {
  const effect = draw(fc.nat, { max: 9 }) < 7 ? pending.shift() : undefined;
  const kind = effect === undefined ? undefined : answerTo[effect.kind];
  const number = recoveryNumberOf(state) ?? 1;
  const arbitraries = eventsAt(fc.constant(at), fc.constant(effect?.recovery ?? number));
  const chosen: RecoveryEventKind = kind ?? draw(() => fc.constantFrom(...eventKinds));
  const event: RecoveryEvent = draw(() => arbitraries[chosen]);
  return effect?.kind === 'eeh' && event.kind === 'eehFinished'
    ? { ...event, operation: effect.operation }
    : event;
};

describe('replaying a journal', () => {
  it('gives the states that were recorded, for any events of any devices', async () => {
    const phasesSeen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (draw) => {
        const journal = valueOf(createJournal(optionsIn(directory)));
        const record = (at: number, body: Parameters<typeof journal.append>[1]): void => {
          valueOf(journal.append(at, body));
        };
        const devices = ['0000:01:00.0', '0000:02:00.0'].map((address) => ({
          address,
          recorder: recordDevice(
            address,
            draw(() => armings),
            0,
            record,
          ),
          pending: [] as RecoveryEffect[],
        }));
        let at = 0;
        for (let left = draw(fc.nat, { max: 40 }); left > 0; left -= 1) {
          const chosen = devices[draw(fc.nat, { max: 1 })];
          if (chosen === undefined) continue;
          at += draw(fc.constantFrom, 0, 10, 1_000, 1_000_000);
          const { recorder, pending } = chosen;
          pending.push(...recorder.take(nextEvent(draw, at, recorder.state(), pending)).effects);
          phasesSeen.add(recorder.state().phase);
        }
        valueOf(await journal.close());
        const { replay, findings, summary } = valueOf(await replayJournal(journal.path));
        expect(findings).toEqual([]);
        expect(summary.lines).toBe(scan(readFileSync(journal.path)).lines.length);
        expect(replay.divergences()).toEqual([]);
        for (const { address, recorder } of devices) {
          expect(replay.device(address)?.state).toEqual(recorder.state());
        }
      }),
      { numRuns: 200 },
    );
    // The walk is worth something only when it gets about.
    expect(phasesSeen.size).toBeGreaterThan(8);
  });

  const recordFull = async (): Promise<string> => {
    const journal = valueOf(createJournal(optionsIn(directory)));
    const recorder = recordDevice(device, notifyArming, 0, (at, body) => {
      valueOf(journal.append(at, body));
    });
    for (const event of fullRecovery(1, 1_000_000)) recorder.take(event);
    valueOf(journal.append(1_100_000, { type: 'disarmed', device, because: 'the run is over' }));
    valueOf(journal.appendDurable(1_100_000, { type: 'end', outcome: 'recovered' }));
    valueOf(await journal.close());
    return journal.path;
  };

  it('traces the phases and times them', async () => {
    const { replay } = valueOf(await replayJournal(await recordFull()));
    expect(replay.traceOf(device)).toEqual([
      'armed',
      'errorDetected',
      'quiescing',
      'awaitingAck',
      'resetting',
      'slotReset',
      'reinitialising',
      'recovered',
    ]);
    expect(replay.traceOf('0000:09:00.0')).toEqual([]);
    expect(replay.device(device)).toMatchObject({ armed: false, armings: 1 });
    expect(replay.device(device)?.recoveries).toEqual([
      {
        arming: 1,
        number: 1,
        openedAt: 1_000_000,
        concludedAt: 1_021_000,
        outcome: 'recovered',
        reason: 'proven',
        durations: {
          errorDetected: 1_000,
          quiescing: 2_000,
          awaitingAck: 3_100,
          resetting: 3_900,
          slotReset: 0,
          reinitialising: 11_000,
        },
      },
    ]);
  });

  it('shows both recoveries when one step ends the first and opens the second', () => {
    const replay = createReplay();
    let seq = 0;
    const recorder = recordDevice(device, notifyArming, 0, (at, body) => {
      replay.take({ seq: ++seq, at, wall: '2026-11-21T02:31:07.250Z', ...body });
    });
    recorder.take({ at: 10, kind: 'signal', count: 1 });
    recorder.take({ at: 30, kind: 'signal', count: 1 });
    expect(replay.divergenceCount()).toBe(0);
    expect(replay.traceOf(device)).toEqual(['armed', 'errorDetected', 'timedOut', 'errorDetected']);
    expect(replay.device(device)?.recoveries).toMatchObject([
      { number: 1, outcome: 'timedOut', reason: 'nextErrorDuringWait', durations: { errorDetected: 20 } },
      { number: 2, openedAt: 30, outcome: null, concludedAt: null, reason: null, durations: {} },
    ]);
  });

  it('keeps the recoveries of an earlier arming, and numbers the armings', () => {
    const replay = createReplay();
    let seq = 0;
    const record = (at: number, body: Parameters<Parameters<typeof recordDevice>[3]>[1]): void =>
      replay.take({ seq: ++seq, at, wall: '2026-11-21T02:31:07.250Z', ...body });
    recordDevice(device, notifyArming, 0, record).take({ at: 10, kind: 'signal', count: 1 });
    recordDevice(device, notifyArming, 20, record).take({ at: 30, kind: 'signal', count: 1 });
    expect(replay.traceOf(device)).toEqual(['armed', 'errorDetected', 'armed', 'errorDetected']);
    expect(replay.device(device)?.recoveries).toMatchObject([
      { arming: 1, number: 1, outcome: null },
      { arming: 2, number: 1, outcome: null },
    ]);
  });
});

describe('a journal that the core does not agree with', () => {
  /** Rewrites one line and gives it a right checksum again, as only somebody on purpose does. */
  const forge = (path: string, seq: number, change: (line: JournalLine) => object): void => {
    const { lines } = scan(readFileSync(path));
    const forged = lines.map(
      (line) => (line.seq === seq ? { ...line, ...change(line) } : line) as JournalLine,
    );
    writeFileSync(path, forged.map((line) => `${encodeLine(line, line)}\n`).join(''));
  };

  const recorded = async (): Promise<{ path: string; seqOf: (kind: RecoveryEventKind) => number }> => {
    const journal = valueOf(createJournal(optionsIn(directory)));
    const recorder = recordDevice(device, notifyArming, 0, (at, body) => {
      valueOf(journal.append(at, body));
    });
    for (const event of fullRecovery(1, 1_000_000)) recorder.take(event);
    valueOf(await journal.close());
    const { lines } = scan(readFileSync(journal.path));
    const seqOf = (kind: RecoveryEventKind): number =>
      lines.find((line) => line.type === 'step' && line.event.kind === kind)?.seq ?? 0;
    return { path: journal.path, seqOf };
  };

  it.each([
    ['phase', { phase: 'slotReset' }, { phase: 'awaitingAck' }],
    ['reason', { reason: 'quiesceIncomplete' }, { reason: 'quiesced' }],
    ['recovery', { recovery: 2 }, { recovery: 1 }],
    [
      'effects',
      {
        effects: [{ kind: 'acknowledge', recovery: 1, approval: { operator: '', reason: '', by: 'policy' } }],
      },
      { effects: [] },
    ],
  ])('in the %s of a line is told so with the line', async (_member, forgery, actual) => {
    const { path, seqOf } = await recorded();
    const seq = seqOf('quiesceFinished');
    forge(path, seq, () => forgery);
    const { replay, findings } = valueOf(await replayJournal(path));
    expect(findings).toEqual([]);
    expect(replay.divergenceCount()).toBe(1);
    expect(replay.divergences()).toMatchObject([{ seq, device, actual }]);
    expect(replay.divergences()[0]?.expected).not.toMatchObject(actual);
  });

  it('in an event diverges from there on', async () => {
    const { path, seqOf } = await recorded();
    const seq = seqOf('acknowledgeFinished');
    forge(path, seq, () => ({ event: { at: 1_006_100, kind: 'quiesceRequested' } }));
    const { replay } = valueOf(await replayJournal(path));
    expect(replay.divergences()[0]).toMatchObject({
      seq,
      expected: { phase: 'resetting', reason: 'acknowledged' },
      actual: { phase: 'awaitingAck', reason: null, recovery: 1, effects: [] },
    });
  });

  it('about a device that is not armed says that it is not', async () => {
    const { path, seqOf } = await recorded();
    forge(path, 2, () => ({ device: '0000:09:00.0' }));
    const { replay } = valueOf(await replayJournal(path));
    expect(replay.divergences()[0]).toMatchObject({ seq: seqOf('signal'), device, actual: null });
    expect(replay.divergences().every(({ actual }) => actual === null)).toBe(true);
  });

  it('because a line is damaged still replays the rest', async () => {
    const { path, seqOf } = await recorded();
    const bytes = readFileSync(path);
    const at = bytes.indexOf('"acknowledgeFinished"');
    bytes[at + 2] = 0x58;
    writeFileSync(path, bytes);
    const { replay, findings, summary } = valueOf(await replayJournal(path));
    expect(findings).toMatchObject([{ kind: 'damagedLine', lineNumber: seqOf('acknowledgeFinished') }]);
    expect(summary.lines).toBe(scan(readFileSync(path)).lines.length);
    // The second signal may overtake the ack's answer, and the core takes it for that: the reset is still found.
    expect(replay.device(device)?.state.phase).toBe('recovered');
    expect(replay.divergences()).toMatchObject([
      { expected: { reason: 'slotResetSignalled' }, actual: { reason: 'slotResetBeforeAnswer' } },
    ]);
  });
});
