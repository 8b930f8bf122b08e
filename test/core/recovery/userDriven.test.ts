import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { ccdfRecord, eagain, play, proof, refusedWith, type Play } from './play.ts';

const eehOperations = (bench: Play): string[] =>
  bench.effects.flatMap((effect) => (effect.kind === 'eeh' ? [effect.operation] : []));

describe('legacy', () => {
  it('passes the phases that it has, with the reset in user space', () => {
    const bench = play('legacy').toDecision();
    expect(bench.state).toMatchObject({ phase: 'quiescing', activity: 'decision' });
    bench.reset('hot').settle().wait(0).settle();
    expect(bench.phases).toEqual([
      'armed',
      'errorDetected',
      'quiescing',
      'resetting',
      'slotReset',
      'reinitialising',
      'recovered',
    ]);
    expect(bench.effects).toContainEqual({ kind: 'reset', recovery: 1, resetKind: 'hot', attempt: 1 });
  });

  it('waits for the kernel’s word before its own reset', () => {
    const bench = play('legacy', { uevents: 'observable' }).toDecision().reset();
    expect(bench.state).toMatchObject({ phase: 'resetting', activity: { step: 'waitingForKernel' } });
    bench.uevent('beginRecovery').wait(seconds(9));
    expect(bench.count('reset')).toBe(0);
    bench.uevent('successfulRecovery');
    expect(bench.count('reset')).toBe(1);
    // The time of the reset counts from its start.
    bench.wait(seconds(9)).settle().wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });

  it('resets after a failed recovery too, but never calls that recovered', () => {
    const bench = play('legacy', { uevents: 'observable' }).toDecision().uevent('failedRecovery').reset();
    bench.settle().wait(0).settle();
    expect(bench.count('reset')).toBe(1);
    expect(bench.outcomes()).toEqual(['1 failed: kernelFailed']);
  });

  it('keeps the kernel’s failure in mind, whatever it says later', () => {
    const bench = play('legacy').toDecision().uevent('failedRecovery');
    const before = bench.state;
    expect(bench.uevent('beginRecovery').uevent('successfulRecovery').state).toBe(before);
    bench.reset().settle().wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 failed: kernelFailed']);
  });

  it('resets after all when the kernel stays silent', () => {
    const bench = play('legacy', { uevents: 'observable', sharers: 1 }).toDecision().reset();
    bench.wait(seconds(75) - 1);
    expect(bench.count('reset')).toBe(0);
    bench.wait(1);
    expect(bench.reasons.at(-1)).toBe('kernelStaysSilent');
    expect(bench.count('reset')).toBe(1);
  });

  it('may skip the reset, but not while the kernel’s own may still undo it', () => {
    const bench = play('legacy', { uevents: 'observable' }).toDecision();
    expect(bench.refusal({ kind: 'reinitialiseRequested' })).toBe('stepUnderWay');
    bench.uevent('beginRecovery').uevent('successfulRecovery');
    bench.happens({ kind: 'reinitialiseRequested' }).settle();
    expect(bench.count('reset')).toBe(0);
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });

  it('counts further signals to the same error until the reset is done', () => {
    const bench = play('legacy').toDecision().signal(2);
    expect(bench.state).toMatchObject({ phase: 'quiescing', recovery: { number: 1, coalesced: 2 } });
    bench.reset().signal().answer('reset').signal();
    expect(bench.outcomes()).toEqual(['1 failed: nextErrorBeforeReturn']);
    expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
  });
});

describe('mediated', () => {
  it('drains first, then passes the phases that it has', () => {
    const bench = play('mediated').signal();
    expect(bench.open()).toEqual(['drainErrors']);
    bench.settle();
    expect(bench.state).toMatchObject({ phase: 'quiescing', activity: 'decision' });
    bench.reset().settle().wait(0).settle();
    expect(bench.phases).toEqual([
      'armed',
      'errorDetected',
      'quiescing',
      'resetting',
      'slotReset',
      'reinitialising',
      'recovered',
    ]);
  });

  it.each([
    ['cannot be read', { result: { ok: false, error: refusedWith('kernelRefused') } }, 'errorsUnreadable'],
    ['holds records', {}, 'errorConfirmed'],
  ])('opens a recovery when the queue %s', (_, change, reason) => {
    const bench = play('mediated').signal().answer('drainErrors', change);
    expect(bench.reasons.at(-1)).toBe(reason);
    expect(bench.state.phase).toBe('errorDetected');
  });

  it('opens a recovery when the look-up is never answered, counted from the signal', () => {
    const bench = play('mediated', { policy: { patience: seconds(30) } });
    const signalAt = bench.now;
    bench.signal().wait(seconds(5));
    expect(bench.state).toMatchObject({
      phase: 'errorDetected',
      deadline: signalAt + seconds(30),
      recovery: { openedAt: signalAt },
    });
    bench.happens({ kind: 'drained', recovery: 1, result: { ok: true, value: [] } });
    expect(bench.state.phase).toBe('errorDetected');
  });

  it('looks again when another signal comes during the look-up', () => {
    const bench = play('mediated').signal().wait(milliseconds(1)).signal();
    expect(bench.open()).toEqual(['drainErrors', 'drainErrors']);
    bench.answer('drainErrors', { result: { ok: true, value: [] } });
    expect(bench.state.phase).toBe('armed');
    bench.answer('drainErrors');
    expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 1 } });
  });

  it('takes records that come while the device returns for the next error', () => {
    const bench = play('mediated', { policy: { afterReset: 'wait' } })
      .toDecision()
      .reset()
      .settle()
      .signal();
    expect(bench.state.phase).toBe('slotReset');
    bench.answer('drainErrors', { result: { ok: true, value: [] } });
    expect(bench.state.phase).toBe('slotReset');
    bench.signal().answer('drainErrors');
    expect(bench.outcomes()).toEqual(['1 failed: nextErrorBeforeReturn']);
    expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
  });

  it('loses no record that a look-up of an ended recovery took off the queue', () => {
    const bench = play('mediated').toDecision().signal().wait(seconds(600));
    expect(bench.outcomes()).toEqual(['1 timedOut: patienceExhausted']);
    bench.answer('drainErrors');
    expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
  });

  it('takes no records of another recovery for a new error after the end', () => {
    const bench = play('mediated').toDecision().wait(seconds(600));
    const before = bench.state;
    bench.happens({ kind: 'drained', recovery: 7, result: { ok: true, value: [ccdfRecord] } });
    expect(bench.state).toBe(before);
  });

  it('opens nothing when the device goes away during the look-up', () => {
    for (const kind of ['closed', 'deviceRemoved'] as const) {
      const bench = play('mediated').signal().happens({ kind }).wait(seconds(10));
      expect(bench.phases).toEqual(['armed']);
    }
  });

  it('ends when nobody decides', () => {
    const bench = play('mediated').toDecision().wait(seconds(600));
    expect(bench.outcomes()).toEqual(['1 timedOut: patienceExhausted']);
  });

  it('goes on by itself when the policy declared so', () => {
    const bench = play('mediated', { policy: { decision: 'ackWhenQuiesced' } }).toDecision();
    bench.wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
    expect(bench.effects).toContainEqual(expect.objectContaining({ kind: 'reset', resetKind: 'device' }));
  });
});

describe('eeh', () => {
  it.each(['peHot', 'peFundamental'] as const)('resets, configures and thaws the PE with %s', (kind) => {
    const bench = play('eeh').toDecision();
    expect(eehOperations(bench)).toEqual(['getState', 'unfreezeIo', 'readLog']);
    expect(bench.state).toMatchObject({
      phase: 'quiescing',
      activity: 'decision',
      recovery: { errors: [{ source: 'eeh', text: 'PE#1 frozen' }] },
    });
    bench.reset(kind).settle().wait(0).settle();
    expect(eehOperations(bench).slice(3)).toEqual([
      kind === 'peHot' ? 'resetHot' : 'resetFundamental',
      'resetDeactivate',
      'configure',
      'unfreezeDma',
    ]);
    expect(bench.phases).toEqual([
      'armed',
      'errorDetected',
      'quiescing',
      'resetting',
      'slotReset',
      'reinitialising',
      'recovered',
    ]);
    expect(bench.count('reset')).toBe(0);
  });

  it('opens nothing when the PE is not frozen', () => {
    const bench = play('eeh')
      .signal()
      .answer('eeh', { result: { ok: true, value: { state: 'normal' } } });
    expect(bench.phases).toEqual(['armed']);
    expect(bench.state).toMatchObject({ check: null, spuriousSignals: 1 });
  });

  it.each(['resetHot', 'resetDeactivate', 'configure', 'unfreezeDma'])('fails when %s fails', (operation) => {
    const bench = play('eeh').toDecision().reset('peHot');
    while (eehOperations(bench).at(-1) !== operation) bench.answer('eeh');
    bench.answer('eeh', { result: { ok: false, error: refusedWith('kernelRefused') } });
    expect(bench.outcomes()).toEqual(['1 failed: eehFailed']);
  });

  it('goes on without the log when it cannot be read', () => {
    const bench = play('eeh').signal().answer('eeh').answer('eeh');
    bench.answer('eeh', { result: { ok: false, error: refusedWith('notSupported') } });
    expect(bench.state.phase).toBe('quiescing');
    expect(bench.reasons.at(-1)).toBe('errorsUnreadable');
  });

  it.each([2, 3, 4])('is lost when the PE is unavailable at operation %i', (answers) => {
    const unavailable = { result: { ok: true, value: { state: 'unavailable' } } };
    const bench = play('eeh', { policy: { decision: 'ackWhenQuiesced' } }).signal();
    for (let answered = 1; answered < answers; answered += 1) bench.answer('eeh');
    if (!bench.open().includes('eeh')) bench.answer('quiesce');
    bench.answer('eeh', unavailable);
    expect(bench.outcomes()).toEqual(['1 deviceLost: peUnavailable']);
  });

  it('ignores the answer to another operation than the one under way', () => {
    const bench = play('eeh').toDecision().reset('peHot');
    const before = bench.state;
    bench.happens({
      kind: 'eehFinished',
      recovery: 1,
      operation: 'configure',
      result: { ok: true, value: { state: 'normal' } },
    });
    expect(bench.state).toBe(before);
  });

  it('asks the PE before a signal ends a recovery whose device returns', () => {
    const bench = play('eeh', { policy: { afterReset: 'wait' } })
      .toDecision()
      .reset('peHot')
      .settle();
    expect(bench.state.phase).toBe('slotReset');
    bench.signal().answer('eeh', { result: { ok: true, value: { state: 'normal' } } });
    expect(bench.outcomes()).toEqual([]);
    bench.signal().answer('eeh');
    expect(bench.outcomes()).toEqual(['1 failed: nextErrorBeforeReturn']);
    expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
  });

  it('takes the operation’s time-out for a failure', () => {
    const bench = play('eeh').toDecision().reset('peHot').wait(seconds(10));
    expect(bench.outcomes()).toEqual(['1 failed: resetUnanswered']);
  });
});

describe.each(['legacy', 'mediated', 'eeh'] as const)('%s: what user space decides', (protocol) => {
  it('has no ack', () => {
    const bench = play(protocol).toDecision();
    const wish = {
      kind: 'acknowledgeRequested',
      approval: { operator: '', reason: '', by: 'person' },
    } as const;
    expect(bench.refusal(wish)).toBe('noOpenWait');
    const before = bench.state;
    expect(bench.happens(wish).state).toBe(before);
  });

  it('resets by the time-out policy, if the device is quiet', () => {
    const policy = { onTimeout: 'acknowledge', patience: seconds(20) } as const;
    const quiet = play(protocol, { policy }).toDecision().wait(seconds(18));
    expect(quiet.state).toMatchObject({
      phase: 'resetting',
      recovery: { approval: { by: 'timeoutPolicy' } },
    });
    const loud = play(protocol, { policy }).signal();
    while (!loud.open().includes('quiesce')) loud.answer(loud.open()[0] as 'eeh');
    loud.answer('quiesce', { report: { succeeded: false, actions: [] } }).wait(seconds(20));
    expect(loud.outcomes()).toEqual(['1 timedOut: patienceExhausted']);
  });

  it('withdraws by the time-out policy', () => {
    const policy = { onTimeout: 'withdraw', patience: seconds(20) } as const;
    const bench = play(protocol, { policy }).toDecision().wait(seconds(18)).answer('withdraw');
    expect(bench.outcomes()).toEqual(['1 withdrawn: withdrawnFromRecovery']);
  });

  it('neither resets nor re-initialises while the eventfd is being removed', () => {
    const bench = play(protocol, { policy: { decision: 'ackWhenQuiesced' } }).signal();
    while (!bench.open().includes('quiesce')) bench.answer(bench.open()[0] as 'eeh');
    bench.withdraw().answer('quiesce');
    expect(bench.state).toMatchObject({ phase: 'quiescing', activity: 'decision' });
    expect(
      bench.refusal({
        kind: 'resetRequested',
        resetKind: 'device',
        approval: { operator: '', reason: '', by: 'person' },
      }),
    ).toBe('stepUnderWay');
    expect(bench.refusal({ kind: 'reinitialiseRequested' })).toBe('stepUnderWay');
    bench.answer('withdraw');
    expect(bench.outcomes()).toEqual(['1 withdrawn: withdrawnFromRecovery']);
  });

  it('does not count a failed proof as a recovery', () => {
    const bench = play(protocol).toDecision().reset();
    while (!bench.open().includes('prove')) bench.wait(0).answer(bench.open()[0] as 'reset');
    bench.answer('prove', { report: proof('failed') });
    expect(bench.outcomes()).toEqual(['1 failed: proofFailed']);
  });
});

describe.each(['legacy', 'mediated'] as const)('%s: a reset that answers EAGAIN', (protocol) => {
  it('is tried again after 2, 4, 8 … ms, at most 100 ms apart', () => {
    const bench = play(protocol).toDecision().reset();
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      bench.answer('reset', { result: eagain });
      const refusedAt = bench.now;
      while (!bench.open().includes('reset')) bench.wait(milliseconds(1));
      delays.push((bench.now - refusedAt) / 1_000);
    }
    expect(delays).toEqual([2, 4, 8, 16, 32, 64, 100, 100]);
    bench.settle().wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });

  it('is given up after ten seconds', () => {
    const bench = play(protocol).toDecision().reset();
    const decidedAt = bench.now;
    while (bench.outcomes().length === 0) {
      if (bench.open().includes('reset')) bench.answer('reset', { result: eagain });
      bench.wait(milliseconds(1));
    }
    expect(bench.outcomes()).toEqual(['1 failed: resetStayedBusy']);
    expect(bench.now - decidedAt).toBe(seconds(10));
  });

  it.each([
    ['kernelRefused', '1 failed: resetFailed'],
    ['deviceLost', '1 deviceLost: deviceRemoved'],
  ] as const)('is not what %s is', (code, outcome) => {
    const bench = play(protocol).toDecision().reset();
    bench.answer('reset', { result: { ok: false, error: refusedWith(code) } });
    expect(bench.outcomes()).toEqual([outcome]);
  });

  it('is not answered while it waits to be tried again', () => {
    const bench = play(protocol).toDecision().reset().answer('reset', { result: eagain });
    const before = bench.state;
    const report = { kind: 'device', took: 1, affected: [] } as const;
    bench.happens({ kind: 'resetFinished', recovery: 1, result: { ok: true, value: report } });
    expect(bench.state).toBe(before);
  });

  it('belongs to a device or a slot, not to a PE', () => {
    const bench = play(protocol).toDecision();
    const before = bench.state;
    expect(bench.reset('peHot').state).toBe(before);
    expect(
      bench.refusal({
        kind: 'resetRequested',
        resetKind: 'peHot',
        approval: { operator: '', reason: '', by: 'person' },
      }),
    ).toBe('notSupported');
  });
});
