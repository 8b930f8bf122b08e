import { describe, expect, it } from 'vitest';
import { protocols } from '../../src-main/core/recovery/phase.ts';
import { profileNames } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { firstProfile, names, play, scenarioOf } from './stage.ts';

const seeds = [1, 2, 0xdead_beef];

describe.each(names)('%s', (name) => {
  const scenario = scenarioOf(name);
  it.each(scenario.needs.profiles)('goes as it is written on %s, whatever the seed', async (profile) => {
    for (const seed of seeds) {
      const { passed, failedStep } = await play(scenario, profile, seed);
      expect({ seed, passed, failedStep }).toEqual({ seed, passed: true, failedStep: null });
    }
  });

  it('is the same line by line with the same seed', async () => {
    const profile = firstProfile(scenario);
    const once = await play(scenario, profile, 7);
    const again = await play(scenario, profile, 7);
    expect(again.lines).toEqual(once.lines);
  });
});

describe('the scenarios together', () => {
  const scenarios = names.map(scenarioOf);

  it('tell the stories of the four threads, and more than sixteen of them', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(16);
    expect(new Set(scenarios.map(({ seed }) => seed))).toEqual(new Set([1, 2, 3, 4]));
  });

  it('use every protocol and every kernel profile', () => {
    expect(new Set(scenarios.map(({ needs }) => needs.protocol))).toEqual(new Set(protocols));
    expect(new Set(scenarios.flatMap(({ needs }) => needs.profiles))).toEqual(new Set(profileNames));
  });

  it('have titles of their own', () => {
    expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
  });

  it('differ from seed to seed in their moments, and in nothing else', async () => {
    const scenario = scenarioOf('notify-fatal-acknowledged');
    const [one, other] = [await play(scenario, 'notify-7.2', 1), await play(scenario, 'notify-7.2', 2)];
    expect(other.trace).toEqual(one.trace);
    expect(other.lines.map(({ at }) => at)).not.toEqual(one.lines.map(({ at }) => at));
  });
});
