import { afterAll, describe, expect, it } from 'vitest';
import { bootForScenario } from '../../src-main/commands/virtualRigs.ts';
import { openScenarioRig, type ScenarioRig } from '../../src-main/commands/scenarioRig.ts';
import { scenarioDirectory } from '../../src-main/commands/places.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles, type KernelProfile } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import { defaultKernel } from '../../src-main/rigs/virtual/virtualRigName.ts';
import { loadScenario, scenarioNames, type Scenario } from '../../src-main/scenarios/load.ts';
import type { Step } from '../../src-main/scenarios/schema.ts';
import { simulatedTricks } from '../../src-main/scenarios/tricks.ts';
import { playOn, type Playing } from './playing.ts';
import { differences } from './registers.ts';
import { valueOf } from './valueOf.ts';

/** The guests' kernel, as the profiles name it. */
const series = '6.1';

/** A guest lets no device go while it waits, and has no TPH; the moment of a slow reader passes on a busy machine. */
const isTrick = ({ needs }: Scenario, { kind, value }: Step): boolean =>
  kind === 'enableTph' ||
  kind === 'slowReader' ||
  (kind === 'inject' && value.kind === 'unplug' && needs.protocol === 'notify');

const guestTopologies = ['single', 'multiFunction', 'sharedSwitch'];

const playable = (scenario: Scenario): boolean => {
  const { needs, steps } = scenario;
  return (
    (needs.protocol === 'notify' || needs.protocol === 'legacy') &&
    guestTopologies.includes(needs.topology) &&
    !steps.some((step) => isTrick(scenario, step))
  );
};

/** On a busy host an injection below a switch that waits takes seconds, and the wait has to outlast it. */
const ackTimeoutOf = ({ needs }: Scenario): number => seconds(needs.topology === 'sharedSwitch' ? 6 : 4);

/** The model of the kernel that the guest runs, with the driver that the scenario asks for. */
const modelFor = ({ needs }: Scenario): KernelProfile => {
  if (needs.protocol === 'legacy') return profiles['stock-6.1'];
  const restores = needs.profiles.every((name) => profiles[name].notify === 'restoreOpenSnapshot');
  return { ...profiles['notify-6.1'], notify: restores ? 'restoreOpenSnapshot' : 'asPosted' };
};

/** Written for the guests' kernel, or for nothing that is different there. */
const isWrittenFor = ({ needs }: Scenario): boolean =>
  needs.profiles.some((name) => profiles[name].version === series);

/**
 * After these a device has no BARs any more, or the status of an error whose recovery failed; nobody mends that but a
 * reboot, so they are a guest's last.
 */
const leavesTraces = ({ steps }: Scenario): boolean =>
  steps.some(({ kind }) => kind === 'close' || kind === 'bind') &&
  steps.some(({ kind }) => kind === 'inject');

const scenarios = scenarioNames(scenarioDirectory())
  .map((name) => valueOf(loadScenario(scenarioDirectory(), name)))
  .filter(playable);

const wanted = { architecture: 'x86', kernel: defaultKernel, topology: null } as const;

/** Scenarios that one guest can play, one after the other. */
const groups = new Map<string, Scenario[]>();
for (const scenario of scenarios) {
  const boot = valueOf(bootForScenario(scenario, wanted, series, ackTimeoutOf(scenario)));
  const key = [boot.topology, boot.driver, ...Object.entries(boot.moduleParameters)].join(' ');
  const group = groups.get(key) ?? [];
  groups.set(key, leavesTraces(scenario) ? [...group, scenario] : [scenario, ...group]);
}

const playSimulated = (scenario: Scenario): Promise<Playing> => {
  const rig = new SimulatedRig({
    profile: modelFor(scenario),
    topology: topologies[scenario.needs.topology],
    pace: { kind: 'unbounded' },
    seed: 1,
    wallStart: 0,
    ackTimeout: ackTimeoutOf(scenario),
  });
  return playOn(scenario, rig, simulatedTricks(rig)).finally(() => rig.close());
};

it('plays most of the stories of the handshake and of index 3', () => {
  expect(scenarios.length).toBeGreaterThanOrEqual(22);
});

describe.each([...groups])('on a guest with %s', (_, group) => {
  let guest: ScenarioRig | null = null;
  afterAll(() => guest?.rig.close());
  /** The next scenario finds every device with the driver that it had. */
  let drivers: ReadonlyMap<PciAddress, string | null> | null = null;
  const tidyUp = async ({ rig }: ScenarioRig): Promise<void> => {
    const listed = valueOf(await rig.devices());
    drivers ??= new Map(listed.map(({ address, driver }) => [address, driver]));
    for (const { address, driver } of listed) {
      const wanted = drivers.get(address) ?? null;
      if (driver !== wanted) valueOf(await rig.bind(address, wanted));
    }
  };

  const guestFor = async (scenario: Scenario): Promise<ScenarioRig> => {
    guest ??= valueOf(
      await openScenarioRig(scenario, {
        rig: { kind: 'virtual', wanted },
        pace: { kind: 'paced', factor: 1 },
        seed: 0,
        wallStart: 0,
        ackTimeout: ackTimeoutOf(scenario),
        environment: process.env,
        onProgress: () => undefined,
        agree: null,
        kernelTrace: 'watched',
      }),
    );
    return guest;
  };

  it.each(group.map((scenario) => [scenario.name, scenario] as const))(
    '%s goes as on the model, register by register',
    async (_, scenario) => {
      const simulated = await playSimulated(scenario);
      const opened = await guestFor(scenario);
      await tidyUp(opened);
      const { rig, tricks } = opened;
      const real = await playOn(scenario, rig, tricks);
      expect(real.result).toEqual(simulated.result);
      if (isWrittenFor(scenario)) expect(real.result.passed).toBe(true);
      const namesOf = ({ readings }: Playing): readonly string[] => [...readings.keys()].sort();
      expect(namesOf(real)).toEqual(namesOf(simulated));
      const found = [...simulated.readings].flatMap(([name, bytes]) =>
        differences(name, bytes, real.readings.get(name) ?? new Uint8Array(0)),
      );
      expect(found).toEqual([]);
      expect([...real.hazards].sort()).toEqual([...simulated.hazards].sort());
    },
  );
});
