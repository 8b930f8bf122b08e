import { describe, expect, it } from 'vitest';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { withSession } from './between.ts';
import { codeOf, decision, fatal, Lab, policyOf, rng, valueOf } from './lab.ts';

describe('another policy', () => {
  it('counts from the next recovery on, as another arming', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'neverAck' });
    await lab.hit();
    await lab.phase('timedOut');
    await lab.wait(seconds(5));
    valueOf(await lab.coordinator.setPolicy(rng, policyOf({ decision: 'ackWhenQuiesced' })));
    expect(lab.state()).toMatchObject({ phase: 'armed', recoveries: 0, arming: { protocol: 'notify' } });
    expect(lab.linesOf('armed').map(({ arming }) => arming.policy.decision)).toEqual([
      'neverAck',
      'ackWhenQuiesced',
    ]);
    // The timed-out fatal error left the device with DevCtl 0 (observation 5), and nothing would be reported.
    valueOf(await lab.coordinator.reinitialise(rng));
    await lab.hit();
    await lab.phase('recovered');
    await lab.close();
  });

  it('waits for a loop-back that has not been read', async () => {
    const lab = new Lab();
    await lab.arm();
    valueOf(await lab.coordinator.inject(rng, { kind: 'loopback' }, 'loopback'));
    expect(codeOf(await lab.coordinator.setPolicy(rng, policyOf()))).toBe('stepUnderWay');
    await lab.wait(seconds(1));
    expect(codeOf(await lab.coordinator.setPolicy(rng, policyOf()))).toBe('ok');
    expect(lab.state()).toMatchObject({ phase: 'armed', loopbacksExpected: 0, recoveries: 0 });
    await lab.close();
  });
});

describe('loop-backs', () => {
  it('open no recovery', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    valueOf(await lab.coordinator.inject(rng, { kind: 'loopback' }, 'loopback'));
    await lab.wait(seconds(1));
    expect(lab.state()).toMatchObject({ phase: 'armed', recoveries: 0 });
    expect(acks.count).toBe(0);
    await lab.close();
  });

  it('that could not be triggered leave nothing that swallows the next error', async () => {
    const lab = new Lab({
      between: (rig) => ({
        ...withSession(rig, {}),
        inject: (request) =>
          request.fault.kind === 'loopback'
            ? Promise.resolve({ ok: false, error: { code: 'kernelRefused', message: 'EINVAL' } })
            : rig.inject(request),
      }),
    });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    expect(codeOf(await lab.coordinator.inject(rng, { kind: 'loopback' }, 'loopback'))).toBe('kernelRefused');
    expect(lab.state()).toMatchObject({ phase: 'armed', loopbacksExpected: 0 });
    await lab.hit();
    await lab.phase('recovered');
    await lab.close();
  });
});

describe('closing', () => {
  it('during a wait ends the recovery, and the device can be armed again', async () => {
    const lab = new Lab();
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    valueOf(await lab.coordinator.close(rng));
    expect(lab.state()).toMatchObject({ phase: 'failed', reason: 'closedDuringWait', eventfd: 'removed' });
    expect(lab.coordinator.session(rng)).toBeNull();
    expect(lab.core().isOpen).toBe(false);
    await lab.wait(seconds(100));
    await lab.arm({ decision: 'ackWhenQuiesced' });
    expect(lab.state()).toMatchObject({ phase: 'armed', recoveries: 0 });
    await lab.close();
  });

  it('an idle device disarms it', async () => {
    const lab = new Lab();
    await lab.arm();
    valueOf(await lab.coordinator.close(rng));
    expect(lab.coordinator.state(rng)).toBeNull();
    expect(lab.linesOf('disarmed')).toMatchObject([{ because: 'the device was closed' }]);
    await lab.close();
  });

  it('drops the effects that have not begun', async () => {
    const begun: string[] = [];
    let release: (() => void) | null = null;
    const lab: Lab = new Lab({
      between: (rig) =>
        withSession(rig, {
          readBothViews: async () => {
            const isHeld = begun.length > 0 && lab.state().phase !== 'armed';
            if (isHeld) await new Promise<void>((resolve) => (release = resolve));
            const config = { ok: true, value: new Uint8Array(64) } as const;
            return { at: rig.clock.now(), vfio: config, hardware: config };
          },
          inspect: async () => {
            begun.push('inspect');
            return { ok: true, value: { severity: 'unknown', errors: [] } };
          },
        }),
    });
    await lab.arm();
    begun.push('armed');
    await lab.hit();
    await lab.until('the snapshot', () => release !== null);
    const closing = lab.coordinator.close(rng);
    expect(lab.state().phase).toBe('failed');
    begun.length = 0;
    (release as (() => void) | null)?.();
    valueOf(await closing);
    expect(begun).toEqual([]);
    await lab.close();
  });
});

describe('a device that vanishes', () => {
  it('in the middle of a wait is let go at once', async () => {
    const lab = new Lab();
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    valueOf(await lab.rig.inject({ address: rng, injector: 'simulated', fault: { kind: 'unplug' } }));
    await lab.wait(seconds(100));
    expect(lab.state()).toMatchObject({ phase: 'deviceLost', eventfd: 'removed' });
    expect(lab.coordinator.session(rng)).toBeNull();
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('noOpenWait');
    expect(codeOf(await lab.coordinator.arm(rng, 'notify', policyOf()))).toBe('deviceLost');
    valueOf(await lab.rig.rescan());
    valueOf(await lab.rig.bind(rng, 'vfio-pci-notify'));
    await lab.arm({ decision: 'ackWhenQuiesced' });
    await lab.hit();
    await lab.phase('recovered');
    await lab.close();
  });

  it('says so at the ack, and is opened anew when it is armed again', async () => {
    const gone = { ok: false, error: { code: 'deviceLost', message: 'ENODEV' } } as const;
    const lab = new Lab({
      between: (rig) => withSession(rig, { acknowledge: () => Promise.resolve(gone) }),
    });
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('deviceLost');
    expect(lab.state()).toMatchObject({ phase: 'deviceLost', eventfd: 'removed' });
    const lost = lab.coordinator.session(rng);
    await lab.wait(seconds(100));
    await lab.arm();
    expect(lab.coordinator.session(rng)).not.toBe(lost);
    expect(lab.linesOf('operation').map(({ operation }) => operation)).toEqual(['open', 'close', 'open']);
    await lab.close();
  });

  it('while it is idle is disarmed and closed', async () => {
    const lab = new Lab();
    await lab.arm();
    valueOf(await lab.coordinator.inject(rng, { kind: 'unplug' }, 'simulated'));
    await lab.wait(seconds(1));
    expect(lab.coordinator.state(rng)).toBeNull();
    expect(lab.coordinator.session(rng)).toBeNull();
    expect(lab.linesOf('disarmed')).toMatchObject([{ because: 'the device vanished from the bus' }]);
    await lab.close();
  });
});

describe('commands at the same time', () => {
  it('arm a device once', async () => {
    const lab = new Lab();
    const answers = await Promise.all([1, 2, 3].map(() => lab.coordinator.arm(rng, 'notify', policyOf())));
    expect(answers.map(codeOf)).toEqual(['ok', 'alreadyArmed', 'alreadyArmed']);
    expect(lab.linesOf('armed')).toHaveLength(1);
    expect(lab.linesOf('operation').map(({ operation }) => operation)).toEqual(['open']);
    await lab.close();
  });

  it('are done in the order they were asked for', async () => {
    const lab = new Lab();
    const answers = await Promise.all([
      lab.coordinator.arm(rng, 'notify', policyOf()),
      lab.coordinator.disarm(rng),
      lab.coordinator.arm(rng, 'notify', policyOf({ decision: 'ackWhenQuiesced' })),
    ]);
    expect(answers.map(codeOf)).toEqual(['ok', 'ok', 'ok']);
    await lab.hit();
    await lab.phase('recovered');
    await lab.close();
  });
});

describe('a second coordinator on the same rig', () => {
  it('cannot arm what the first one holds, and answers none of its errors', async () => {
    const lab = new Lab();
    await lab.arm();
    const acks = lab.acks();
    const lines: JournalLine[] = [];
    const recorder = new Recorder(lab.rig.clock, null);
    recorder.watch((line) => lines.push(line));
    const second = new Coordinator(lab.rig, recorder);
    expect(codeOf(await second.arm(rng, 'notify', policyOf({ decision: 'ackWhenQuiesced' })))).toBe('busy');
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(1));
    expect(acks.count).toBe(0);
    expect(second.state(rng)).toBeNull();
    const notes = lines.flatMap((line) => (line.type === 'kernelLog' ? [line.text] : []));
    expect(notes).toContain('The eventfd of notify was signalled (1), and is not armed here.');
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    await lab.phase('recovered');
    second.dispose();
    await lab.close();
  });
});

describe('a disposed coordinator', () => {
  it('does nothing more', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    lab.coordinator.dispose();
    const { length } = lab.lines;
    await lab.rig.inject({ address: rng, injector: 'simulated', fault: fatal });
    await lab.wait(seconds(200));
    expect(acks.count).toBe(0);
    expect(lab.lines).toHaveLength(length);
    await lab.close();
  });
});

describe('the failure that a 6.1 kernel announces at the port only', () => {
  it('ends the recovery of a device below it', async () => {
    const port = '0000:00:04.0' as PciAddress;
    const lab = new Lab({ profile: 'notify-6.1' });
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    lab.rig.machine.emit({
      kind: 'uevent',
      at: lab.rig.clock.now(),
      address: port,
      uevent: 'successfulRecovery',
    });
    expect(lab.state().phase).toBe('awaitingAck');
    const elsewhere = '0000:00:05.0' as PciAddress;
    lab.rig.machine.emit({
      kind: 'uevent',
      at: lab.rig.clock.now(),
      address: elsewhere,
      uevent: 'failedRecovery',
    });
    expect(lab.state().phase).toBe('awaitingAck');
    lab.rig.machine.emit({
      kind: 'uevent',
      at: lab.rig.clock.now(),
      address: port,
      uevent: 'failedRecovery',
    });
    expect(lab.state()).toMatchObject({ phase: 'failed', reason: 'kernelFailed' });
    await lab.close();
  });
});
