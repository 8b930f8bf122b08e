import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { isConcluded } from '../../src-main/core/recovery/state.ts';
import { manyFunctions } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import type { BenchRow } from './row.ts';

const recoveries = 1_000_000;
const devices = 50;
const megabyte = 1_000_000;

const fault = { kind: 'aer', error: 'MALF_TLP', severity: null } as const;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Heap that is still reachable, in bytes. */
const heapUsed = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

/** Seconds of processor time that this process has used, garbage collection on other threads included. */
const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
};

/** A coordinator with every device armed, and a wave: one fatal error on each, and all of them back. */
const preparedBench = async () => {
  const rig = new SimulatedRig({
    profile: profiles['notify-7.2'],
    topology: manyFunctions(devices),
    pace: { kind: 'unbounded' },
    seed: 1,
    wallStart: 0,
  });
  const coordinator = new Coordinator(rig, new Recorder(rig.clock, null));
  const listed = await coordinator.devices();
  if (!listed.ok) throw new Error(listed.error.message);
  const addresses = listed.value.filter(({ kind }) => kind === 'endpoint').map(({ address }) => address);
  for (const address of addresses) {
    const policy = { ...defaultPolicy, decision: 'ackWhenQuiesced' } as const;
    const armed = await coordinator.arm(address, 'notify', policy);
    if (!armed.ok) throw new Error(armed.error.message);
  }
  const expectRecovered = (address: PciAddress, number: number): void => {
    const state = coordinator.state(address);
    if (state === null || !isConcluded(state) || state.phase !== 'recovered') {
      throw new Error(`${address} is ${state?.phase ?? 'not armed'} after fault ${number}.`);
    }
    if (state.recovery.number !== number) {
      throw new Error(`${address} had ${state.recovery.number} recoveries after ${number} faults.`);
    }
  };
  const wave = async (number: number): Promise<void> => {
    for (const address of addresses) {
      const receipt = await coordinator.inject(address, fault, 'simulated');
      if (!receipt.ok) throw new Error(receipt.error.message);
    }
    const { clock } = rig;
    await new Promise<void>((resolve) => clock.at(clock.now() + seconds(1), resolve));
    for (const address of addresses) expectRecovered(address, number);
  };
  const close = async (): Promise<void> => {
    coordinator.dispose();
    await rig.close();
  };
  return { wave, close };
};

/**
 * Whole simulated recoveries in virtual time, from the fault to `recovered`: simulated hardware and kernel, session and
 * coordinator, acked by the policy, with no journal and nobody watching. A second is one of processor time, so that the
 * number is that of one core, whatever else the machine does.
 */
export const recoveriesBench = async (total = recoveries): Promise<BenchRow[]> => {
  const { wave, close } = await preparedBench();
  const waves = Math.round(total / devices);
  const early = Math.round(waves / 10);
  let heapEarly = 0;
  let measuring = 0;
  const started = processorSeconds();
  for (let number = 1; number <= waves; number += 1) {
    await wave(number);
    if (number !== early) continue;
    const before = processorSeconds();
    heapEarly = heapUsed();
    measuring = processorSeconds() - before;
  }
  const rate = (waves * devices) / (processorSeconds() - started - measuring);
  const growth = (heapUsed() - heapEarly) / megabyte;
  await close();
  return [
    {
      name: `simulated recoveries (${devices} devices in flight)`,
      value: Math.round(rate),
      unit: 'recoveries/s of one core',
      target: 'at least 20,000',
      ok: rate >= 20_000,
    },
    {
      name: `heap growth from 10% to 100% of ${(waves * devices).toLocaleString('en')} recoveries`,
      value: Math.round(growth * 100) / 100,
      unit: 'MB',
      target: 'under 10',
      ok: growth < 10,
    },
  ];
};
