import { describe, expect, it } from 'vitest';
import { loadScenario, scenarioNames } from '../../src-main/scenarios/load.ts';
import { meaningOf } from '../../src-renderer/views/scenarios/stepMeaning.ts';
import { threads } from '../../src-renderer/views/scenarios/threads.ts';

const directory = 'resources/scenarios';

describe('what the console says of a step', () => {
  it('is said of every step of every scenario that is shipped', () => {
    let steps = 0;
    for (const name of scenarioNames(directory)) {
      const scenario = loadScenario(directory, name);
      if (!scenario.ok) throw new Error(scenario.error.message);
      const { lines, needs, seed } = scenario.value;
      expect(threads[seed]?.topic).toBeDefined();
      for (const text of lines) {
        const { does } = meaningOf(text, needs.protocol);
        expect(does, `${name}: ${text}`).toMatch(/^[A-Z][^{}]*[.”]$/);
        expect(does, `${name}: ${text}`).not.toMatch(
          /undefined|as it is written|as expected\.|Causes a fault/,
        );
        steps += 1;
      }
    }
    expect(steps).toBeGreaterThan(200);
  });
});
