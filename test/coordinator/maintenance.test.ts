import { describe, expect, it } from 'vitest';
import { commandBit } from '../../src-main/core/pci/registers.ts';
import { withSession } from './between.ts';
import { codeOf, decision, Lab, rng, valueOf } from './lab.ts';

const operations = ['quiesce', 'reinitialise', 'prove'] as const;

describe('maintenance', () => {
  it('outside a recovery is done, and leaves a line with its report', async () => {
    const lab = new Lab();
    await lab.arm();
    const { coordinator } = lab;
    const fn = lab.rig.machine.devices.get(rng)?.fn;
    expect(valueOf(await coordinator.prove(rng))).toMatchObject({ verdict: 'proven' });
    expect(valueOf(await coordinator.quiesce(rng))).toMatchObject({ succeeded: true });
    expect((fn?.command ?? 0) & commandBit.busMaster).toBe(0);
    expect(valueOf(await coordinator.prove(rng))).toMatchObject({ verdict: 'failed' });
    const resets = fn?.resets ?? 0;
    expect(valueOf(await coordinator.reset(rng, 'device', decision))).toMatchObject({ kind: 'device' });
    expect(fn?.resets).toBe(resets + 1);
    expect(valueOf(await coordinator.reinitialise(rng))).toMatchObject({ succeeded: true });
    expect(valueOf(await coordinator.prove(rng))).toMatchObject({ verdict: 'proven' });
    expect(lab.linesOf('operation').map(({ operation, result }) => [operation, result])).toEqual(
      ['open', 'prove', 'quiesce', 'prove', 'reset', 'reinitialise', 'prove'].map((one) => [one, 'done']),
    );
    expect(lab.linesOf('operation')[4]?.detail).toMatchObject({
      kind: 'device',
      approval: { operator: 'Ada', reason: 'lab demo' },
      report: { kind: 'device', affected: [rng] },
    });
    expect(lab.state()).toMatchObject({ phase: 'armed', recoveries: 0 });
    await lab.close();
  });

  it('that the kernel refuses leaves its error', async () => {
    const lab = new Lab();
    valueOf(await lab.coordinator.open(rng));
    const answer = await lab.coordinator.reset(rng, 'peHot', decision);
    expect(codeOf(answer)).toBe('notSupported');
    expect(lab.linesOf('operation').at(-1)).toMatchObject({
      operation: 'reset',
      result: { code: 'notSupported' },
    });
    await lab.close();
  });

  it('works on a device that is open and not armed', async () => {
    const lab = new Lab();
    valueOf(await lab.coordinator.open(rng));
    for (const operation of operations) expect(codeOf(await lab.coordinator[operation](rng))).toBe('ok');
    await lab.close();
  });

  it('is refused inside a recovery', async () => {
    const lab = new Lab();
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    expect(lab.state().phase).toBe('resetting');
    const answers = [
      await lab.coordinator.quiesce(rng),
      await lab.coordinator.reset(rng, 'device', decision),
      await lab.coordinator.reinitialise(rng),
      await lab.coordinator.prove(rng),
    ];
    expect(answers.map(codeOf)).toEqual(['stepUnderWay', 'recoveryOpen', 'stepUnderWay', 'recoveryOpen']);
    expect(lab.linesOf('refusal')).toHaveLength(4);
    expect(lab.linesOf('operation').map(({ operation }) => operation)).toEqual(['open']);
    await lab.phase('recovered');
    await lab.close();
  });

  it('quiesces again in a wait, and the ack waits for that', async () => {
    const lab = new Lab();
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    const [quiesced, acknowledged] = await Promise.all([
      lab.coordinator.quiesce(rng),
      lab.coordinator.acknowledge(rng, decision),
    ]);
    expect(valueOf(quiesced)).toMatchObject({ succeeded: true });
    expect(codeOf(acknowledged)).toBe('stepUnderWay');
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('ok');
    await lab.phase('recovered');
    await lab.close();
  });

  it('brings the device back when the policy leaves that to a person', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'ackWhenQuiesced', afterReset: 'wait' });
    await lab.hit();
    await lab.phase('slotReset');
    await lab.wait(5_000_000);
    expect(lab.state().phase).toBe('slotReset');
    expect(codeOf(await lab.coordinator.reinitialise(rng))).toBe('ok');
    await lab.phase('recovered');
    await lab.close();
  });

  it('never runs beside an effect of a recovery that begins meanwhile', async () => {
    let busy = 0;
    let most = 0;
    const lab = new Lab({
      between: (rig) => {
        const alone = async <Value>(value: Value): Promise<Value> => {
          busy += 1;
          most = Math.max(most, busy);
          await new Promise<void>((resolve) => rig.clock.at(rig.clock.now() + 50_000, resolve));
          busy -= 1;
          return value;
        };
        return withSession(rig, {
          quiesce: () => alone({ succeeded: true, actions: [] }),
          prove: () => alone({ verdict: 'notProven', checks: [] }),
        });
      },
    });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const proving = lab.coordinator.prove(rng);
    await lab.hit();
    await lab.phase('recovered');
    expect(codeOf(await proving)).toBe('ok');
    expect(most).toBe(1);
    await lab.close();
  });
});
