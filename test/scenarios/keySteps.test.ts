import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src-main/commands/program.ts';
import { broken, keySteps } from './keySteps.ts';
import { names, play, rewritten, scenarioOf, withSteps, writtenSteps } from './stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'recovery-bench-broken-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('names the key steps of every scenario, and of no other', () => {
  expect(Object.keys(keySteps).sort()).toEqual([...names].sort());
});

describe.each(names)('%s', (name) => {
  const scenario = scenarioOf(name);
  const breaks = keySteps[name] ?? [];

  it('has key steps', () => expect(breaks.length).toBeGreaterThan(0));

  it.each(
    breaks.map((entry, index) => [`${entry.step}${entry.instead === undefined ? '' : ', changed'}`, index]),
  )('fails without its step "%s" (%#), and the command line exits 1', async (_text, index) => {
    const entry = breaks[index];
    const steps = entry === undefined ? null : broken(writtenSteps(name), scenario.lines, entry);
    if (steps === null) throw new Error(`There is no step "${entry?.step ?? ''}".`);
    for (const profile of entry?.on ?? scenario.needs.profiles) {
      const { passed, failedStep } = await play(withSteps(name, steps), profile);
      expect({ profile, passed }).toEqual({ profile, passed: false });
      expect(failedStep?.detail).toBeTruthy();
    }
    const path = join(folder, `${name}-${index}.yaml`);
    writeFileSync(path, rewritten(name, steps));
    const said = { out: '', err: '' };
    const exit = await runCommandLine(
      ['scenario', 'run', path, '--no-journal'],
      { out: (text) => (said.out += text), err: (text) => (said.err += text), colour: false },
      {},
      () => 0,
    );
    expect({ exit, err: said.err }).toEqual({
      exit: 1,
      err: expect.stringMatching(/^rbench: .*, step \d+ \(.*\n$/),
    });
    expect(said.out).toMatch(/\nFAILED: .*\n$/);
  });
});

it('the twin of a dead MSI-X is dead on the kernel of the other one', async () => {
  const kept = await play(scenarioOf('restore-memory-off-msix-kept'), 'stock-6.12');
  const lost = await play(scenarioOf('restore-memory-off-msix-on'), 'stock-7.2');
  expect(kept.failedStep?.detail).toMatch(/the audit finds: .*msixMemoryOff \(present\)/);
  expect(lost.failedStep?.detail).toMatch(/msixMemoryOff.*the audit finds: (?!.*msixMemoryOff)/);
});
