import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src-main/core/faults/fault.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { seconds, type Protocol } from '../../src-main/core/recovery/phase.ts';
import { decisions, timeoutActions, type Policy } from '../../src-main/core/recovery/policy.ts';
import { isOpen } from '../../src-main/core/recovery/state.ts';
import { createReplay } from '../../src-main/journal/replay.ts';
import { createScanner } from '../../src-main/journal/scanner.ts';
import type { TopologyName } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import type { ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { journalInMemory } from './journals.ts';
import { decision, Lab } from './lab.ts';

interface Bench {
  readonly protocol: Protocol;
  readonly profiles: readonly ProfileName[];
  readonly topology: TopologyName;
  readonly devices: readonly string[];
  readonly faults: readonly Fault[];
}

const aer = (error: string): Fault => ({ kind: 'aer', error, severity: null });
const aerFaults = [aer('MALF_TLP'), aer('DLP'), aer('COMP_TIME'), aer('POISON_TLP'), aer('RCVR')];
const twoFunctions = ['0000:01:00.0', '0000:01:00.1', '0000:02:00.0'];

const benches: readonly Bench[] = [
  {
    protocol: 'notify',
    profiles: ['notify-6.1', 'notify-7.2', 'notify-7.2-restore'],
    topology: 'multiFunction',
    devices: twoFunctions,
    faults: aerFaults,
  },
  {
    protocol: 'legacy',
    profiles: ['stock-6.1', 'stock-7.2', 'notify-7.2'],
    topology: 'multiFunction',
    devices: twoFunctions,
    faults: aerFaults,
  },
  {
    protocol: 'mediated',
    profiles: ['zpci-7.3'],
    topology: 'zpci',
    devices: ['1234:00:00.0', '1235:00:00.0'],
    faults: [
      { kind: 'zpciDma', where: 'unmapped' },
      { kind: 'zpciDma', where: 'belowAperture' },
    ],
  },
  {
    protocol: 'eeh',
    profiles: ['eeh'],
    topology: 'eehPe',
    devices: ['0001:01:00.0', '0001:01:00.1', '0002:01:00.0'],
    faults: [{ kind: 'eehFreeze' }],
  },
];

const policies: fc.Arbitrary<Policy> = fc
  .record({
    decision: fc.constantFrom(...decisions),
    onTimeout: fc.constantFrom(...timeoutActions),
    afterReset: fc.constantFrom('reinitialise', 'wait'),
    patience: fc.constantFrom(seconds(5), seconds(90)),
  })
  .filter(({ decision: one, onTimeout }) => one !== 'neverAck' || onTimeout !== 'acknowledge');

const wishes = [
  'acknowledge',
  'acknowledge',
  'withdraw',
  'quiesce',
  'reset',
  'hotReset',
  'peReset',
  'reinitialise',
  'prove',
  'close',
  'arm',
  'disarm',
  'setPolicy',
  'loopback',
  'inject',
  'inject',
  'inject',
] as const;

const actions = fc.record({
  device: fc.nat(2),
  wish: fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...wishes) },
    { weight: 1, arbitrary: fc.constant('unplug' as const) },
  ),
  fault: fc.nat(4),
  policy: policies,
  /** Microseconds until the next action; 0 lets both begin in the same instant. */
  then: fc.oneof(fc.constantFrom(0, 0, 3, 1_000, 59_400_000), fc.nat(300_000), fc.nat(70_000_000)),
});
type Action = typeof actions extends fc.Arbitrary<infer One> ? One : never;

const act = (lab: Lab, bench: Bench, action: Action): Promise<unknown> => {
  const { coordinator } = lab;
  const address = bench.devices[action.device % bench.devices.length] as PciAddress;
  switch (action.wish) {
    case 'acknowledge':
      return coordinator.acknowledge(address, decision);
    case 'withdraw':
      return coordinator.withdraw(address, decision);
    case 'quiesce':
      return coordinator.quiesce(address);
    case 'reset':
      return coordinator.reset(address, 'device', decision);
    case 'hotReset':
      return coordinator.reset(address, 'hot', decision);
    case 'peReset':
      return coordinator.reset(address, 'peHot', decision);
    case 'reinitialise':
      return coordinator.reinitialise(address);
    case 'prove':
      return coordinator.prove(address);
    case 'close':
      return coordinator.close(address);
    case 'arm':
      return coordinator.arm(address, bench.protocol, action.policy);
    case 'disarm':
      return coordinator.disarm(address);
    case 'setPolicy':
      return coordinator.setPolicy(address, action.policy);
    case 'loopback':
      return coordinator.inject(address, { kind: 'loopback' }, 'loopback');
    case 'unplug':
      return coordinator.inject(address, { kind: 'unplug' }, 'simulated');
    case 'inject': {
      const fault = bench.faults[action.fault % bench.faults.length] as Fault;
      return coordinator.inject(address, fault, 'simulated');
    }
  }
};

const runs = fc.record({
  seed: fc.nat(0xffff),
  profile: fc.nat(2),
  policies: fc.array(policies, { minLength: 3, maxLength: 3 }),
  actions: fc.array(actions, { minLength: 5, maxLength: 30 }),
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe.each(benches)('the journal of random $protocol recoveries', (bench) => {
  it(
    'replays to the same states, step by step, and no recovery stays open',
    { timeout: 120_000 },
    async () => {
      const seen = new Set<string>();
      await fc.assert(
        fc.asyncProperty(runs, async (run) => {
          const { journal, bytes } = journalInMemory();
          const profile = bench.profiles[run.profile % bench.profiles.length] as ProfileName;
          const lab = new Lab({ profile, topology: bench.topology, seed: run.seed, journal });
          for (const [index, address] of bench.devices.entries()) {
            const policy = run.policies[index] as Policy;
            await lab.coordinator.arm(address as PciAddress, bench.protocol, policy);
          }
          const acks = bench.devices.map((address) => lab.acksSent(address as PciAddress));
          const asked: Promise<unknown>[] = [];
          for (const action of run.actions) {
            asked.push(act(lab, bench, action));
            if (action.then > 0) await lab.wait(action.then);
          }
          await lab.wait(seconds(2_000));
          await Promise.all(asked);

          const replay = createReplay();
          const findings: unknown[] = [];
          const scanner = createScanner({
            line: (line) => replay.take(line),
            finding: (finding) => findings.push(finding),
          });
          scanner.push(Buffer.from(bytes()));
          scanner.end();
          expect(findings).toEqual([]);
          expect(replay.divergences()).toEqual([]);
          for (const [address, state] of lab.coordinator.states()) {
            seen.add(state.phase);
            expect(isOpen(state), `${address} is still ${state.phase}`).toBe(false);
            expect(plain(replay.device(address)?.state)).toEqual(plain(state));
          }
          for (const line of lab.lines) if (line.type === 'step') seen.add(line.phase);
          for (const [index, address] of bench.devices.entries()) {
            const approved = lab
              .linesOf('approval', address as PciAddress)
              .filter(({ action }) => action === 'acknowledge');
            expect(acks[index]?.count).toBe(approved.length);
          }
          await lab.close();
        }),
        { numRuns: 150 },
      );
      // The runs are worth something only when they reach the interesting places.
      const everywhere = [
        'quiescing',
        'resetting',
        'reinitialising',
        'recovered',
        'timedOut',
        'withdrawn',
        'failed',
      ];
      expect([...seen]).toEqual(expect.arrayContaining(everywhere));
    },
  );
});
