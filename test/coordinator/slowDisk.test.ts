import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../src-main/core/recovery/phase.ts';
import { ackGuard } from '../../src-main/core/recovery/policy.ts';
import { beginJournal } from '../../src-main/journal/writer.ts';
import { diskPatience } from '../../src-main/coordinator/diskWait.ts';
import { header } from '../journal/header.ts';
import { scan } from '../journal/fixtures.ts';
import { SlowDisk } from '../journal/slowDisk.ts';
import { codeOf, decision, fatal, Lab, policyOf, rng, valueOf, type LabOptions } from './lab.ts';

/** A lab whose journal is on a disk that the test holds; the rig's virtual time goes on meanwhile. */
const labOnSlowDisk = async (options: LabOptions = {}) => {
  const disk = new SlowDisk();
  const begun = await beginJournal({ directory: '/', header, at: 0, now: () => 0, files: disk.files });
  const journal = valueOf(begun);
  const lab = new Lab({ ...options, journal });
  const recorded = () => scan(disk.contents.get(journal.path) ?? Buffer.of()).lines;
  return { disk, lab, recorded };
};

/** In the wait, with a disk that takes nothing from now on. */
const waiting = async (policy: Parameters<Lab['arm']>[0] = {}, options: LabOptions = {}) => {
  const made = await labOnSlowDisk(options);
  await made.lab.arm(policy);
  const acks = made.lab.acks();
  await made.lab.hit();
  await made.lab.phase('awaitingAck');
  await made.lab.wait(seconds(1));
  made.disk.hold();
  return { ...made, acks };
};

const lateNotes = (lab: Lab) => lab.linesOf('kernelLog').filter(({ text }) => text.includes('has not taken'));

describe('what a line announces is not done before the line is on the disk', () => {
  it('arming', async () => {
    const { disk, lab } = await labOnSlowDisk();
    disk.hold();
    const arming = lab.coordinator.arm(rng, 'notify', policyOf());
    await lab.until('the line', () => lab.linesOf('armed').length === 1);
    await lab.wait(seconds(100));
    expect(lab.core().notifyEventfd).toBeNull();
    disk.release();
    valueOf(await arming);
    expect(lab.core().notifyEventfd).not.toBeNull();
    await lab.close();
  });

  it('an injection', async () => {
    const { disk, lab } = await labOnSlowDisk();
    await lab.arm();
    disk.hold();
    const injecting = lab.coordinator.inject(rng, fatal, 'simulated');
    await lab.wait(seconds(100));
    expect(lab.linesOf('fault')).toHaveLength(1);
    expect(lab.state().phase).toBe('armed');
    disk.release();
    valueOf(await injecting);
    await lab.phase('awaitingAck');
    await lab.close();
  });

  it('the return of the device, when the kernel does not wait', async () => {
    const { disk, lab, acks } = await waiting();
    const acknowledged = lab.coordinator.acknowledge(rng, decision);
    disk.land();
    valueOf(await acknowledged);
    await lab.phase('reinitialising');
    const command = () => lab.rig.machine.devices.get(rng)?.fn.command;
    const before = command();
    await lab.wait(seconds(5));
    expect([acks.count, lab.state().phase, lateNotes(lab)]).toEqual([1, 'reinitialising', []]);
    expect(command()).toBe(before);
    disk.release();
    await lab.phase('recovered');
    expect(command()).not.toBe(before);
    await lab.close();
  });

  it.each(['acknowledge', 'withdraw'] as const)('%s, while there is patience', async (wish) => {
    const { disk, lab, acks } = await waiting();
    const asked = lab.coordinator[wish](rng, decision);
    await lab.wait(milliseconds(249));
    expect(acks.count).toBe(0);
    expect(lab.core().notifyEventfd).not.toBeNull();
    // The watchers know already.
    expect(lab.linesOf('approval')).toHaveLength(1);
    disk.release();
    valueOf(await asked);
    expect(lateNotes(lab)).toEqual([]);
    await lab.phase(wish === 'acknowledge' ? 'recovered' : 'withdrawn');
    await lab.close();
  });
});

describe('a disk that is late', () => {
  it('costs an ack half of the guard, and the journal says so before the ack leaves', async () => {
    const { lab, acks, recorded } = await waiting();
    const from = lab.rig.clock.now();
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    expect(acks.count).toBe(1);
    expect(lab.rig.clock.now() - from).toBeGreaterThanOrEqual(milliseconds(250));
    expect(lab.rig.clock.now() - from).toBeLessThan(milliseconds(300));
    const lines = recorded().slice(-4);
    expect(lines).toMatchObject([
      { type: 'approval' },
      { type: 'step', event: { kind: 'acknowledgeRequested' } },
      { type: 'kernelLog', device: rng },
      { type: 'step', event: { kind: 'acknowledgeFinished', error: null } },
    ]);
    expect(lateNotes(lab)).toHaveLength(1);
    expect(lateNotes(lab)[0]?.text).toContain('within 250 ms');
    await lab.close();
  });

  it.each([seconds(2), seconds(5), seconds(60)])(
    'leaves an ack at the last moment of a wait of %i µs in time',
    async (ackTimeout) => {
      const { lab, acks } = await waiting({}, { ackTimeout });
      const { arming } = lab.state();
      const { deadline } = lab.state() as { deadline: number };
      const guard = ackGuard(arming.ackTimeout);
      await lab.wait(deadline - guard - 1 - lab.rig.clock.now());
      valueOf(await lab.coordinator.acknowledge(rng, decision));
      expect(acks.count).toBe(1);
      expect(deadline - lab.rig.clock.now()).toBeGreaterThan(guard / 4);
      expect(diskPatience(arming.ackTimeout)).toBeLessThanOrEqual(milliseconds(250));
      await lab.close();
    },
  );

  it('costs no deadline when it hangs for good: quiesced and acked by the policy', async () => {
    const { disk, lab } = await labOnSlowDisk();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    disk.hold();
    const from = lab.rig.clock.now();
    valueOf(await lab.rig.inject({ address: rng, injector: 'simulated', fault: fatal }));
    await lab.phase('resetting');
    expect(acks.count).toBe(1);
    expect(lab.rig.clock.now() - from).toBeLessThan(seconds(2));
    await lab.close();
  });

  it('holds up no next error with what the last recovery still has to do', async () => {
    const { disk, lab } = await labOnSlowDisk();
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    disk.hold();
    await lab.phase('reinitialising');
    await lab.wait(seconds(5));
    // Its own errors are not reported before it is back; this one comes from a function that shares its reset.
    lab.core().notifyEventfd?.signal();
    await lab.phase('awaitingAck', rng, seconds(3));
    expect(lab.recovery().number).toBe(2);
    await lab.close();
  });
});

describe('while an ack waits for the disk', () => {
  it('a device that vanishes gets none, and whoever asked is told', async () => {
    const { disk, lab } = await waiting();
    const sent = lab.acksSent(rng);
    const asked = lab.coordinator.acknowledge(rng, decision);
    valueOf(await lab.rig.inject({ address: rng, injector: 'simulated', fault: { kind: 'unplug' } }));
    disk.release();
    expect(codeOf(await asked)).toBe('noOpenRecovery');
    expect(sent.count).toBe(0);
    await lab.close();
  });

  it('a signal means that the kernel waits no more for this one: none is sent', async () => {
    const { disk, lab } = await waiting();
    const sent = lab.acksSent(rng);
    const asked = lab.coordinator.acknowledge(rng, decision);
    lab.core().notifyEventfd?.signal();
    await lab.wait(milliseconds(100));
    expect(lab.state().phase).toBe('reinitialising');
    disk.release();
    expect(codeOf(await asked)).toBe('noOpenRecovery');
    expect(sent.count).toBe(0);
    await lab.close();
  });

  it('a sync that fails means that it is not sent, and the journal is broken', async () => {
    const { disk, lab, acks } = await waiting();
    const asked = lab.coordinator.acknowledge(rng, decision);
    disk.land('EIO');
    expect(await asked).toMatchObject({
      ok: false,
      error: { code: 'journalUnwritable', errno: { name: 'EIO' } },
    });
    expect(acks.count).toBe(0);
    expect(lab.state()).toMatchObject({ phase: 'awaitingAck', exchange: { kind: 'refused' } });
    expect(lab.recorder.trouble).toMatchObject({ errno: { name: 'EIO' } });
    expect(lab.linesOf('kernelLog').filter(({ text }) => text.includes('EIO'))).toHaveLength(1);
    expect(codeOf(await lab.coordinator.withdraw(rng, decision))).toBe('journalUnwritable');
    await lab.phase('timedOut');
    expect(acks.count).toBe(0);
    await lab.close();
  });

  it('a clock that calls late means that it is not sent: it could be taken for the next error', async () => {
    const { disk, lab, acks } = await waiting();
    const { deadline } = lab.state() as { deadline: number };
    await lab.wait(deadline - ackGuard(lab.state().arming.ackTimeout) - 1 - lab.rig.clock.now());
    const { clock } = lab.rig;
    const asked = lab.coordinator.acknowledge(rng, decision);
    // A machine that was busy until shortly before the deadline.
    const now = clock.now.bind(clock);
    clock.now = () => Math.max(now(), deadline - milliseconds(100));
    disk.release();
    expect(codeOf(await asked)).toBe('ackTooLate');
    expect(acks.count).toBe(0);
    clock.now = now;
    await lab.close();
  });
});
