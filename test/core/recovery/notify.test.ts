import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { ccdfRecord, person, play, proof, refusedWith, type Play } from './play.ts';

const acknowledged = (change: Parameters<typeof play>[1] = {}): Play =>
  play('notify', change).toDecision().acknowledge().settle();

describe('notify: the full path', () => {
  it('passes every phase when a person acks in time', () => {
    const bench = acknowledged();
    expect(bench.state.phase).toBe('resetting');
    bench.signal().wait(0).settle();
    expect(bench.phases).toEqual([
      'armed',
      'errorDetected',
      'quiescing',
      'awaitingAck',
      'resetting',
      'slotReset',
      'reinitialising',
      'recovered',
    ]);
    expect(bench.effects.map((effect) => effect.kind)).toEqual([
      'snapshot',
      'inspect',
      'quiesce',
      'acknowledge',
      'snapshot',
      'reinitialise',
      'prove',
      'snapshot',
      'conclude',
    ]);
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });

  it('does the same by policy, without a person', () => {
    const bench = play('notify', { policy: { decision: 'ackWhenQuiesced' } })
      .signal()
      .settle();
    expect(bench.state.phase).toBe('resetting');
    bench.signal().wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
    expect(bench.effects.find((effect) => effect.kind === 'acknowledge')).toMatchObject({
      approval: { by: 'policy' },
    });
  });

  it('waits for the kernel’s word where uevents can be seen', () => {
    const bench = acknowledged({ uevents: 'observable' }).uevent('beginRecovery').signal().wait(0).settle();
    expect(bench.state).toMatchObject({ phase: 'reinitialising', activity: 'kernelWord' });
    bench.uevent('successfulRecovery');
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });

  it('opens the next recovery with the next number', () => {
    const bench = acknowledged().signal().wait(0).settle();
    bench.wait(seconds(5)).signal();
    expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2, coalesced: 0 } });
  });

  it('lets a person bring the device back when the policy says so', () => {
    const bench = acknowledged({ policy: { afterReset: 'wait' } })
      .signal()
      .wait(seconds(1))
      .settle();
    expect(bench.state.phase).toBe('slotReset');
    bench.happens({ kind: 'reinitialiseRequested' }).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });
});

describe('notify: every way a recovery ends', () => {
  const rows: readonly (readonly [string, () => Play, string])[] = [
    ['nobody acks', () => play('notify').toDecision().wait(seconds(60)), '1 timedOut: waitExpired'],
    [
      'the device is never inspected',
      () => play('notify').signal().wait(seconds(60)),
      '1 timedOut: waitExpired',
    ],
    [
      'the kernel stops waiting',
      () => play('notify', { uevents: 'observable' }).toDecision().uevent('beginRecovery'),
      '1 timedOut: waitEndedByKernel',
    ],
    [
      'the kernel fails during the wait',
      () => play('notify').toDecision().uevent('failedRecovery'),
      '1 failed: kernelFailed',
    ],
    ['a person withdraws', () => play('notify').toDecision().withdraw().settle(), '1 withdrawn: withdrawn'],
    [
      'a person withdraws before the device is quiet',
      () => play('notify').signal().withdraw().answer('withdraw'),
      '1 withdrawn: withdrawn',
    ],
    [
      'the device is closed during the wait',
      () => play('notify').toDecision().happens({ kind: 'closed' }),
      '1 failed: closedDuringWait',
    ],
    [
      'the device is closed after the ack',
      () => acknowledged().happens({ kind: 'closed' }),
      '1 failed: closed',
    ],
    [
      'the device is pulled',
      () => play('notify').toDecision().happens({ kind: 'deviceRemoved' }),
      '1 deviceLost: deviceRemoved',
    ],
    [
      'the ack finds no device',
      () =>
        play('notify')
          .toDecision()
          .acknowledge()
          .answer('acknowledge', { error: refusedWith('deviceLost') }),
      '1 deviceLost: deviceRemoved',
    ],
    ['event 2 never comes', () => acknowledged().wait(seconds(75)), '1 failed: resetNeverCame'],
    [
      'the kernel says that it failed after the ack',
      () => acknowledged().uevent('failedRecovery'),
      '1 failed: kernelFailed',
    ],
    [
      'the kernel ends well without event 2',
      () => acknowledged().uevent('successfulRecovery').wait(seconds(1)),
      '1 timedOut: ackCameTooLate',
    ],
    [
      'nobody brings the device back',
      () =>
        acknowledged({ policy: { afterReset: 'wait', patience: seconds(9) } })
          .signal()
          .wait(seconds(9)),
      '1 failed: reinitialiseNeverCame',
    ],
    [
      'the set-up fails',
      () =>
        acknowledged()
          .signal()
          .wait(0)
          .answer('reinitialise', { report: { succeeded: false, steps: [] } }),
      '1 failed: reinitialiseFailed',
    ],
    ['the set-up hangs', () => acknowledged().signal().wait(seconds(80)), '1 failed: returnUnanswered'],
    [
      'the proof fails',
      () =>
        acknowledged()
          .signal()
          .wait(0)
          .answer('reinitialise')
          .answer('prove', { report: proof('failed') }),
      '1 failed: proofFailed',
    ],
    [
      'the proof cannot be made',
      () =>
        acknowledged()
          .signal()
          .wait(0)
          .answer('reinitialise')
          .answer('prove', { report: proof('notProven') }),
      '1 recovered: notProven',
    ],
    [
      'the kernel never confirms',
      () => acknowledged({ uevents: 'observable' }).signal().wait(0).settle().wait(seconds(80)),
      '1 failed: kernelNeverConfirmed',
    ],
  ];
  it.each(rows)('when %s', (_, run, outcome) => {
    const bench = run();
    expect(bench.outcomes()).toEqual([outcome]);
    bench.wait(seconds(1_000));
    expect(bench.outcomes()).toEqual([outcome]);
  });
});

describe('notify: the snapshot of the end', () => {
  const ends = (bench: Play): number =>
    bench.effects.filter((effect) => effect.kind === 'snapshot' && effect.moment === 'end').length;
  const observable = { uevents: 'observable' } as const;

  it.each([
    ['the wait runs out', (bench: Play) => bench.toDecision().wait(seconds(60)), 'timedOut'],
    ['the eventfd is removed', (bench: Play) => bench.toDecision().withdraw().settle(), 'withdrawn'],
    ['the kernel ends the wait', (bench: Play) => bench.toDecision().uevent('beginRecovery'), 'timedOut'],
  ] as const)('waits for the kernel’s last word when %s', (_, going, outcome) => {
    const bench = going(play('notify', observable));
    expect(bench.state.phase).toBe(outcome);
    expect(ends(bench)).toBe(0);
    if (bench.reasons.at(-1) !== 'waitEndedByKernel') bench.uevent('beginRecovery');
    expect(ends(bench)).toBe(0);
    bench.uevent('successfulRecovery');
    expect(ends(bench)).toBe(1);
    bench.uevent('successfulRecovery');
    expect(ends(bench)).toBe(1);
  });

  it('is taken when the kernel’s recovery fails after the bench’s ended', () => {
    const bench = play('notify', observable).toDecision().wait(seconds(60)).uevent('failedRecovery');
    expect(ends(bench)).toBe(1);
  });

  it('is taken at the outcome where nobody hears the kernel', () => {
    const bench = play('notify').toDecision().wait(seconds(60));
    expect(ends(bench)).toBe(1);
  });
});

describe('notify: refusals of the kernel', () => {
  it('lets the wait go on when the ack is refused, and takes a second one', () => {
    const bench = play('notify').toDecision().acknowledge();
    bench.answer('acknowledge', { error: refusedWith('kernelRefused') });
    expect(bench.state).toMatchObject({
      phase: 'awaitingAck',
      exchange: { kind: 'refused' },
      recovery: { approval: null },
    });
    bench.acknowledge().settle();
    expect(bench.state.phase).toBe('resetting');
  });

  it('lets the wait go on when the eventfd cannot be removed', () => {
    const bench = play('notify').toDecision().withdraw();
    bench.answer('withdraw', { error: refusedWith('kernelRefused') });
    expect(bench.state).toMatchObject({ phase: 'awaitingAck', exchange: { kind: 'refused' } });
    expect(bench.acknowledge().open()).toEqual(['acknowledge']);
  });

  it('quiesces all the same when the error registers cannot be read', () => {
    const bench = play('notify').signal();
    bench.answer('inspect', { result: { ok: false, error: refusedWith('configUnreadable') } });
    expect(bench.state).toMatchObject({ phase: 'quiescing', recovery: { severity: 'unknown', errors: [] } });
  });

  it('leaves the decision to a person when quiescing did not succeed', () => {
    const bench = play('notify', { policy: { decision: 'ackWhenQuiesced' } })
      .signal()
      .answer('inspect');
    bench.answer('quiesce', { report: { succeeded: false, actions: [] } });
    expect(bench.state.phase).toBe('awaitingAck');
    expect(bench.count('acknowledge')).toBe(0);
    bench.happens({ kind: 'quiesceRequested' }).answer('quiesce');
    expect(bench.count('acknowledge')).toBe(1);
  });
});

describe('notify: time-out actions', () => {
  it('acks shortly before the end when the policy declared it', () => {
    const bench = play('notify', { policy: { onTimeout: 'acknowledge' } }).toDecision();
    bench.wait(seconds(55) - 1);
    expect(bench.count('acknowledge')).toBe(0);
    bench.wait(1);
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'acknowledge', approval: { by: 'timeoutPolicy' } });
  });

  it('never acks a device that is not quiet', () => {
    const bench = play('notify', { policy: { onTimeout: 'acknowledge' } })
      .signal()
      .answer('inspect');
    bench.answer('quiesce', { report: { succeeded: false, actions: [] } }).wait(seconds(60));
    expect(bench.count('acknowledge')).toBe(0);
    expect(bench.outcomes()).toEqual(['1 timedOut: waitExpired']);
  });

  it('acks when a new quiescing ends after the moment of the action', () => {
    const bench = play('notify', { policy: { onTimeout: 'acknowledge' } })
      .toDecision()
      .wait(seconds(54));
    bench.happens({ kind: 'quiesceRequested' }).wait(seconds(3));
    expect(bench.count('acknowledge')).toBe(0);
    bench.answer('quiesce').wait(0);
    expect(bench.count('acknowledge')).toBe(1);
  });

  it('withdraws when the policy declared it, also when quiescing hangs', () => {
    const policy = { onTimeout: 'withdraw' } as const;
    const decided = play('notify', { policy }).toDecision().wait(seconds(55)).answer('withdraw');
    expect(decided.outcomes()).toEqual(['1 withdrawn: withdrawn']);
    const hanging = play('notify', { policy })
      .signal()
      .answer('inspect')
      .wait(seconds(55))
      .answer('withdraw');
    expect(hanging.phases.at(-2)).toBe('quiescing');
    expect(hanging.outcomes()).toEqual(['1 withdrawn: withdrawn']);
  });

  it('does nothing more when a person has decided', () => {
    const bench = play('notify', { policy: { onTimeout: 'withdraw' } })
      .toDecision()
      .wait(seconds(54));
    bench.acknowledge().wait(seconds(2));
    expect(bench.count('withdraw')).toBe(0);
  });
});

describe('notify: answers that do not belong', () => {
  it('ignores answers to an earlier recovery', () => {
    const bench = acknowledged().signal().wait(0).settle().wait(seconds(1)).signal();
    const before = bench.state;
    bench
      .happens({ kind: 'quiesceFinished', recovery: 1, report: { succeeded: true, actions: [] } })
      .happens({ kind: 'acknowledgeFinished', recovery: 1, error: null })
      .happens({ kind: 'proofFinished', recovery: 1, report: proof('proven') })
      .happens({ kind: 'withdrawFinished', recovery: 1, error: null });
    expect(bench.state).toBe(before);
  });

  it('knows no queue: records that nobody asked for open no wait', () => {
    const record = { ok: true, value: [ccdfRecord] } as const;
    const bench = play('notify');
    const ignores = (recovery: number): void => {
      const before = bench.state;
      expect(bench.happens({ kind: 'drained', recovery, result: record }).state).toBe(before);
    };
    ignores(1);
    bench.toDecision().acknowledge().settle().signal();
    ignores(1);
    bench.wait(0).settle();
    ignores(1);
  });

  it('ignores answers to what is not under way', () => {
    const bench = play('notify').toDecision();
    const before = bench.state;
    bench
      .happens({ kind: 'acknowledgeFinished', recovery: 1, error: null })
      .happens({ kind: 'acknowledgeFinished', recovery: 1, error: refusedWith('kernelRefused') })
      .happens({ kind: 'withdrawFinished', recovery: 1, error: null })
      .happens({ kind: 'quiesceFinished', recovery: 1, report: { succeeded: false, actions: [] } });
    expect(bench.state).toBe(before);
  });

  it('grants no withdrawal while the answer to the wait is on its way', () => {
    const wish = { kind: 'withdrawRequested', approval: person } as const;
    const acked = play('notify').toDecision().acknowledge();
    expect(acked.refusal(wish)).toBe('stepUnderWay');
    expect(acked.withdraw().count('withdraw')).toBe(0);
    const leaving = play('notify').toDecision().withdraw();
    expect(leaving.refusal(wish)).toBe('stepUnderWay');
    expect(leaving.withdraw().count('withdraw')).toBe(1);
  });

  it('ignores an answer that comes twice', () => {
    const bench = acknowledged();
    const before = bench.state;
    bench.happens({ kind: 'acknowledgeFinished', recovery: 1, error: null });
    expect(bench.state).toBe(before);
  });

  it('takes event 2 for what it is when the answer to the ack is late', () => {
    const bench = play('notify').toDecision().acknowledge().wait(milliseconds(1)).signal();
    expect(bench.reasons.at(-1)).toBe('slotResetBeforeAnswer');
    bench.answer('acknowledge').wait(0).settle();
    expect(bench.outcomes()).toEqual(['1 recovered: proven']);
  });
});
