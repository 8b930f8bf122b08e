import { describe, expect, it } from 'vitest';
import { accountOf, automaticFor } from '../../../src-main/core/recovery/automatic.ts';
import { seconds } from '../../../src-main/core/recovery/phase.ts';
import { timeoutActionLead } from '../../../src-main/core/recovery/policy.ts';
import type { AutomaticReport } from '../../../src-main/core/recovery/reports.ts';
import { success } from '../../../src-main/core/result.ts';
import { aerRecord, person, play, refusedWith, type Play } from './play.ts';

const reportAt = (at: number, acknowledge: AutomaticReport['acknowledge']): AutomaticReport => ({
  at,
  inspection: success({ severity: 'fatal', errors: [aerRecord] }),
  quiesce: { succeeded: acknowledge.kind !== 'withheld', actions: [] },
  acknowledge,
});
const taken = (bench: Play): AutomaticReport => reportAt(bench.now + 5, { kind: 'taken' });

/** Feeds what was done already, as the coordinator does. */
const account = (bench: Play): Play => {
  for (let event = accountOf(bench.state); event !== null; event = accountOf(bench.state)) {
    bench.happens(event);
  }
  return bench;
};

const byPolicy = { policy: { decision: 'ackWhenQuiesced' } } as const;
const byTimeout = { policy: { onTimeout: 'acknowledge' } } as const;

describe('an error that was acked at its signal', () => {
  it('passes the phases and gives the reasons of one that the bench acked by the same policy', () => {
    const asked = play('notify', byPolicy).signal().settle();
    const answered = play('notify', byPolicy);
    account(answered.happens({ kind: 'signal', count: 1, answered: taken(answered) }));
    expect(answered.phases).toEqual(['armed', 'errorDetected', 'quiescing', 'awaitingAck', 'resetting']);
    expect([answered.phases, answered.reasons]).toEqual([asked.phases, asked.reasons]);
    expect(answered.state).toMatchObject({
      recovery: {
        severity: 'fatal',
        errors: [aerRecord],
        quiesce: { succeeded: true },
        approval: { operator: 'policy', reason: 'acknowledgeByPolicy', by: 'policy' },
      },
    });
  });

  it('is not touched until event 2', () => {
    const bench = play('notify', byPolicy);
    account(bench.happens({ kind: 'signal', count: 1, answered: taken(bench) }));
    expect(bench.effects).toEqual([]);
    bench.signal().wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
    expect(bench.count('acknowledge')).toBe(0);
  });

  it('can be neither acked, withdrawn nor quiesced by a person, in any phase of the account', () => {
    const bench = play('notify', byPolicy);
    bench.happens({ kind: 'signal', count: 1, answered: taken(bench) });
    for (let event = accountOf(bench.state); event !== null; event = accountOf(bench.state)) {
      expect(bench.refusal({ kind: 'withdrawRequested', approval: person })).toBe('stepUnderWay');
      expect(bench.refusal({ kind: 'acknowledgeRequested', approval: person })).toBe('stepUnderWay');
      expect(bench.refusal({ kind: 'quiesceRequested' })).toBe('stepUnderWay');
      bench.happens(event);
    }
    expect(bench.state.phase).toBe('resetting');
  });

  it.each([
    ['event 2', (bench: Play) => bench.signal(), 'slotReset'],
    ['BEGIN_RECOVERY', (bench: Play) => account(bench.uevent('beginRecovery')), 'resetting'],
    ['its deadline', (bench: Play) => bench.waitDeaf(seconds(61)), 'resetting'],
  ] as const)('is still acked when %s comes before the account', (_, happens, phase) => {
    const bench = play('notify', byPolicy);
    happens(bench.happens({ kind: 'signal', count: 1, answered: taken(bench) }));
    expect([bench.state.phase, bench.outcomes()]).toEqual([phase, []]);
  });

  it('waits for a person when the kernel refused the ack', () => {
    const bench = play('notify', byPolicy);
    const error = refusedWith('kernelRefused');
    const answered = reportAt(bench.now, { kind: 'refused', error });
    account(bench.happens({ kind: 'signal', count: 1, answered }));
    expect(bench.state).toMatchObject({
      phase: 'awaitingAck',
      exchange: { kind: 'refused', error },
      recovery: { approval: null },
    });
    expect(bench.refusal({ kind: 'acknowledgeRequested', approval: person })).toBeNull();
  });

  it('is looked at and quiesced by the bench when the ack was withheld', () => {
    const bench = play('notify', byPolicy);
    const answered = reportAt(bench.now, { kind: 'withheld' });
    bench.happens({ kind: 'signal', count: 1, answered });
    expect(accountOf(bench.state)).toBeNull();
    expect(bench.open()).toEqual(['inspect']);
    bench.settle();
    expect([bench.state.phase, bench.count('acknowledge')]).toEqual(['resetting', 1]);
  });

  it('is lost when the device is', () => {
    const bench = play('notify', byPolicy);
    const answered = reportAt(bench.now, { kind: 'refused', error: refusedWith('deviceLost') });
    account(bench.happens({ kind: 'signal', count: 1, answered }));
    expect(bench.outcomes()).toEqual(['1 deviceLost: deviceRemoved']);
  });
});

describe('an error that was acked some time after its signal', () => {
  it.each([
    ['errorDetected', (bench: Play) => bench.signal()],
    ['quiescing', (bench: Play) => bench.signal().answer('inspect')],
    ['awaitingAck', (bench: Play) => bench.toDecision()],
  ] as const)('goes on from %s, with the time-out’s approval', (phase, lead) => {
    const bench = lead(play('notify', byTimeout));
    expect(bench.state.phase).toBe(phase);
    account(bench.happens({ kind: 'answered', answered: taken(bench) }));
    expect(bench.phases).toEqual(['armed', 'errorDetected', 'quiescing', 'awaitingAck', 'resetting']);
    expect(bench.state).toMatchObject({ recovery: { approval: { by: 'timeoutPolicy' } } });
    expect(bench.count('acknowledge')).toBe(0);
    bench.settle();
    expect(bench.state.phase).toBe('resetting');
  });

  it('counts for the ack of a person that was on its way, and before a withdrawal', () => {
    const acked = play('notify', byTimeout).toDecision().acknowledge();
    account(acked.happens({ kind: 'answered', answered: taken(acked) }));
    expect(acked.state).toMatchObject({ phase: 'resetting', recovery: { approval: { by: 'person' } } });
    const withdrawn = play('notify', byTimeout).toDecision().withdraw();
    account(withdrawn.happens({ kind: 'answered', answered: taken(withdrawn) }));
    expect(withdrawn.state).toMatchObject({
      phase: 'resetting',
      recovery: { approval: { by: 'timeoutPolicy' } },
    });
  });

  it('is left to whoever decides when the ack was withheld, and changes nothing after the end', () => {
    const bench = play('notify', byTimeout).toDecision();
    const { state } = bench;
    bench.happens({ kind: 'answered', answered: reportAt(bench.now, { kind: 'withheld' }) });
    expect(bench.state).toBe(state);
    bench.waitDeaf(seconds(61));
    const ended = bench.state;
    expect(bench.happens({ kind: 'answered', answered: taken(bench) }).state).toBe(ended);
  });
});

describe('what may stand for the next signal', () => {
  const standing = (bench: Play): unknown => automaticFor(bench.state)?.at ?? null;
  const lead = seconds(60) - timeoutActionLead(seconds(60));

  it.each([
    ['ackWhenQuiesced', 'letExpire', 'signal'],
    ['ackWhenQuiesced', 'acknowledge', 'signal'],
    ['askPerson', 'acknowledge', lead],
    ['askPerson', 'letExpire', null],
    ['askPerson', 'withdraw', null],
    ['neverAck', 'letExpire', null],
    ['neverAck', 'withdraw', null],
  ] as const)('with %s and %s: %s', (decision, onTimeout, at) => {
    expect(standing(play('notify', { policy: { decision, onTimeout } }))).toBe(at);
    for (const protocol of ['legacy', 'mediated', 'eeh'] as const) {
      expect(standing(play(protocol, { policy: { decision, onTimeout } }))).toBeNull();
    }
  });

  it('is nothing while a loop-back is to come, nor in any phase of a recovery, and again when it has recovered', () => {
    const bench = play('notify', byPolicy).happens({ kind: 'loopbackTriggered', count: 1 });
    expect(standing(bench)).toBeNull();
    expect(standing(bench.signal())).toBe('signal');
    bench.signal();
    while (bench.pending.length > 0) {
      expect([bench.state.phase, standing(bench)]).toEqual([bench.state.phase, null]);
      bench.answer(bench.pending[0]?.kind ?? 'prove');
      if (bench.state.phase === 'resetting') bench.signal().wait(0);
    }
    expect([bench.state.phase, standing(bench)]).toEqual(['recovered', 'signal']);
  });

  it('is nothing after a time-out until the kernel has had its last word (observation 12)', () => {
    const bench = play('notify', { ...byPolicy, sharers: 1, uevents: 'observable' }).signal();
    bench.waitDeaf(seconds(61));
    expect([bench.state.phase, standing(bench)]).toEqual(['timedOut', null]);
    expect(standing(bench.uevent('beginRecovery'))).toBeNull();
    expect(standing(bench.uevent('successfulRecovery'))).toBe('signal');
  });

  it('is nothing once the eventfd is removed', () => {
    const bench = play('notify', byTimeout).toDecision().withdraw().settle();
    expect([bench.state.phase, standing(bench)]).toEqual(['withdrawn', null]);
  });
});
