import { describe, expect, it } from 'vitest';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import { comparedPolicies, type WhatIf } from '../../../src-main/core/restore/whatIf.ts';
import { recoveryActions, whatIf } from '../../../src-main/rigs/simulated/whatIf.ts';

const { acceleratorWithEverything, virtioRng } = templates;

const row = ({ rows }: WhatIf, name: string, owner: string) => {
  const found = rows.find((one) => one.name === name && one.owner === owner);
  if (found === undefined) throw new Error(`No ${name}.`);
  return found;
};

describe('the same recovery under four policies', () => {
  const actions = recoveryActions(acceleratorWithEverything);
  const compared = whatIf(acceleratorWithEverything, '7.2', actions);

  it('ends with TPH on only where the last save is restored, and off by the trap of seed 2 elsewhere', () => {
    const { by, differs, before } = row(compared, 'control', 'TPH Requester');
    expect(before).toBe(0x0101);
    expect(differs).toBe(true);
    expect(by.lastSave.value).toBe(0x0101);
    expect(by.resetDone.value).toBe(0);
    expect(by.resetDone.sources).toEqual(['openSnapshot']);
    expect(compared.hazards.resetDone.map(({ kind }) => kind)).toContain('tphTrap');
    expect(by.nothing.value).toBe(0);
    expect(compared.hazards.lastSave.map(({ kind }) => kind)).not.toContain('tphTrap');
  });

  it('gives every policy its MSI-X from live kernel state, as the mail says', () => {
    const { by, differs } = row(compared, 'messageControl', 'MSI-X');
    expect(differs).toBe(false);
    for (const policy of comparedPolicies) expect(by[policy].sources).toContain('liveKernelState');
  });

  it('loses the cache line size under the RFC alone, where no snapshot is restored', () => {
    const { by } = row(compared, 'cacheLineSize', 'Header');
    expect(by.nothing.value).toBe(0);
    expect(by.lastSave.value).not.toBe(by.nothing.value);
  });

  it('says nothing of registers that nobody can write', () => {
    expect(compared.rows.some(({ name }) => name === 'vendorId')).toBe(false);
  });

  it('before 6.13 has no TPH step, so that no policy brings TPH back after a reset', () => {
    const older = row(whatIf(acceleratorWithEverything, '6.12', actions), 'control', 'TPH Requester');
    for (const policy of comparedPolicies) expect(older.by[policy].sources).toEqual(['hardwareReset']);
  });

  it('works for a device with nothing but a header and a few capabilities', () => {
    const { rows } = whatIf(virtioRng, '7.3', recoveryActions(virtioRng));
    expect(rows.find(({ name }) => name === 'command')?.differs).toBe(false);
  });
});
