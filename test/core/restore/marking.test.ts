import { describe, expect, it } from 'vitest';
import { auditRestore } from '../../../src-main/core/restore/audit.ts';
import type { Finding } from '../../../src-main/core/restore/provenance.ts';
import { markingPlan, marksAt, marksThatTook, unmark } from '../../../src-main/core/restore/marking.ts';
import type { MarkWrite, MarkingMoment } from '../../../src-main/core/restore/marking.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import { ModelDevice, type HistoryAction } from '../../../src-main/rigs/simulated/modelDevice.ts';

const { virtioRng, conventionalNic, rootPort } = templates;

const writes = (all: readonly MarkWrite[]): readonly HistoryAction[] =>
  all.map((one) => ({ kind: 'write', ...one }));

/** A recovery with the marks of every moment, up to what came back. */
const recovered = (policy: 'nothing' | 'lastSave' | 'openSnapshot', marked: boolean): ModelDevice => {
  const device = new ModelDevice(virtioRng, '7.2', policy);
  const plan = markingPlan(device.fn.snapshot());
  const mark = (moment: MarkingMoment): void => {
    if (marked) device.play(writes(marksAt(plan, moment, device.fn.snapshot())));
  };
  const read = (moment: string): void => device.play([{ kind: 'read', moment, views: 'hardware' }]);
  read('open');
  mark('armed');
  read('armed');
  device.play([{ kind: 'deviceReset' }]);
  read('beforeFault');
  mark('duringWait');
  read('duringWait');
  device.play([{ kind: 'recoveryReset' }]);
  read('afterReset');
  return device;
};

const cacheLine = (device: ModelDevice): Finding | undefined =>
  auditRestore(device.history())
    .registers.find(({ name }) => name === 'cacheLineSize')
    ?.fields.at(0)?.finding;

describe('a marking plan', () => {
  it('writes harmless registers only, each with distinct values and its reason', () => {
    const plan = markingPlan(templates.acceleratorWithEverything.layout.resetValue);
    expect(plan.marks.map(({ label }) => label)).toEqual(['Cache Line Size', 'Correctable Error Mask']);
    for (const { values, original, mask, reason } of plan.marks) {
      const all = [...Object.values(values), original];
      expect(new Set(all).size).toBe(all.length);
      expect(all.every((value) => (value & ~mask) === 0)).toBe(true);
      expect(reason).toMatch(/\.$/);
    }
    expect(plan.leftAlone.map(({ label }) => label)).toContain('Interrupt Line');
  });

  it('clears permissions of Device Control that are set, and no other of its bits', () => {
    const config = virtioRng.layout.resetValue.slice();
    const device = new ModelDevice(virtioRng, '7.2', 'nothing');
    config[device.fn.expressCapability + 8] = 0x3f;
    config[device.fn.expressCapability + 9] = 0x29;
    const plan = markingPlan(config);
    const written = marksAt(plan, 'armed', config).find(
      ({ offset }) => offset === device.fn.expressCapability + 8,
    );
    expect(written?.value).toBe(0x213f);
  });

  it('marks nothing on a bridge, and on conventional PCI nothing that the bus uses', () => {
    expect(markingPlan(rootPort.layout.resetValue).marks).toEqual([]);
    expect(markingPlan(conventionalNic.layout.resetValue).marks).toEqual([]);
    expect(markingPlan(new Uint8Array(0)).marks).toEqual([]);
  });

  it('puts back what it wrote, and what a restore put back already stays alone', () => {
    const device = new ModelDevice(virtioRng, '7.2', 'nothing');
    const before = device.fn.snapshot();
    const plan = markingPlan(before);
    expect(unmark(plan, before)).toEqual([]);
    for (const moment of ['armed', 'duringWait', 'afterReset'] as const) {
      device.play(writes(marksAt(plan, moment, device.fn.snapshot())));
      expect(device.fn.snapshot()).not.toEqual(before);
    }
    device.play(writes(unmark(plan, device.fn.snapshot())));
    expect(device.fn.snapshot()).toEqual(before);
  });

  it('drops registers that did not take the mark', () => {
    const before = virtioRng.layout.resetValue;
    const plan = markingPlan(before);
    expect(plan.marks.length).toBeGreaterThan(0);
    expect(marksThatTook(plan, 'armed', before).marks).toEqual([]);
  });
});

describe('a marking run', () => {
  it.each([
    ['nothing', 'hardwareReset'],
    ['openSnapshot', 'openSnapshot'],
  ] as const)('under "%s" is certain where an unmarked one is ambiguous', (policy, source) => {
    expect(cacheLine(recovered(policy, false))?.certainty).toBe('ambiguous');
    const marked = cacheLine(recovered(policy, true));
    expect(marked?.candidates).toContain(source);
    expect(marked?.candidates).not.toContain('userSpace');
    expect(marked?.candidates).not.toContain('lastSave');
  });

  it('under "lastSave" proves the last save', () => {
    expect(cacheLine(recovered('lastSave', false))?.certainty).toBe('ambiguous');
    expect(cacheLine(recovered('lastSave', true))).toMatchObject({ source: 'lastSave' });
  });
});
