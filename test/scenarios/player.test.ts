import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles, type ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import { parseScenario, type Scenario } from '../../src-main/scenarios/load.ts';
import { checkOffer } from '../../src-main/scenarios/offer.ts';
import { ScenarioPlayer } from '../../src-main/scenarios/player.ts';
import { simulatedTricks } from '../../src-main/scenarios/tricks.ts';
import { play, rewritten, scenarioOf, type WrittenStep } from './stage.ts';

const rigFor = (scenario: Scenario, profile: ProfileName): SimulatedRig =>
  new SimulatedRig({
    profile: profiles[profile],
    topology: topologies[scenario.needs.topology],
    pace: { kind: 'unbounded' },
    seed: 1,
    wallStart: 0,
  });

const scenarioWith = (steps: readonly WrittenStep[], profile: ProfileName = 'notify-7.2'): Scenario => {
  const text = stringify({
    ...(parse(rewritten('notify-withdrawn', steps)) as object),
    needs: { protocol: 'notify', profiles: [profile], topology: 'multiFunction' },
  });
  const scenario = parseScenario('story', text);
  if (!scenario.ok) throw new Error(scenario.error.message);
  return scenario.value;
};

describe('the player', () => {
  it('plays a step at a time, and tells after each one how it went', async () => {
    const scenario = scenarioOf('notify-fatal-acknowledged');
    const rig = rigFor(scenario, 'notify-7.2');
    const player = new ScenarioPlayer(scenario, rig, new Recorder(rig.clock, null), simulatedTricks(rig));
    for (const [index, text] of scenario.lines.entries()) {
      expect(player.ended).toBe(false);
      expect(player.result().passed).toBe(false);
      expect(await player.step()).toMatchObject({ number: index + 1, text, result: 'passed' });
    }
    expect(player.ended).toBe(true);
    expect(player.result()).toMatchObject({ passed: true, outcome: 'recovered', failedStep: null });
    await expect(player.step()).rejects.toThrow(RangeError);
    player.dispose();
    await rig.close();
  });

  it('stops at the first step that fails', async () => {
    const scenario = scenarioWith(['prove', { arm: { protocol: 'notify' } }]);
    const { passed, failedStep, lines } = await play(scenario, 'notify-7.2');
    expect(passed).toBe(false);
    expect(failedStep).toMatchObject({ number: 1, text: 'prove', error: { code: 'sessionClosed' } });
    expect(lines.filter(({ type }) => type === 'armed')).toEqual([]);
  });

  it('gives up on what blocks for good: an unbind waits until the device is closed', async () => {
    const scenario = scenarioWith([{ arm: { protocol: 'notify' } }, { bind: { driver: null } }]);
    const { failedStep, lines } = await play(scenario, 'notify-7.2');
    expect(failedStep).toMatchObject({
      number: 2,
      detail:
        '"bind" has no answer after 300 s on the rig\'s clock. The kernel may be waiting for the device to be closed.',
      error: { code: 'busy' },
    });
    expect(lines.at(-1)?.at).toBeGreaterThanOrEqual(300_000_000);
  });

  it('looks for what came since: the same phase twice means twice', async () => {
    const once = [
      { arm: { protocol: 'notify', policy: 'ackWhenQuiesced', afterReset: 'reinitialise' } },
      { inject: { error: 'COMP_TIME' } },
    ];
    const expected = { expect: { outcome: 'recovered', within: '2s' } };
    expect((await play(scenarioWith([...once, expected]), 'notify-7.2')).passed).toBe(true);
    expect((await play(scenarioWith([...once, expected, expected]), 'notify-7.2')).failedStep?.number).toBe(
      4,
    );
    const again = [...once, expected, { inject: { error: 'COMP_TIME' } }, expected];
    expect((await play(scenarioWith(again), 'notify-7.2')).passed).toBe(true);
  });

  it('a proof counts until something is done to the device', async () => {
    const arm = { arm: { protocol: 'notify' } };
    const proven = { expect: { proof: 'proven' } };
    expect((await play(scenarioWith([arm, 'prove', proven]), 'notify-7.2')).passed).toBe(true);
    for (const change of [
      { reset: { reason: 'again' } },
      'reinitialise',
      { inject: { loopback: true } },
      'close',
    ]) {
      const { failedStep } = await play(scenarioWith([arm, 'prove', change, proven]), 'notify-7.2');
      expect(failedStep?.detail).toContain('nothing was proven since the device was last changed');
    }
  });
});

describe('what a rig offers a scenario', () => {
  const check = async (steps: readonly WrittenStep[], profile: ProfileName) => {
    const scenario = scenarioWith(steps);
    const rig = rigFor(scenario, profile);
    const result = await checkOffer(scenario, rig);
    await rig.close();
    return result.ok ? 'offered' : result.error;
  };
  const arm = { arm: { protocol: 'notify' } };

  it('is enough when every device is there and offers the protocol', async () => {
    expect(await check([arm], 'notify-7.2')).toBe('offered');
  });

  it('is not enough without the protocol', async () => {
    expect(await check([arm], 'stock-7.2')).toMatchObject({ code: 'protocolUnavailable' });
  });

  it('is not enough without a device, and the step is named', async () => {
    const steps = [arm, { expect: { phase: 'armed', device: '0000:77:00.0' } }];
    expect(await check(steps, 'notify-7.2')).toMatchObject({
      code: 'unknownAddress',
      message: expect.stringMatching(/has no device 0000:77:00\.0, which step 2 \(.*\) is aimed at\.$/),
    });
  });

  it('is left to the scenario where it binds another driver first, or expects the refusal', async () => {
    expect(await check([{ bind: { driver: 'vfio-pci' } }, arm], 'stock-7.2')).toBe('offered');
    const refused = { arm: { protocol: 'notify', refused: 'protocolUnavailable' } };
    expect(await check([refused], 'stock-7.2')).toBe('offered');
  });
});
