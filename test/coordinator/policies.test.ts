import { describe, expect, it } from 'vitest';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import { ackGuard, timeoutActionLead } from '../../src-main/core/recovery/policy.ts';
import { notHandedDown, notQuiet, withSession } from './between.ts';
import { codeOf, decision, fatal, Lab, nonFatal, policyOf, rng } from './lab.ts';

const ackTimeout = seconds(60);

describe('ask a person', () => {
  it('waits for the ack and recovers after it', async () => {
    const lab = new Lab();
    await lab.arm();
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(30));
    expect(lab.state().phase).toBe('awaitingAck');
    expect(acks.count).toBe(0);
    expect(await lab.coordinator.acknowledge(rng, decision)).toEqual({ ok: true, value: undefined });
    expect(acks.count).toBe(1);
    expect(lab.state().phase).toBe('resetting');
    await lab.phase('recovered');
    expect(lab.recovery()).toMatchObject({
      approval: { operator: 'Ada', reason: 'lab demo', by: 'person' },
      proof: { verdict: 'proven' },
    });
    await lab.close();
  });

  it('lets the wait expire when that is declared', async () => {
    const lab = new Lab();
    await lab.arm({ onTimeout: 'letExpire' });
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('timedOut');
    const { openedAt } = lab.recovery();
    expect(lab.state()).toMatchObject({ eventfd: 'registered' });
    // The kernel's clock started a little before ours: its BEGIN_RECOVERY may end the wait first.
    const { concludedAt } = lab.state() as { concludedAt: number };
    expect(concludedAt - openedAt).toBeGreaterThan(ackTimeout - seconds(1));
    expect(concludedAt - openedAt).toBeLessThanOrEqual(ackTimeout + seconds(1));
    await lab.wait(seconds(200));
    expect(acks.count).toBe(0);
    expect(lab.recovery().kernelWord).toBe('successful');
    await lab.close();
  });

  it('withdraws in time when that is declared, and can be armed again', async () => {
    const lab = new Lab();
    await lab.arm({ onTimeout: 'withdraw' });
    await lab.hit();
    await lab.phase('withdrawn');
    const { openedAt } = lab.recovery();
    const { concludedAt } = lab.state() as { concludedAt: number };
    expect(concludedAt).toBe(openedAt + ackTimeout - timeoutActionLead(ackTimeout));
    expect(lab.core().notifyEventfd).toBeNull();
    const [line] = lab.linesOf('approval');
    expect(line).toMatchObject({ action: 'withdraw', approval: { operator: 'policy', by: 'timeoutPolicy' } });
    await lab.wait(seconds(120));
    await lab.arm({ decision: 'ackWhenQuiesced' });
    expect(lab.state().phase).toBe('armed');
    expect(lab.core().notifyEventfd).not.toBeNull();
    await lab.close();
  });

  it('acks in time when that is declared', async () => {
    const lab = new Lab();
    await lab.arm({ onTimeout: 'acknowledge' });
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('resetting');
    const { openedAt } = lab.recovery();
    expect(lab.rig.clock.now()).toBe(openedAt + ackTimeout - timeoutActionLead(ackTimeout));
    expect(acks.count).toBe(1);
    await lab.phase('recovered');
    const [line] = lab.linesOf('approval');
    expect(line).toMatchObject({
      action: 'acknowledge',
      approval: { by: 'timeoutPolicy' },
      known: { timeLeft: timeoutActionLead(ackTimeout), quiesce: { succeeded: true } },
    });
    await lab.close();
  });

  it.each([seconds(1), seconds(2), seconds(10), 200_000])(
    'acks in time with a wait of %i microseconds',
    async (timeout) => {
      const lab = new Lab({ ackTimeout: timeout });
      await lab.arm({ onTimeout: 'acknowledge' });
      const acks = lab.acks();
      await lab.hit();
      await lab.phase('recovered');
      expect(acks.count).toBe(1);
      await lab.close();
    },
  );

  it('refuses a person who comes in the last moments of the wait', async () => {
    const lab = new Lab();
    await lab.arm();
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    const { deadline } = lab.state() as { deadline: number };
    const guard = ackGuard(ackTimeout);
    await lab.wait(deadline - guard - lab.rig.clock.now());
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('ackTooLate');
    expect(acks.count).toBe(0);
    expect(lab.linesOf('refusal').map(({ wish, error }) => [wish, error.code])).toEqual([
      ['acknowledge', 'ackTooLate'],
    ]);
    await lab.phase('timedOut');
    await lab.close();
  });

  it('takes the ack one microsecond before that', async () => {
    const lab = new Lab();
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    const { deadline } = lab.state() as { deadline: number };
    await lab.wait(deadline - ackGuard(ackTimeout) - 1 - lab.rig.clock.now());
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('ok');
    await lab.phase('recovered');
    await lab.close();
  });
});

describe('ack once quiescing has succeeded', () => {
  it.each(['notify-6.1', 'notify-7.2', 'notify-7.2-restore'] as const)('recovers on %s', async (profile) => {
    for (const fault of [fatal, nonFatal]) {
      const lab = new Lab({ profile });
      await lab.arm({ decision: 'ackWhenQuiesced' });
      const acks = lab.acks();
      await lab.hit(fault);
      await lab.phase('recovered');
      expect(acks.count).toBe(1);
      expect(lab.recovery().approval).toEqual({
        operator: 'policy',
        reason: 'acknowledgeByPolicy',
        by: 'policy',
      });
      await lab.close();
    }
  });

  it('leaves an audit line of what the policy knew', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    await lab.hit();
    await lab.phase('recovered');
    const approvals = lab.linesOf('approval');
    expect(approvals).toHaveLength(1);
    expect(approvals[0]).toMatchObject({
      recovery: 1,
      action: 'acknowledge',
      approval: { operator: 'policy', by: 'policy' },
      known: {
        phase: 'quiescing',
        protocol: 'notify',
        severity: 'fatal',
        errors: [{ name: 'MALF_TLP', severity: 'fatal' }],
        quiesce: { succeeded: true },
        sharers: [],
      },
    });
    await lab.close();
  });

  it('waits for a person when quiescing did not succeed', async () => {
    const lab = new Lab({
      between: (rig) => withSession(rig, { ...notHandedDown, quiesce: () => notQuiet }),
    });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(1));
    expect(acks.count).toBe(0);
    expect(lab.state().phase).toBe('awaitingAck');
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('ok');
    await lab.phase('recovered');
    await lab.close();
  });
});

describe('never ack', () => {
  it('lets every wait expire', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'neverAck' });
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('timedOut');
    await lab.wait(seconds(200));
    expect(acks.count).toBe(0);
    await lab.close();
  });

  it('may not be declared together with an ack at the time-out', async () => {
    const lab = new Lab();
    const armed = await lab.coordinator.arm(
      rng,
      'notify',
      policyOf({ decision: 'neverAck', onTimeout: 'acknowledge' }),
    );
    expect(codeOf(armed)).toBe('malformedInput');
    expect(lab.coordinator.state(rng)).toBeNull();
    expect(lab.core().isOpen).toBe(false);
    expect(lab.linesOf('refusal')).toHaveLength(1);
    await lab.close();
  });
});
