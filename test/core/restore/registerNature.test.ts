import { describe, expect, it } from 'vitest';
import { valueAt } from '../../../src-main/core/pci/bytes.ts';
import { placeRegisters } from '../../../src-main/core/pci/placement.ts';
import {
  fieldNature,
  registerNature,
  upperHalves,
  zeroedByReset,
} from '../../../src-main/core/restore/registerNature.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';

const all = Object.entries(templates);

describe.each(all)('of the simulated %s', (_, { layout }) => {
  const placement = placeRegisters(layout.resetValue);
  const upper = upperHalves(layout.resetValue, placement);
  const blocks = [placement.header, ...placement.capabilities];

  it('nothing that is called fixed can be written', () => {
    for (const { base, registers } of blocks) {
      for (const { name, offset, width, fields } of registers) {
        const at = base + offset;
        const software = valueAt(layout.writable, at, width) | valueAt(layout.writeOneToClear, at, width);
        if (registerNature(name) === 'fixed') expect(`${name} ${software}`).toBe(`${name} 0`);
        for (const field of upper.has(at) ? [] : fields) {
          if (fieldNature(name, field.name) !== 'fixed') continue;
          expect(`${name}.${field.name} ${software & field.mask}`).toBe(`${name}.${field.name} 0`);
        }
      }
    }
  });

  it('every status that software clears by writing ones is the device’s', () => {
    for (const { base, registers } of blocks) {
      for (const { name, offset, width } of registers) {
        if (valueAt(layout.writeOneToClear, base + offset, width) === 0) continue;
        expect(`${name} ${registerNature(name)}`).toBe(`${name} device`);
      }
    }
  });

  it('what every reset is said to zero, every reset zeroes', () => {
    for (const { offset, mask } of zeroedByReset(placement)) {
      expect(valueAt(layout.resetValue, offset, 2) & mask).toBe(0);
      expect(valueAt(layout.keptByFunctionLevelReset, offset, 2) & mask).toBe(0);
    }
  });
});
