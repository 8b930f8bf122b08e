import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceSession } from '../../src-main/rigs/rig.ts';
import { withSession } from './between.ts';
import { codeOf, decision, Lab, policyOf, rng, valueOf } from './lab.ts';

const broken = (): Promise<never> => Promise.reject(new Error('the connection is torn'));
const throwing = (): never => {
  throw new Error('the connection is torn');
};

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

const recoveries: readonly {
  readonly title: string;
  readonly change: Partial<DeviceSession>;
  readonly ends: 'recovered' | 'failed' | 'timedOut' | 'awaitingAck';
}[] = [
  { title: 'looking', change: { inspect: broken }, ends: 'recovered' },
  { title: 'keeping a snapshot', change: { readBothViews: broken }, ends: 'recovered' },
  { title: 'handing down', change: { handDown: broken }, ends: 'recovered' },
  { title: 'quiescing', change: { handDown: broken, quiesce: broken }, ends: 'timedOut' },
  { title: 'acknowledging', change: { handDown: throwing, acknowledge: broken }, ends: 'timedOut' },
  { title: 'acknowledging, at once', change: { handDown: broken, acknowledge: throwing }, ends: 'timedOut' },
  { title: 'bringing the device back', change: { reinitialise: broken }, ends: 'failed' },
  { title: 'proving', change: { prove: throwing }, ends: 'failed' },
];

describe('a session that throws', () => {
  it.each(recoveries)('while $title ends the recovery as $ends', async ({ change, ends }) => {
    const lab = new Lab({ between: (rig) => withSession(rig, change) });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    await lab.hit();
    await lab.phase(ends);
    await lab.wait(200_000_000);
    expect(lab.state().phase).toBe(ends);
    expect(unhandled).toEqual([]);
    await lab.close();
  });

  it('at the ack answers with what it said', async () => {
    const lab = new Lab({ between: (rig) => withSession(rig, { acknowledge: broken }) });
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    const answer = await lab.coordinator.acknowledge(rng, decision);
    expect(answer).toMatchObject({
      error: { code: 'kernelRefused', message: expect.stringContaining('the connection is torn') as string },
    });
    expect(lab.state()).toMatchObject({ phase: 'awaitingAck', exchange: { kind: 'refused' } });
    await lab.close();
  });

  it('outside a recovery answers with an error and a line', async () => {
    const change = { prove: broken, reset: throwing, disarm: broken, close: broken };
    const lab = new Lab({ between: (rig) => withSession(rig, change) });
    await lab.arm();
    const { coordinator } = lab;
    const before = lab.lines.length;
    expect(codeOf(await coordinator.prove(rng))).toBe('kernelRefused');
    expect(codeOf(await coordinator.reset(rng, 'device', decision))).toBe('kernelRefused');
    expect(codeOf(await coordinator.disarm(rng))).toBe('kernelRefused');
    expect(lab.state().phase).toBe('armed');
    expect(codeOf(await coordinator.close(rng))).toBe('kernelRefused');
    expect(lab.lines.slice(before).map(({ type }) => type)).toEqual([
      'operation',
      'operation',
      'refusal',
      'disarmed',
      'operation',
    ]);
    await lab.close();
  });

  it('at arming leaves the device disarmed', async () => {
    const lab = new Lab({ between: (rig) => withSession(rig, { arm: broken }) });
    expect(codeOf(await lab.coordinator.arm(rng, 'notify', policyOf()))).toBe('kernelRefused');
    expect(lab.coordinator.state(rng)).toBeNull();
    expect(lab.linesOf('disarmed')).toHaveLength(1);
    await lab.close();
  });
});

describe('a watcher that throws', () => {
  it('is told no more, and the recovery goes on', async () => {
    const lab = new Lab();
    let told = 0;
    lab.recorder.watch(() => {
      told += 1;
      throw new Error('the window is gone');
    });
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    await lab.phase('recovered');
    expect(told).toBe(1);
    const notes = lab.linesOf('kernelLog').map(({ text }) => text);
    expect(notes).toContainEqual(expect.stringMatching(/watcher .* broke off .*the window is gone/));
    await lab.close();
  });
});
