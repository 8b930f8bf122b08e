import { describe, expect, it } from 'vitest';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import type { Policy } from '../../src-main/core/recovery/policy.ts';
import { manyFunctions } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { codeOf, decision, Lab, valueOf } from './lab.ts';

const endpointsOf = async (lab: Lab): Promise<PciAddress[]> =>
  valueOf(await lab.coordinator.devices())
    .filter(({ kind }) => kind === 'endpoint')
    .map(({ address }) => address);

describe('two devices in their waits', () => {
  it('are acked one by one, each with its own outcome', async () => {
    const lab = new Lab({ topology: manyFunctions(2) });
    const [one, other] = (await endpointsOf(lab)) as [PciAddress, PciAddress];
    for (const address of [one, other]) await lab.arm({}, address);
    const acks = { one: lab.acks(one), other: lab.acks(other) };
    for (const address of [one, other]) await lab.hit(undefined, address);
    for (const address of [one, other]) await lab.phase('awaitingAck', address);
    expect(codeOf(await lab.coordinator.acknowledge(other, decision))).toBe('ok');
    await lab.phase('recovered', other);
    expect(lab.state(one).phase).toBe('awaitingAck');
    expect([acks.one.count, acks.other.count]).toEqual([0, 1]);
    await lab.phase('timedOut', one);
    expect(lab.state(other).phase).toBe('recovered');
    expect([acks.one.count, acks.other.count]).toEqual([0, 1]);
    await lab.close();
  });

  it('of one slot are notified one after the other, and the second one waits for its own ack', async () => {
    const lab = new Lab({ topology: 'multiFunction' });
    const first = '0000:01:00.0' as PciAddress;
    const second = '0000:01:00.1' as PciAddress;
    for (const address of [first, second]) await lab.arm({}, address);
    await lab.hit(undefined, first);
    await lab.phase('awaitingAck', first);
    await lab.wait(seconds(5));
    expect(lab.state(second).phase).toBe('armed');
    valueOf(await lab.coordinator.acknowledge(first, decision));
    await lab.phase('awaitingAck', second);
    expect(lab.state(first).phase).toBe('resetting');
    valueOf(await lab.coordinator.acknowledge(second, decision));
    await lab.phase('recovered', first);
    await lab.phase('recovered', second);
    const known = lab.linesOf('approval').map((line) => line.known['sharers']);
    expect(known).toEqual([[second], [first]]);
    await lab.close();
  });
});

describe('50 devices at once', () => {
  const plans = [
    { policy: { decision: 'ackWhenQuiesced' }, outcome: 'recovered' },
    { policy: { decision: 'neverAck' }, outcome: 'timedOut' },
    { policy: { onTimeout: 'withdraw' }, outcome: 'withdrawn' },
    { policy: { onTimeout: 'acknowledge' }, outcome: 'recovered' },
    { policy: {}, outcome: 'recovered', act: 'acknowledge' },
    { policy: {}, outcome: 'failed', act: 'close' },
    { policy: {}, outcome: 'deviceLost', act: 'unplug' },
  ] as const satisfies readonly { policy: Partial<Policy>; outcome: string; act?: string }[];

  it('come to their different outcomes', { timeout: 60_000 }, async () => {
    const lab = new Lab({ topology: manyFunctions(50) });
    const addresses = await endpointsOf(lab);
    expect(addresses).toHaveLength(50);
    const planned = addresses.map((address, index) => {
      const plan = plans[index % plans.length] as (typeof plans)[number];
      return { address, ...plan, act: 'act' in plan ? plan.act : null };
    });
    for (const { address, policy } of planned) await lab.arm(policy, address);
    for (const { address } of planned) await lab.hit(undefined, address);
    for (const { address, act } of planned) {
      if (act === null) continue;
      await lab.phase('awaitingAck', address);
      if (act === 'acknowledge') valueOf(await lab.coordinator.acknowledge(address, decision));
      if (act === 'close') valueOf(await lab.coordinator.close(address));
      // No injector may harm a device whose wait is open; it is pulled by hand.
      if (act === 'unplug') {
        valueOf(await lab.rig.inject({ address, injector: 'simulated', fault: { kind: 'unplug' } }));
      }
    }
    await lab.wait(seconds(300));
    expect(
      Object.fromEntries([...lab.coordinator.states()].map(([address, { phase }]) => [address, phase])),
    ).toEqual(Object.fromEntries(planned.map(({ address, outcome }) => [address, outcome])));
    for (const { address } of planned) expect(lab.recovery(address).number).toBe(1);
    await lab.close();
  });
});
