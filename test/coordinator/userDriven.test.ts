import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src-main/core/faults/fault.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import type { Protocol } from '../../src-main/core/recovery/phase.ts';
import { codeOf, decision, fatal, Lab, policyOf, valueOf, type LabOptions } from './lab.ts';

interface Case {
  readonly protocol: Protocol;
  readonly lab: LabOptions;
  readonly address: string;
  readonly fault: Fault;
  readonly reset: 'device' | 'peHot';
}

const cases: readonly Case[] = [
  {
    protocol: 'legacy',
    lab: { profile: 'stock-7.2' },
    address: '0000:01:00.0',
    fault: fatal,
    reset: 'device',
  },
  {
    protocol: 'mediated',
    lab: { profile: 'zpci-7.3', topology: 'zpci' },
    address: '1234:00:00.0',
    fault: { kind: 'zpciDma', where: 'unmapped' },
    reset: 'device',
  },
  {
    protocol: 'eeh',
    lab: { profile: 'eeh', topology: 'eehPe' },
    address: '0002:01:00.0',
    fault: { kind: 'eehFreeze' },
    reset: 'peHot',
  },
];

describe.each(cases)('a recovery that user space drives ($protocol)', (one) => {
  const address = one.address as PciAddress;

  const hit = async (decisionOf: 'askPerson' | 'ackWhenQuiesced' | 'neverAck'): Promise<Lab> => {
    const lab = new Lab(one.lab);
    valueOf(await lab.coordinator.arm(address, one.protocol, policyOf({ decision: decisionOf })));
    await lab.hit(one.fault, address);
    return lab;
  };
  const decisionDue = (lab: Lab): Promise<void> =>
    lab.until('a decision', () => {
      const state = lab.coordinator.state(address);
      return state?.phase === 'quiescing' && state.activity === 'decision';
    });

  it('is reset when a person says so, with an audit line', async () => {
    const lab = await hit('askPerson');
    await decisionDue(lab);
    expect(codeOf(await lab.coordinator.acknowledge(address, decision))).toBe('noOpenWait');
    expect(await lab.coordinator.reset(address, one.reset, decision)).toEqual({ ok: true, value: null });
    await lab.phase('recovered', address);
    expect(lab.linesOf('approval')).toMatchObject([
      { device: address, recovery: 1, action: 'reset', approval: { operator: 'Ada', by: 'person' } },
    ]);
    await lab.close();
  });

  it('is reset by the policy, with an audit line', async () => {
    const lab = await hit('ackWhenQuiesced');
    await lab.phase('recovered', address);
    expect(lab.linesOf('approval')).toMatchObject([
      { action: 'reset', approval: { operator: 'policy', by: 'policy' }, known: { quiesce: {} } },
    ]);
    await lab.close();
  });

  it('waits for the whole patience when the policy never decides', async () => {
    const lab = await hit('neverAck');
    await lab.phase('timedOut', address, 700_000_000);
    const { openedAt } = lab.recovery(address);
    expect(lab.rig.clock.now()).toBe(openedAt + policyOf().patience);
    expect(lab.linesOf('approval')).toEqual([]);
    await lab.close();
  });

  it('can be withdrawn from, and the device armed again', async () => {
    const lab = await hit('askPerson');
    await decisionDue(lab);
    expect(codeOf(await lab.coordinator.withdraw(address, decision))).toBe('ok');
    expect(lab.state(address)).toMatchObject({ phase: 'withdrawn', eventfd: 'removed' });
    valueOf(await lab.coordinator.arm(address, one.protocol, policyOf()));
    expect(lab.state(address).phase).toBe('armed');
    await lab.close();
  });
});
