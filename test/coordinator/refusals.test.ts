import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src-main/core/faults/fault.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { aerRegister } from '../../src-main/core/pci/capability-registers.ts';
import type { Result } from '../../src-main/core/result.ts';
import { codeOf, decision, fatal, Lab, policyOf, rng, valueOf, type LabOptions } from './lab.ts';

interface Case {
  readonly title: string;
  readonly code: string;
  readonly rule?: string;
  readonly lab?: LabOptions;
  prepare?(lab: Lab): Promise<void>;
  wish(lab: Lab): Promise<Result<unknown>>;
}

const at = (address: string): PciAddress => address as PciAddress;

const inject = (lab: Lab, address: string, fault: Fault = fatal): Promise<Result<unknown>> =>
  lab.coordinator.inject(at(address), fault, 'simulated');

const intoWait = async (lab: Lab): Promise<void> => {
  await lab.arm();
  await lab.hit();
  await lab.phase('awaitingAck');
};

const preflight: readonly Case[] = [
  {
    title: 'a fault at a bridge',
    code: 'preflightRefused',
    rule: 'bridge',
    wish: (lab) => inject(lab, '0000:00:04.0'),
  },
  {
    title: 'a fault at a frozen device',
    code: 'preflightRefused',
    rule: 'frozen',
    prepare: async (lab) => {
      await lab.arm();
      lab.rig.machine.devices.get(rng)?.fn.setLink('frozen');
    },
    wish: (lab) => inject(lab, rng),
  },
  {
    title: 'a masked error',
    code: 'preflightRefused',
    rule: 'masked',
    prepare: async (lab) => {
      const fn = lab.rig.machine.devices.get(rng)?.fn;
      fn?.writeConfig(fn.aerCapability + aerRegister.uncorrectableMask, 4, 0xffff_ffff);
    },
    wish: (lab) => inject(lab, rng),
  },
  {
    title: 'a fault at the disk that the host runs from',
    code: 'preflightRefused',
    rule: 'hostRoot',
    lab: { topology: 'lab' },
    wish: async (lab) => {
      const root = [...lab.rig.machine.devices.values()].find(({ node }) => {
        const { driver } = node.description;
        return driver.kind === 'host' && driver.use === 'rootFilesystem';
      });
      return inject(lab, root?.address ?? 'none');
    },
  },
  {
    title: 'a fault beside a function that belongs to the host',
    code: 'preflightRefused',
    rule: 'siblingNotOwned',
    lab: { topology: 'multiFunction' },
    prepare: async (lab) => {
      valueOf(await lab.rig.bind(at('0000:01:00.1'), 'e1000e'));
    },
    wish: (lab) => inject(lab, '0000:01:00.0'),
  },
  {
    title: 'a fault during a wait',
    code: 'preflightRefused',
    rule: 'waitOpen',
    prepare: intoWait,
    wish: (lab) => inject(lab, rng),
  },
  { title: 'a fault at no device', code: 'unknownAddress', wish: (lab) => inject(lab, '0000:77:00.0') },
  {
    title: 'an error without a name',
    code: 'malformedInput',
    wish: (lab) => inject(lab, rng, { kind: 'aer', error: 'NONSENSE', severity: null }),
  },
];

const states: readonly Case[] = [
  {
    title: 'arming twice',
    code: 'alreadyArmed',
    prepare: (lab) => lab.arm(),
    wish: (lab) => lab.coordinator.arm(rng, 'notify', policyOf()),
  },
  {
    title: 'a protocol that is not offered',
    code: 'protocolUnavailable',
    prepare: async (lab) => void valueOf(await lab.coordinator.open(rng)),
    wish: (lab) => lab.coordinator.arm(rng, 'mediated', policyOf()),
  },
  {
    title: 'a policy without patience',
    code: 'malformedInput',
    wish: (lab) => lab.coordinator.arm(rng, 'notify', policyOf({ patience: 0 })),
  },
  { title: 'disarming what is not armed', code: 'notArmed', wish: (lab) => lab.coordinator.disarm(rng) },
  {
    title: 'disarming in a wait',
    code: 'recoveryOpen',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.disarm(rng),
  },
  { title: 'closing what is not open', code: 'sessionClosed', wish: (lab) => lab.coordinator.close(rng) },
  {
    title: 'an ack for a device that was never armed',
    code: 'notArmed',
    wish: (lab) => lab.coordinator.acknowledge(rng, decision),
  },
  {
    title: 'an ack without a wait',
    code: 'noOpenWait',
    prepare: (lab) => lab.arm(),
    wish: (lab) => lab.coordinator.acknowledge(rng, decision),
  },
  {
    title: 'an ack without an operator',
    code: 'malformedInput',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.acknowledge(rng, { operator: ' ', reason: 'lab demo' }),
  },
  {
    title: 'an ack without a reason',
    code: 'malformedInput',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.acknowledge(rng, { operator: 'Ada', reason: '\n' }),
  },
  {
    title: 'a withdrawal without a reason',
    code: 'malformedInput',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.withdraw(rng, { operator: 'Ada', reason: '' }),
  },
  {
    title: 'a withdrawal without a recovery',
    code: 'noOpenRecovery',
    prepare: (lab) => lab.arm(),
    wish: (lab) => lab.coordinator.withdraw(rng, decision),
  },
  {
    title: 'a reset without an operator',
    code: 'malformedInput',
    prepare: (lab) => lab.arm(),
    wish: (lab) => lab.coordinator.reset(rng, 'device', { operator: '', reason: 'lab demo' }),
  },
  {
    title: 'a reset in a wait',
    code: 'waitOpen',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.reset(rng, 'device', decision),
  },
  {
    title: 'bringing the device back in a wait',
    code: 'waitOpen',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.reinitialise(rng),
  },
  {
    title: 'a proof in a wait',
    code: 'recoveryOpen',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.prove(rng),
  },
  {
    title: 'a proof of a device that is not open',
    code: 'sessionClosed',
    wish: (lab) => lab.coordinator.prove(rng),
  },
  {
    title: 'another policy in a wait',
    code: 'recoveryOpen',
    prepare: intoWait,
    wish: (lab) => lab.coordinator.setPolicy(rng, policyOf({ decision: 'neverAck' })),
  },
  {
    title: 'another policy for a device that is not armed',
    code: 'notArmed',
    wish: (lab) => lab.coordinator.setPolicy(rng, policyOf()),
  },
  {
    title: 'a policy that contradicts itself',
    code: 'malformedInput',
    prepare: (lab) => lab.arm(),
    wish: (lab) =>
      lab.coordinator.setPolicy(rng, policyOf({ decision: 'neverAck', onTimeout: 'acknowledge' })),
  },
];

describe('a refusal', () => {
  it.each([...preflight, ...states])('of $title ($code) has one line and changes nothing', async (one) => {
    const lab = new Lab(one.lab);
    await one.prepare?.(lab);
    const states = new Map(lab.coordinator.states());
    const devices = () =>
      [...lab.rig.machine.devices.values()].map(({ address, fn, driver, vfio }) => ({
        address,
        config: fn.config.slice(),
        driver: driver?.name,
        open: vfio?.isOpen,
      }));
    const before = { devices: devices(), now: lab.rig.clock.now(), lines: lab.lines.length };
    const result = await one.wish(lab);
    expect(codeOf(result)).toBe(one.code);
    if (one.rule !== undefined) expect(result).toMatchObject({ error: { details: { rule: one.rule } } });
    expect(lab.rig.clock.now()).toBe(before.now);
    expect(lab.lines.slice(before.lines)).toMatchObject([
      {
        type: 'refusal',
        error: { code: one.code, message: expect.stringMatching(/^.{20,}[.?]$/s) as string },
      },
    ]);
    expect(devices()).toEqual(before.devices);
    expect(new Map(lab.coordinator.states())).toEqual(states);
    await lab.close();
  });
});
