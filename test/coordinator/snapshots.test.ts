import { describe, expect, it } from 'vitest';
import type { LineOf } from '../../src-main/core/journal/line.ts';
import { wordAt } from '../../src-main/core/pci/bytes.ts';
import { commandBit, configOffset } from '../../src-main/core/pci/registers.ts';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import { decodeSnapshot } from '../../src-main/journal/snapshot.ts';
import type { ConfigReading, DeviceSession, Rig } from '../../src-main/rigs/rig.ts';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import { notHandedDown, withSession } from './between.ts';
import { fatal, Lab, policyOf, rng, valueOf } from './lab.ts';

const steps = ['COMMAND', 'DEVICE_RESET', 'COMMAND again', 'DevCtl', 'MSI-X', 'engine'].map(
  (step) => `afterStep: ${step}`,
);

const ofRecovery = (lab: Lab): LineOf<'snapshot'>[] =>
  lab.linesOf('snapshot').filter(({ recovery }) => recovery === 1);

const never = (): Promise<ConfigReading> => new Promise(() => undefined);

describe('the config space of a recovery', () => {
  it('is kept after each step of reinitialising, in both views, before the report of it', async () => {
    const lab = new Lab({ between: (rig) => withSession(rig, notHandedDown) });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    await lab.hit();
    await lab.until('the end', () => ofRecovery(lab).some(({ moment }) => moment === 'end'));
    const hardware = ofRecovery(lab).filter(({ view }) => view === 'hardware');
    expect(hardware.map(({ moment }) => moment)).toEqual(['duringWait', 'afterReset', ...steps, 'end']);
    expect(ofRecovery(lab)).toHaveLength(2 * hardware.length);
    const commandAt = (moment: string): number => {
      const line = hardware.find((one) => one.moment === moment);
      return wordAt(valueOf(decodeSnapshot(line?.bytes ?? '')), configOffset.command);
    };
    expect(commandAt('afterReset') & commandBit.memorySpace).toBe(0);
    expect(commandAt('afterStep: COMMAND') & commandBit.memorySpace).not.toBe(0);
    const report = lab.linesOf('step').find(({ event }) => event.kind === 'reinitialiseFinished');
    expect(hardware.at(-2)?.seq).toBeLessThan(report?.seq ?? 0);
    for (const { taken, at } of ofRecovery(lab)) expect(taken).toBeLessThanOrEqual(at);
    await lab.close();
  });

  it('is not read between the steps when nobody keeps it', async () => {
    const lab = new Lab();
    const asked: boolean[] = [];
    const rig: Rig = {
      ...withSession(lab.rig, notHandedDown),
      open: async (address) => {
        const opened = valueOf(await lab.rig.open(address));
        const reinitialise: DeviceSession['reinitialise'] = (reader) => {
          asked.push(reader !== undefined);
          return opened.reinitialise(reader);
        };
        return { ok: true, value: { ...opened, ...notHandedDown, reinitialise } };
      },
    };
    const silent = new Coordinator(rig, new Recorder(rig.clock, null));
    valueOf(await silent.arm(rng, 'notify', policyOf({ decision: 'ackWhenQuiesced' })));
    valueOf(await silent.inject(rng, fatal, 'simulated'));
    await lab.wait(seconds(5));
    expect(silent.state(rng)?.phase).toBe('recovered');
    expect(asked).toEqual([false]);
    silent.dispose();
    await lab.close();
  });
});

describe('a config space that is not given', () => {
  it('holds a fault up for ten seconds, and is said to be missing', async () => {
    const lab = new Lab();
    await lab.arm();
    const session = lab.coordinator.session(rng) ?? expect.fail('not open');
    session.readBothViews = never;
    const asked = lab.rig.clock.now();
    await lab.hit();
    expect(lab.rig.clock.now() - asked).toBe(seconds(10));
    expect(lab.linesOf('fault').map(({ receipt }) => receipt !== null)).toEqual([false, true]);
    expect(lab.linesOf('unreadable')).toMatchObject([
      { moment: 'beforeFault', view: 'vfio', error: { code: 'callTimedOut' } },
      { moment: 'beforeFault', view: 'hardware', error: { code: 'callTimedOut' } },
    ]);
    await lab.close();
  });

  it('costs a recovery no ack', async () => {
    const lab = new Lab({ between: (rig) => withSession(rig, { ...notHandedDown, readBothViews: never }) });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    await lab.hit();
    await lab.phase('recovered');
    expect(lab.recovery().approval?.by).toBe('policy');
    await lab.close();
  });
});
