import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../src-main/core/recovery/phase.ts';
import { timeoutActionLead } from '../../src-main/core/recovery/policy.ts';
import { deviceStatusBit, pciExpressRegister } from '../../src-main/core/pci/capability-registers.ts';
import { beginJournal } from '../../src-main/journal/writer.ts';
import { header } from '../journal/header.ts';
import { SlowDisk } from '../journal/slowDisk.ts';
import { codeOf, decision, fatal, Lab, nonFatal, policyOf, rng, valueOf, type LabOptions } from './lab.ts';

const lead = timeoutActionLead(seconds(60));

/** What the coordinator asks for is never answered from here on, as when the main thread hangs. */
const hang = (lab: Lab): void => {
  const session = lab.coordinator.session(rng);
  if (session === null) throw new Error('not open');
  const never = () => new Promise<never>(() => undefined);
  Object.assign(session, { inspect: never, quiesce: never, acknowledge: never });
};

/** Counts the acks that reach the kernel while it does not wait for one. */
const strayAcks = (lab: Lab): { count: number } => {
  const stray = { count: 0 };
  const { acknowledgement } = lab.core();
  const complete = acknowledgement.complete.bind(acknowledgement);
  acknowledgement.complete = () => {
    if (acknowledgement.waiting === 0) stray.count += 1;
    complete();
  };
  return stray;
};

const announced = (lab: Lab) => lab.linesOf('handDown').map(({ automatic }) => automatic?.at ?? null);

describe('what is handed down', () => {
  it.each([
    ['ackWhenQuiesced', 'letExpire', 0],
    ['askPerson', 'acknowledge', seconds(60) - lead],
  ] as const)('with %s and %s acks although nobody here does anything', async (choice, onTimeout, after) => {
    const lab = new Lab();
    await lab.arm({ decision: choice, onTimeout });
    const acks = lab.acks();
    hang(lab);
    await lab.hit();
    await lab.phase('resetting');
    expect(lab.rig.clock.now()).toBe(lab.recovery().openedAt + after);
    expect(acks.count).toBe(1);
    expect(lab.recovery()).toMatchObject({
      severity: 'fatal',
      errors: [{ name: 'MALF_TLP' }],
      quiesce: { succeeded: true },
    });
    await lab.phase('slotReset');
    await lab.wait(seconds(100));
    expect(acks.count).toBe(1);
    await lab.close();
  });

  it('is announced with its approval, on the disk, before it stands, and anew for each recovery', async () => {
    const disk = new SlowDisk();
    const journal = valueOf(
      await beginJournal({ directory: '/', header, at: 0, now: () => 0, files: disk.files }),
    );
    const lab = new Lab({ journal });
    await lab.arm();
    disk.hold();
    const changed = lab.coordinator.setPolicy(rng, policyOf({ decision: 'ackWhenQuiesced' }));
    await lab.wait(seconds(1));
    expect(announced(lab)).toEqual([]);
    disk.land();
    await lab.until('the announcement', () => announced(lab).length === 1);
    const acks = lab.acks();
    await lab.rig.inject({ address: rng, injector: 'simulated', fault: fatal });
    await lab.until('the signal', () => lab.state().phase !== 'armed');
    // The disk has not taken the announcement: nothing stood.
    expect(acks.count).toBe(0);
    expect(lab.linesOf('step').find(({ event }) => event.kind === 'signal')?.event).not.toHaveProperty(
      'answered',
    );
    disk.release();
    valueOf(await changed);
    await lab.phase('recovered');
    await lab.until('the next announcement', () => announced(lab).length === 2);
    expect(lab.linesOf('handDown')[1]).toMatchObject({
      automatic: {
        at: 'signal',
        approval: { operator: 'policy', reason: 'acknowledgeByPolicy', by: 'policy' },
      },
    });
    await lab.wait(0);
    await lab.hit(nonFatal);
    await lab.phase('resetting');
    const signals = lab.linesOf('step').filter(({ event }) => event.kind === 'signal');
    expect(signals.at(-1)?.event).toMatchObject({ answered: { acknowledge: { kind: 'taken' } } });
    await lab.phase('recovered');
    await lab.close();
  });

  it('is taken back when the policy changes, and when the device is disarmed', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    valueOf(await lab.coordinator.setPolicy(rng, policyOf()));
    expect(announced(lab)).toEqual(['signal', null]);
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(1));
    expect(acks.count).toBe(0);
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    await lab.phase('recovered');
    await lab.close();
  });

  it('acks no loop-back, and the error after it', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    const stray = strayAcks(lab);
    valueOf(await lab.coordinator.inject(rng, { kind: 'loopback' }, 'loopback'));
    await lab.wait(seconds(1));
    expect([acks.count, lab.state().phase]).toEqual([0, 'armed']);
    hang(lab);
    await lab.hit();
    await lab.phase('recovered');
    expect([acks.count, stray.count]).toEqual([1, 0]);
    await lab.close();
  });

  it('leaves an error to a person whose device is not quiet', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    const { fn } = lab.rig.machine.devices.get(rng) ?? {};
    if (fn === undefined) throw new Error('no device');
    const readConfig = fn.readConfig.bind(fn);
    const status = fn.expressCapability + pciExpressRegister.deviceStatus;
    fn.readConfig = (offset, width) =>
      readConfig(offset, width) | (offset === status ? deviceStatusBit.transactionsPending : 0);
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(1));
    expect(acks.count).toBe(0);
    expect(lab.linesOf('step').find(({ event }) => event.kind === 'signal')?.event).toMatchObject({
      answered: { acknowledge: { kind: 'withheld' }, quiesce: { succeeded: false } },
    });
    fn.readConfig = readConfig;
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('ok');
    await lab.phase('recovered');
    expect(acks.count).toBe(1);
    await lab.close();
  });

  it.each(['acknowledge', 'withdraw'] as const)('gives no late ack after a person’s %s', async (wish) => {
    const lab = new Lab();
    await lab.arm({ onTimeout: 'acknowledge' });
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    valueOf(await lab.coordinator[wish](rng, decision));
    await lab.wait(seconds(59));
    expect(acks.count).toBe(wish === 'acknowledge' ? 1 : 0);
    await lab.close();
  });
});

describe('an ack that rests on old news', () => {
  it('is not sent when the ack was given meanwhile, or the wait is over', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    const session = lab.coordinator.session(rng);
    await lab.hit();
    await lab.phase('resetting');
    expect(await session?.acknowledge(0)).toMatchObject({ ok: true });
    expect(acks.count).toBe(1);
    await lab.phase('slotReset');
    expect(await session?.acknowledge(1)).toMatchObject({ error: { code: 'noOpenWait' } });
    expect(acks.count).toBe(1);
    await lab.phase('recovered');
    await lab.close();
  });
});

describe('whatever comes in whatever order', () => {
  const act = fc.oneof(
    fc.constantFrom('fatal', 'fatal', 'nonFatal', 'loopback', 'acknowledge', 'withdraw', 'rearm', 'quiesce'),
    fc.constantFrom('asks', 'acks', 'acksLate'),
    fc.constantFrom(0, milliseconds(1), milliseconds(100), seconds(5), seconds(54), seconds(56), seconds(90)),
  );
  const policies = {
    asks: policyOf(),
    acks: policyOf({ decision: 'ackWhenQuiesced' }),
    acksLate: policyOf({ onTimeout: 'acknowledge' }),
  };
  const labs: readonly LabOptions[] = [{ profile: 'notify-7.2' }, { profile: 'notify-6.1' }];

  it('no ack reaches a kernel that does not wait for one', async () => {
    let acked = 0;
    const orders = fc.array(act, { minLength: 4, maxLength: 16, size: 'max' });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...labs), orders, async (options, acts) => {
        const lab = new Lab(options);
        await lab.arm({ decision: 'ackWhenQuiesced' });
        const stray = strayAcks(lab);
        const acks = lab.acksSent(rng);
        const { coordinator } = lab;
        for (const one of acts) {
          if (typeof one === 'number') await lab.wait(one);
          else if (one === 'fatal') await coordinator.inject(rng, fatal, 'simulated');
          else if (one === 'nonFatal') await coordinator.inject(rng, nonFatal, 'simulated');
          else if (one === 'loopback') await coordinator.inject(rng, { kind: 'loopback' }, 'loopback');
          else if (one === 'acknowledge') await coordinator.acknowledge(rng, decision);
          else if (one === 'withdraw') await coordinator.withdraw(rng, decision);
          else if (one === 'quiesce') await coordinator.quiesce(rng);
          else if (one === 'rearm') await coordinator.arm(rng, 'notify', policies.acks);
          else await coordinator.setPolicy(rng, policies[one]);
        }
        await lab.wait(seconds(200));
        expect(stray.count).toBe(0);
        acked += acks.count;
        await lab.close();
      }),
      { numRuns: 200 },
    );
    expect(acked).toBeGreaterThan(100);
  });
});
