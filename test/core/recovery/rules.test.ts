import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { ackGuard } from '../../../src-main/core/recovery/policy.ts';
import { openWait } from '../../../src-main/core/recovery/state.ts';
import { eagain, person, play, proof, refusedWith, type Play } from './play.ts';

const acknowledged = (change: Parameters<typeof play>[1] = {}): Play =>
  play('notify', change).toDecision().acknowledge().settle();
const ack = { kind: 'acknowledgeRequested', approval: person } as const;
const resetOf = (resetKind: 'device' | 'hot') =>
  ({ kind: 'resetRequested', resetKind, approval: person }) as const;

describe('rules of the domain', () => {
  describe('both phases of notify come on one eventfd and coalesce', () => {
    it('reads two signals at once while armed as two errors, of which the last one may wait', () => {
      const bench = play('notify').signal(2);
      expect(bench.reasons).toEqual(['coalescedSignals']);
      expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 1, coalesced: 1 } });
    });

    it('reads one signal after the ack as event 2, not as an error', () => {
      const bench = acknowledged().signal();
      expect(bench.state).toMatchObject({ phase: 'slotReset', recovery: { number: 1 } });
    });

    it('reads two signals after the ack as the reset and the next error', () => {
      const bench = acknowledged().signal(2);
      expect(bench.outcomes()).toEqual(['1 failed: resetAndNextError']);
      expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2, coalesced: 0 } });
    });

    it('reads three signals after the ack as the reset, an error that ran out, and the one that waits', () => {
      const bench = acknowledged().signal(3);
      expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2, coalesced: 1 } });
    });

    it('reads the same counts alike when the ack’s answer is still on its way', () => {
      const one = play('notify').toDecision().acknowledge().signal();
      expect(one.state).toMatchObject({ phase: 'slotReset', recovery: { number: 1 } });
      const two = play('notify').toDecision().acknowledge().signal(2);
      expect(two.outcomes()).toEqual(['1 failed: resetAndNextError']);
      expect(two.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
    });

    it('takes a signal during the wait for the next error: the first wait had ended', () => {
      const bench = play('notify').toDecision().wait(seconds(10)).signal();
      expect(bench.outcomes()).toEqual(['1 timedOut: nextErrorDuringWait']);
      expect(bench.state).toMatchObject({
        phase: 'errorDetected',
        deadline: bench.now + seconds(60),
        recovery: { number: 2 },
      });
    });

    it('takes a signal before the device is back for the next error', () => {
      const bench = acknowledged().signal().wait(0).signal();
      expect(bench.outcomes()).toEqual(['1 failed: nextErrorBeforeReturn']);
      expect(bench.state).toMatchObject({ recovery: { number: 2 } });
    });

    it('subtracts the loop-backs that the bench triggered itself', () => {
      const bench = play('notify').happens({ kind: 'loopbackTriggered', count: 1 }).signal();
      expect(bench.phases).toEqual(['armed']);
      bench.happens({ kind: 'loopbackTriggered', count: 1 }).signal(2);
      expect(bench.state).toMatchObject({
        phase: 'errorDetected',
        loopbacksExpected: 0,
        recovery: { coalesced: 0 },
      });
    });

    it('subtracts them in every open phase too', () => {
      const bench = play('notify');
      const loopback = (): void => {
        const { phase } = bench.state;
        bench.happens({ kind: 'loopbackTriggered', count: 1 }).signal();
        expect(bench.state).toMatchObject({ phase, loopbacksExpected: 0, recovery: { number: 1 } });
      };
      bench.signal();
      loopback();
      bench.answer('inspect');
      loopback();
      bench.answer('quiesce');
      loopback();
      bench.acknowledge();
      loopback();
      bench.answer('acknowledge');
      loopback();
      bench.signal();
      loopback();
      bench.wait(0);
      loopback();
      expect(bench.settle().outcomes()).toEqual(['1 recovered: proven']);
    });
  });

  describe('two uevents disambiguate', () => {
    it('ends the wait at BEGIN_RECOVERY: error_detected has returned', () => {
      const bench = play('notify').toDecision().uevent('beginRecovery');
      expect(bench.outcomes()).toEqual(['1 timedOut: waitEndedByKernel']);
      expect(bench.refusal(ack)).toBe('noOpenWait');
    });

    it('takes BEGIN_RECOVERY behind an ack on its way for that ack’s effect', () => {
      const bench = play('notify').toDecision().acknowledge().uevent('beginRecovery').settle();
      expect(bench.state).toMatchObject({ phase: 'resetting', recovery: { kernelWord: 'begun' } });
    });

    it('does not let the last recovery’s SUCCESSFUL_RECOVERY, read late, stand for this one', () => {
      const bench = play('notify', { uevents: 'observable' }).toDecision().uevent('successfulRecovery');
      expect(openWait(bench.state)).not.toBeNull();
      bench.acknowledge().settle().signal().wait(0).settle();
      expect(bench.outcomes()).toEqual([]);
      bench.uevent('successfulRecovery');
      expect(bench.outcomes()).toEqual(['1 recovered: proven']);
    });

    it('still learns the kernel’s last word after a time-out, where it is the only sign', () => {
      const bench = play('notify').toDecision().wait(seconds(60)).uevent('beginRecovery');
      bench.uevent('successfulRecovery');
      expect(bench.state).toMatchObject({ phase: 'timedOut', recovery: { kernelWord: 'successful' } });
      expect(bench.outcomes()).toHaveLength(1);
    });
  });

  describe('event 2 is no proof', () => {
    it('of a reset or of success: recovered needs the proof (kernel 6.1 resets nothing)', () => {
      const bench = acknowledged().wait(milliseconds(1)).signal();
      expect(bench.outcomes()).toEqual([]);
      bench
        .wait(0)
        .answer('reinitialise')
        .answer('prove', { report: proof('failed') });
      expect(bench.outcomes()).toEqual(['1 failed: proofFailed']);
    });

    it.each([
      ['slotReset', () => acknowledged({ policy: { afterReset: 'wait' } }).signal()],
      ['reinitialising', () => acknowledged().signal().wait(0)],
      ['reinitialising', () => acknowledged({ uevents: 'observable' }).signal().wait(0).settle()],
    ] as const)(
      'of anything, when perm_failure looks like it: FAILED_RECOVERY in %s ends as failed',
      (phase, run) => {
        const bench = run();
        expect(bench.state.phase).toBe(phase);
        bench.uevent('failedRecovery').wait(seconds(600));
        expect(bench.outcomes()).toEqual(['1 failed: kernelFailed']);
      },
    );

    it('leaves the kernel another wait, for each function of the slot, before its last word counts as missing', () => {
      const bench = acknowledged({ uevents: 'observable', sharers: 1 }).signal().wait(0).settle();
      bench.wait(seconds(139));
      expect(bench.outcomes()).toEqual([]);
      bench.wait(seconds(1));
      expect(bench.outcomes()).toEqual(['1 failed: kernelNeverConfirmed']);
    });
  });

  describe('after a time-out no second signal comes', () => {
    it('so the recovery ends with the wait and opens nothing', () => {
      const bench = play('notify').toDecision().wait(seconds(60));
      expect(bench.outcomes()).toEqual(['1 timedOut: waitExpired']);
      expect(bench.wait(seconds(600)).phases.at(-1)).toBe('timedOut');
    });

    it('unless another function of the slot was acked: then it is the shared reset, not an error', () => {
      const bench = play('notify', { uevents: 'observable', sharers: 1 }).toDecision();
      bench.uevent('beginRecovery').signal();
      expect(bench.reasons.at(-1)).toBe('sharedReset');
      expect(bench.state).toMatchObject({ phase: 'timedOut', recovery: { number: 1 } });
      bench.uevent('successfulRecovery').signal();
      expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
    });

    it('and a signal is an error where no function shares the slot', () => {
      const bench = play('notify', { uevents: 'observable' }).toDecision().uevent('beginRecovery').signal();
      expect(bench.state).toMatchObject({ phase: 'errorDetected', recovery: { number: 2 } });
    });
  });

  describe('the countdown', () => {
    it('is absolute, starts at the signal, and nothing that happens moves it', () => {
      const bench = play('notify');
      const deadline = bench.now + seconds(60);
      const seen = (): unknown => openWait(bench.state)?.deadline;
      expect(bench.signal().wait(seconds(3)) && seen()).toBe(deadline);
      expect(bench.answer('inspect').wait(seconds(3)) && seen()).toBe(deadline);
      expect(bench.answer('quiesce').wait(seconds(3)) && seen()).toBe(deadline);
      expect(bench.happens({ kind: 'quiesceRequested' }).wait(seconds(3)) && seen()).toBe(deadline);
      bench.answer('quiesce').acknowledge().wait(seconds(3));
      expect(bench.answer('acknowledge', { error: refusedWith('kernelRefused') }) && seen()).toBe(deadline);
    });

    it('takes the length of the kernel’s wait from the arming', () => {
      const bench = play('notify', { ackTimeout: seconds(7) })
        .toDecision()
        .wait(seconds(7) - 1);
      expect(bench.state.phase).toBe('awaitingAck');
      expect(bench.wait(1).outcomes()).toEqual(['1 timedOut: waitExpired']);
    });
  });

  describe('never an ack without an open wait', () => {
    it('refuses one before the signal, during the reset, during the return and after the end', () => {
      const bench = play('notify', { policy: { afterReset: 'wait' } });
      const refused = (): void => {
        const before = bench.state;
        expect(bench.refusal(ack)).toBe('noOpenWait');
        expect(bench.acknowledge().state).toBe(before);
      };
      refused();
      bench.toDecision().acknowledge().settle();
      refused();
      bench.signal();
      refused();
      bench.happens({ kind: 'reinitialiseRequested' });
      refused();
      bench.settle();
      refused();
      expect(bench.count('acknowledge')).toBe(1);
    });

    it('refuses one until the device is quiet', () => {
      const bench = play('notify').signal();
      expect(bench.refusal(ack)).toBe('stepUnderWay');
      bench.answer('inspect');
      expect(bench.refusal(ack)).toBe('stepUnderWay');
      bench.answer('quiesce');
      expect(bench.refusal(ack)).toBeNull();
      bench.happens({ kind: 'quiesceRequested' });
      expect(bench.refusal(ack)).toBe('stepUnderWay');
    });

    it('refuses a second one while the first is on its way', () => {
      const bench = play('notify').toDecision().acknowledge();
      expect(bench.refusal(ack)).toBe('stepUnderWay');
      expect(bench.acknowledge().count('acknowledge')).toBe(1);
    });

    it.each([seconds(60), seconds(2), milliseconds(10)])(
      'refuses a late one: a wait of %i µs',
      (ackTimeout) => {
        const bench = play('notify', { ackTimeout }).toDecision();
        bench.wait(ackTimeout - ackGuard(ackTimeout) - 1);
        expect(bench.refusal(ack)).toBeNull();
        bench.wait(1);
        expect(bench.refusal(ack)).toBe('ackTooLate');
        expect(bench.acknowledge().count('acknowledge')).toBe(0);
      },
    );

    it('sends no late one by policy either, when quiescing was slow or the clock called late', () => {
      const slow = play('notify', { policy: { decision: 'ackWhenQuiesced' } })
        .signal()
        .answer('inspect');
      slow.wait(seconds(60) - ackGuard(seconds(60))).answer('quiesce');
      expect(slow.count('acknowledge')).toBe(0);
      const busy = play('notify', { policy: { onTimeout: 'acknowledge' } }).toDecision();
      busy.waitDeaf(seconds(60) - milliseconds(100));
      expect(busy.reasons.at(-1)).toBe('timeoutActionMissed');
      expect(busy.wait(seconds(1)).count('acknowledge')).toBe(0);
      expect(busy.outcomes()).toEqual(['1 timedOut: waitExpired']);
    });

    it('does not take the answer to a timely ack for a new error when it is slow', () => {
      const bench = play('notify', { policy: { decision: 'ackWhenQuiesced' } })
        .signal()
        .answer('inspect');
      bench.answer('quiesce').wait(seconds(60));
      expect(bench.state.phase).toBe('resetting');
      expect(bench.reasons.at(-1)).toBe('ackUnanswered');
      bench.signal();
      expect(bench.state).toMatchObject({ phase: 'slotReset', recovery: { number: 1 } });
      expect(bench.count('acknowledge')).toBe(1);
    });

    it('sends none to a kernel that went on without: its word without event 2 means that the ack was late', () => {
      const bench = acknowledged().uevent('beginRecovery').uevent('successfulRecovery');
      expect(bench.wait(seconds(1)).outcomes()).toEqual(['1 timedOut: ackCameTooLate']);
      const swapped = acknowledged().uevent('successfulRecovery').signal();
      expect(swapped.state.phase).toBe('slotReset');
    });
  });

  describe('between signal and ack no reset', () => {
    it('refuses device and hot resets in every phase of the wait', () => {
      const bench = play('notify').signal();
      const refused = (): void => {
        const before = bench.state;
        for (const kind of ['device', 'hot'] as const) {
          expect(bench.refusal(resetOf(kind))).toBe('waitOpen');
          expect(bench.reset(kind).state).toBe(before);
        }
        expect(bench.refusal({ kind: 'reinitialiseRequested' })).toBe('waitOpen');
      };
      refused();
      bench.answer('inspect');
      refused();
      bench.answer('quiesce');
      refused();
      bench.acknowledge();
      refused();
      expect(bench.count('reset')).toBe(0);
      bench.answer('acknowledge');
      expect(bench.refusal(resetOf('device'))).toBe('recoveryOpen');
    });

    it('quiesces, and again when asked', () => {
      const bench = play('notify').toDecision().happens({ kind: 'quiesceRequested' });
      expect(bench.count('quiesce')).toBe(2);
      bench.settle();
      expect(bench.state).toMatchObject({ phase: 'awaitingAck', requiescing: false });
    });
  });

  describe('leaving', () => {
    it('withdraws by removing the eventfd, and then hears nothing', () => {
      const bench = play('notify').toDecision().withdraw().settle();
      expect(bench.outcomes()).toEqual(['1 withdrawn: withdrawn']);
      expect(bench.state).toMatchObject({ eventfd: 'removed' });
      const before = bench.state;
      expect(bench.signal().state).toBe(before);
    });

    it('acks nothing behind a removal that is under way, not even the next error', () => {
      const bench = play('notify').toDecision().withdraw();
      expect(bench.refusal(ack)).toBe('stepUnderWay');
      bench.signal().answer('inspect').answer('quiesce');
      expect(bench.state).toMatchObject({ phase: 'awaitingAck', recovery: { number: 2 } });
      expect(bench.refusal(ack)).toBe('stepUnderWay');
      bench.answer('withdraw');
      expect(bench.outcomes()).toEqual(['1 timedOut: nextErrorDuringWait', '2 withdrawn: withdrawn']);
    });

    it('knows that the eventfd is gone when the removal ends after the wait', () => {
      const bench = play('notify').toDecision().withdraw().wait(seconds(60)).answer('withdraw');
      expect(bench.outcomes()).toEqual(['1 timedOut: waitExpired']);
      expect(bench.state).toMatchObject({ phase: 'timedOut', eventfd: 'removed' });
    });

    it('calls a close during the wait failed: the kernel resets a device that nobody brings back', () => {
      const bench = play('notify').toDecision().happens({ kind: 'closed' });
      expect(bench.outcomes()).toEqual(['1 failed: closedDuringWait']);
      const before = bench.state;
      expect(bench.signal().state).toBe(before);
    });

    it('hears no signal of a device that was closed after its recovery', () => {
      const bench = acknowledged().signal().wait(0).settle().happens({ kind: 'closed' });
      const before = bench.state;
      expect(bench.signal().state).toBe(before);
    });
  });

  describe('after event 2', () => {
    it('first brings the device back, then proves it, and only then calls it recovered', () => {
      const bench = acknowledged().signal().wait(0);
      expect(bench.open()).toEqual(['reinitialise']);
      expect(bench.answer('reinitialise').open()).toEqual(['prove']);
      expect(bench.outcomes()).toEqual([]);
      expect(bench.answer('prove').outcomes()).toEqual(['1 recovered: proven']);
    });

    it('says so when nothing was proven', () => {
      const bench = acknowledged().signal().wait(0).answer('reinitialise');
      expect(bench.answer('prove', { report: proof('notProven') }).outcomes()).toEqual([
        '1 recovered: notProven',
      ]);
    });
  });

  describe('on s390x', () => {
    it('drains before it believes: a spurious signal opens nothing', () => {
      const bench = play('mediated')
        .signal()
        .answer('drainErrors', { result: { ok: true, value: [] } });
      expect(bench.phases).toEqual(['armed']);
      expect(bench.state).toMatchObject({ spuriousSignals: 1, check: null });
      expect(bench.effects.map((effect) => effect.kind)).toEqual(['drainErrors']);
    });

    it('drains again at every further signal', () => {
      const bench = play('mediated').toDecision().signal();
      expect(bench.open()).toEqual(['drainErrors']);
      bench.settle();
      expect(bench.state).toMatchObject({ recovery: { number: 1, coalesced: 1 } });
    });

    it('tries a reset again that answers EAGAIN', () => {
      const bench = play('mediated').toDecision().reset().answer('reset', { result: eagain });
      expect(bench.state).toMatchObject({
        activity: { step: 'retrying', retryAt: bench.now + milliseconds(2) },
      });
      bench.wait(milliseconds(2));
      expect(bench.effects.at(-1)).toMatchObject({ kind: 'reset', attempt: 2 });
    });

    it('never calls "left to user space" recovered: the kernel’s words change nothing, the proof does', () => {
      const bench = play('mediated', { uevents: 'observable' }).toDecision();
      bench.uevent('beginRecovery').uevent('successfulRecovery').wait(seconds(10));
      expect(bench.outcomes()).toEqual([]);
      bench.reset().answer('reset').wait(0).answer('reinitialise');
      expect(bench.outcomes()).toEqual([]);
      expect(bench.answer('prove').outcomes()).toEqual(['1 recovered: proven']);
    });
  });

  it('changes nothing for a count that is none', () => {
    for (const count of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const bench = play('notify');
      const before = bench.state;
      bench.signal(count).happens({ kind: 'loopbackTriggered', count });
      expect(bench.state).toBe(before);
    }
  });
});
