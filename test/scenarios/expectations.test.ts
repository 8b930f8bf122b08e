import { describe, expect, it } from 'vitest';
import { outcomes, phases } from '../../src-main/core/recovery/phase.ts';
import { refusalOf } from '../../src-main/scenarios/aim.ts';
import { firstProfile, names, play, scenarioOf, withSteps, writtenSteps, type WrittenStep } from './stage.ts';

type Members = Readonly<Record<string, unknown>>;

/** Trigger the eventfd behind the bench's back; where nothing listens any more, arm first. */
const disturbance: Readonly<Record<string, readonly WrittenStep[]>> = {
  'notify-fatal-timed-out': ['strayTrigger'],
  'notify-withdrawn': [{ arm: { protocol: 'notify' } }, 'strayTrigger'],
  'multi-function-serial': [{ strayTrigger: { device: '0000:01:00.1' } }],
  'restore-reporting-off': ['strayTrigger'],
  'shared-switch-blocked': [{ strayTrigger: { device: '0000:04:00.0' } }],
};

const never = <Value extends string>(all: readonly Value[], seen: readonly string[]): Value => {
  const value = all.find((one) => !seen.includes(one));
  if (value === undefined) throw new Error('Everything was seen.');
  return value;
};

/** The same expectation with a value that is not so. `seen` is what the scenario shows as it is written. */
const wrong = (
  expected: Members,
  seen: { readonly trace: readonly string[]; readonly uevents: readonly string[] },
): Members => {
  if ('register' in expected) {
    const { value } = expected;
    if (typeof value === 'number') return { ...expected, value: value ^ 1 };
    return { ...expected, value: value === 'asArmed' ? 'notAsArmed' : 'asArmed' };
  }
  if ('phase' in expected) return { ...expected, phase: never(phases, seen.trace) };
  if ('outcome' in expected) return { ...expected, outcome: never(outcomes, seen.trace) };
  if ('reason' in expected) return { ...expected, reason: 'withdrawRefused' };
  if ('uevent' in expected) {
    return {
      ...expected,
      uevent: never(['failedRecovery', 'successfulRecovery', 'beginRecovery'], seen.uevents),
    };
  }
  if ('kernelLog' in expected) return { ...expected, kernelLog: 'not in any kernel' };
  if ('proof' in expected)
    return { ...expected, proof: expected['proof'] === 'proven' ? 'failed' : 'proven' };
  if ('hazard' in expected) {
    const other: Readonly<Record<string, string>> = {
      present: 'passed',
      passed: 'absent',
      absent: 'present',
    };
    return { ...expected, state: other[String(expected['state'] ?? 'present')] };
  }
  if ('mapped' in expected) return { ...expected, value: (expected['value'] as number) ^ 1 };
  if ('delivery' in expected) {
    return { ...expected, delivery: expected['delivery'] === 'lost' ? 'reported' : 'lost' };
  }
  if ('severity' in expected) {
    return { ...expected, severity: expected['severity'] === 'fatal' ? 'nonFatal' : 'fatal' };
  }
  if ('errors' in expected) return { ...expected, errors: [...(expected['errors'] as string[]), 'ECRC'] };
  if ('spuriousSignals' in expected) {
    return { ...expected, spuriousSignals: (expected['spuriousSignals'] as number) + 1 };
  }
  throw new Error(`No wrong value for ${JSON.stringify(expected)}.`);
};

const expectationIn = (step: WrittenStep): Members | null =>
  typeof step === 'object' && 'expect' in step ? (step['expect'] as Members) : null;

/** The step with a refusal of another code, or null when it expects none. */
const otherRefusal = (step: WrittenStep): WrittenStep | null => {
  if (typeof step === 'string') return null;
  const [entry] = Object.entries(step);
  const members = entry?.[1] as Members | null;
  if (entry === undefined || members === null || typeof members !== 'object' || !('refused' in members))
    return null;
  return { [entry[0]]: { ...members, refused: 'unknownRun' } };
};

describe.each(names)('%s', (name) => {
  const scenario = scenarioOf(name);
  const steps = writtenSteps(name);
  const profile = firstProfile(scenario);
  const cases = scenario.lines.flatMap((text, index) =>
    expectationIn(steps[index] ?? '') !== null || otherRefusal(steps[index] ?? '') !== null
      ? [{ text, index }]
      : [],
  );

  it.each(cases)('step $index, "$text", can fail, and the scenario with it', async ({ index }) => {
    const step = steps[index] ?? '';
    const expected = expectationIn(step);
    const shown = await play(scenario, profile);
    const device = String(expected?.['device'] ?? scenario.device);
    const seen = {
      trace: shown.devices[device]?.trace ?? [],
      uevents: shown.lines.flatMap((line) =>
        line.type === 'uevent' && line.device === device ? [line.uevent] : [],
      ),
    };
    let altered: readonly WrittenStep[];
    if (expected === null) altered = steps.with(index, otherRefusal(step) ?? step);
    else if ('silence' in expected) altered = steps.toSpliced(index, 0, ...(disturbance[name] ?? []));
    else altered = steps.with(index, { expect: wrong(expected, seen) });
    const { passed, failedStep } = await play(withSteps(name, altered), profile);
    expect(passed).toBe(false);
    // Nothing before it fails, so it is this expectation that does.
    expect(failedStep?.number).toBe(index + 1 + (altered.length - steps.length));
    expect(failedStep?.detail).toMatch(/^expected /);
  });
});

it('a refusal that does not come fails the step', async () => {
  const name = 'notify-non-fatal-timed-out';
  const scenario = scenarioOf(name);
  const index = scenario.steps.findIndex((step) => refusalOf(step) !== null);
  // Before the time-out the ack is taken.
  const steps = writtenSteps(name).with(index - 1, { wait: '1s' });
  const { failedStep } = await play(withSteps(name, steps), 'notify-7.2');
  expect(failedStep).toMatchObject({
    number: index + 1,
    detail: 'expected the refusal noOpenWait; it was done',
  });
});
