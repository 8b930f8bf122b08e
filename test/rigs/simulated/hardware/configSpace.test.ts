import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { walkCapabilities } from '../../../../src-main/core/pci/capabilities.ts';
import { wordAt } from '../../../../src-main/core/pci/bytes.ts';
import { aerRegister, pciExpressRegister } from '../../../../src-main/core/pci/capability-registers.ts';
import { offsetOfCapability } from '../../../../src-main/rigs/simulated/hardware/configSpaceLayout.ts';
import type { SimulatedFunction } from '../../../../src-main/rigs/simulated/hardware/simulatedFunction.ts';
import { templates } from '../../../../src-main/rigs/simulated/hardware/templates.ts';
import type { TemplateName } from '../../../../src-main/rigs/simulated/hardware/templates.ts';
import { functionAt, hierarchyWith, poweredFunction } from './functions.ts';

const names = Object.keys(templates) as TemplateName[];
const widths = [1, 2, 4] as const;

const fillWithOnes = (fn: SimulatedFunction): void => {
  const express = fn.expressCapability + pciExpressRegister.deviceControl;
  for (let offset = 0; offset < fn.config.length; offset += 2) {
    // Not the function level reset bit: that would undo the filling.
    fn.writeConfig(offset, 2, offset === express ? 0x7fff : 0xffff);
  }
};

describe.each(names)('the configuration space of %s', (name) => {
  const template = templates[name];

  it('is a chain that the decoder walks without a problem, to the last capability', () => {
    const fn = poweredFunction(name);
    const walk = walkCapabilities(fn.snapshot());
    expect(walk.problems).toEqual([]);
    const found = walk.capabilities.map(({ id, offset }) => ({ id, offset }));
    const laid = [
      ...template.layout.capabilities.filter(({ space }) => space === 'standard'),
      ...template.layout.capabilities.filter(({ space }) => space === 'extended'),
    ].map(({ id, offset }) => ({ id, offset }));
    expect(found).toEqual(laid);
    expect(fn.config.length).toBe(template.space === 'express' ? 4096 : 256);
  });

  it('comes back from a conventional reset as at power on, but for the sticky bits', () => {
    const fn = poweredFunction(name);
    fillWithOnes(fn);
    const before = fn.snapshot();
    expect(fn.conventionalReset()).toBe('reset');
    const { resetValue, sticky } = template.layout;
    const expected = resetValue.map((value, at) => {
      const mask = sticky[at] ?? 0;
      return (value & ~mask) | ((before[at] ?? 0) & mask);
    });
    expect(fn.config).toEqual(expected);
    expect(fn.command).toBe(0);
    expect(before).not.toEqual(fn.config);
  });

  it('takes any write as its masks say, byte by byte', () => {
    const size = template.layout.size;
    const devicesOwn = template.layout.watched;
    const write = fc.record({
      offset: fc.oneof(fc.nat({ max: 0xff }), fc.nat({ max: size - 1 })),
      width: fc.constantFrom(...widths),
      value: fc.nat({ max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const fn = poweredFunction(name);
        const model = fn.snapshot();
        const { writable, writeOneToClear } = template.layout;
        for (const { offset: somewhere, width, value } of writes) {
          const offset = somewhere - (somewhere % width);
          // Registers with an effect of their own have their own tests.
          if (devicesOwn[offset >>> 2] !== 0) continue;
          fn.writeConfig(offset, width, value);
          for (let byte = 0; byte < width; byte++) {
            const written = Math.floor(value / 2 ** (8 * byte)) % 256;
            for (let bit = 1; bit < 256; bit *= 2) {
              const at = offset + byte;
              if (((writable[at] ?? 0) & bit) !== 0) model[at] = ((model[at] ?? 0) & ~bit) | (written & bit);
              if (((writeOneToClear[at] ?? 0) & bit & written) !== 0) model[at] = (model[at] ?? 0) & ~bit;
            }
          }
        }
        expect(fn.config).toEqual(model);
      }),
      { numRuns: 25 },
    );
  });

  it.each(template.layout.bars.map((bar) => [bar.index, bar] as const))(
    'tells the size of BAR %i',
    (_, bar) => {
      const fn = poweredFunction(name);
      const at = 0x10 + 4 * bar.index;
      fn.writeConfig(at, 4, 0xffff_ffff);
      let mask = BigInt(fn.readConfig(at, 4)) & (bar.type === 'io' ? ~0x3n : ~0xfn);
      if (bar.type === 'memory64') {
        fn.writeConfig(at + 4, 4, 0xffff_ffff);
        mask |= BigInt(fn.readConfig(at + 4, 4)) << 32n;
      }
      expect(BigInt.asUintN(bar.type === 'memory64' ? 64 : 32, -mask)).toBe(BigInt(bar.size));
    },
  );
});

describe('a reset', () => {
  it('leaves COMMAND, BARs, Device Control and MSI-X control zero, and keeps the AER status', () => {
    const fn = poweredFunction('virtioRng');
    const aer = fn.aerCapability;
    fn.writeConfig(0x04, 2, 0x0507);
    fn.writeConfig(fn.expressCapability + 8, 2, 0x000f);
    fn.writeConfig(fn.msixCapability + 2, 2, 0x8000);
    fn.latch(aer + aerRegister.uncorrectableStatus, 4, 0x0004_0000);
    fn.latch(aer + aerRegister.headerLog, 4, 0x1234_5678);
    fn.conventionalReset();
    expect(fn.readConfig(0x04, 2)).toBe(0);
    expect(fn.barAddress(1)).toBe(0);
    expect(fn.barAddress(4)).toBe(0);
    expect(fn.readConfig(fn.expressCapability + 8, 2)).toBe(0);
    expect(fn.readConfig(fn.msixCapability + 2, 2) & 0xc000).toBe(0);
    expect(fn.readConfig(aer + aerRegister.uncorrectableStatus, 4)).toBe(0x0004_0000);
    expect(fn.readConfig(aer + aerRegister.headerLog, 4)).toBe(0x1234_5678);
  });

  it('clears what only live kernel state can bring back: PASID, PRI, ATS, TPH, PTM, ReBAR, SR-IOV, ACS', () => {
    const fn = poweredFunction('acceleratorWithEverything');
    fillWithOnes(fn);
    fn.conventionalReset();
    for (const { space, id, offset, size } of fn.layout.capabilities) {
      if (space !== 'extended' || id === 1) continue;
      expect([id, ...fn.config.subarray(offset, offset + size)]).toEqual([
        id,
        ...fn.layout.resetValue.subarray(offset, offset + size),
      ]);
    }
  });

  it('by function level spares the virtual channels and the payload size, a conventional one does not', () => {
    const fn = poweredFunction('acceleratorWithEverything');
    const channel = offsetOfCapability(fn.layout, 'extended', 2) + 0x14 + 0x0c;
    const set = (): void => {
      fn.writeConfig(channel, 4, 0x8100_0002);
      fn.writeConfig(fn.expressCapability + 8, 2, 0x002f);
    };
    set();
    expect(fn.functionLevelReset()).toBe('reset');
    expect(fn.readConfig(channel, 4)).toBe(0x8100_0002);
    expect(fn.readConfig(fn.expressCapability + 8, 2)).toBe(0x0020);
    expect(fn.command).toBe(0);
    set();
    fn.conventionalReset();
    expect(fn.readConfig(channel, 4)).toBe(0);
    expect(fn.readConfig(fn.expressCapability + 8, 2)).toBe(0);
  });

  it.each([
    ['in the word', 0, 2, 0x8000],
    ['in its byte', 1, 1, 0x80],
    ['in the double word', 0, 4, 0x8000],
  ] as const)(
    'by function level starts with the bit in Device Control, written %s',
    (_, shift, width, value) => {
      const fn = poweredFunction('virtioRng');
      fn.writeConfig(fn.expressCapability + 8 + shift, width, value);
      expect(fn.resets).toBe(1);
      expect(fn.barAddress(4)).toBe(0);
      expect(fn.readConfig(fn.expressCapability + 8, 2)).toBe(0);
    },
  );

  it('by function level is refused where Device Capabilities does not offer it', () => {
    const nic = poweredFunction('e1000eLike');
    nic.writeConfig(nic.expressCapability + 8, 2, 0x8000);
    expect(nic.functionLevelReset()).toBe('notCapable');
    expect(poweredFunction('conventionalNic').functionLevelReset()).toBe('notCapable');
    expect(nic.resets).toBe(0);
    expect(nic.barAddress(0)).not.toBe(0);
  });

  it('of the secondary bus is started by the bridge control bit, once for each time it is set', () => {
    const hierarchy = hierarchyWith('virtioRng');
    const port = functionAt(hierarchy, '0000:00:04.0');
    const fn = functionAt(hierarchy, '0000:01:00.0');
    const portBefore = port.snapshot();
    port.writeConfig(0x3e, 2, 0x0042);
    port.writeConfig(0x3e, 2, 0x0042);
    expect(fn.resets).toBe(1);
    port.writeConfig(0x3e, 2, 0x0002);
    expect(fn.resets).toBe(1);
    port.writeConfig(0x3c, 4, 0x0042_0000);
    expect(fn.resets).toBe(2);
    port.writeConfig(0x3c, 4, 0x0002_0000);
    expect(port.snapshot()).toEqual(portBefore);
    expect(port.resets).toBe(0);
  });

  it.each([
    ['virtioRng', 1],
    ['nvme', 0],
  ] as const)('happens when %s leaves D3hot, unless No_Soft_Reset: %i', (name, resets) => {
    const fn = poweredFunction(name);
    const control = offsetOfCapability(fn.layout, 'standard', 1) + 4;
    fn.writeConfig(control, 2, 3);
    expect(fn.initialiseEngine()).toEqual({ kind: 'blocked', because: 'poweredDown' });
    fn.writeConfig(control, 2, 0);
    expect(fn.resets).toBe(resets);
  });
});

describe('a function that cannot be reached', () => {
  it.each(['frozen', 'removed'] as const)('reads all ones and loses writes while %s', (link) => {
    const fn = poweredFunction('virtioRng');
    const before = fn.snapshot();
    fn.setLink(link);
    fn.writeConfig(0x04, 2, 0);
    expect([fn.readConfig(0, 4), fn.readConfig(0, 2), fn.readConfig(0, 1)]).toEqual([
      0xffff_ffff, 0xffff, 0xff,
    ]);
    expect(fn.functionLevelReset()).toBe('unreachable');
    expect(fn.conventionalReset()).toBe(link === 'removed' ? 'unreachable' : 'reset');
    fn.setLink('up');
    expect(wordAt(fn.config, 4)).toBe(link === 'removed' ? wordAt(before, 4) : 0);
  });

  it('reads all ones beyond its configuration space', () => {
    expect(poweredFunction('conventionalNic').readConfig(0x100, 4)).toBe(0xffff_ffff);
  });
});

describe('a resizable BAR', () => {
  it('ignores address bits below its present size', () => {
    const fn = poweredFunction('acceleratorWithEverything');
    const control = offsetOfCapability(fn.layout, 'extended', 0x15) + 8;
    fn.writeConfig(control, 4, (fn.readConfig(control, 4) & ~0x3f00) | (10 << 8));
    fn.writeConfig(0x18, 4, 0xffff_ffff);
    expect(fn.readConfig(0x18, 4)).toBe(0xc000_000c);
    fn.conventionalReset();
    fn.writeConfig(0x18, 4, 0xffff_ffff);
    expect(fn.readConfig(0x18, 4)).toBe(0xf000_000c);
  });
});
