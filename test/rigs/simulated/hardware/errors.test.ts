import { describe, expect, it } from 'vitest';
import { correctableErrors, findAerError, uncorrectableErrors } from '../../../../src-main/core/pci/aer.ts';
import type { AerError } from '../../../../src-main/core/pci/aer.ts';
import { aerRegister } from '../../../../src-main/core/pci/capability-registers.ts';
import { latchError } from '../../../../src-main/rigs/simulated/hardware/errorLatch.ts';
import { Hierarchy } from '../../../../src-main/rigs/simulated/hardware/hierarchy.ts';
import type { SimulatedFunction } from '../../../../src-main/rigs/simulated/hardware/simulatedFunction.ts';
import { topologies } from '../../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf, functionAt, poweredFunction, workingCommand } from './functions.ts';

const error = (name: string): AerError => {
  const found = findAerError(name);
  if (found === undefined) throw new Error(`There is no ${name}.`);
  return found;
};

const reporting = (): SimulatedFunction => {
  const fn = poweredFunction('virtioRng');
  fn.writeConfig(0x04, 2, workingCommand);
  fn.writeConfig(fn.expressCapability + 8, 2, 0x000f);
  return fn;
};
const uncorrectableStatus = (fn: SimulatedFunction): number =>
  fn.readConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4);

describe('an error', () => {
  it.each(uncorrectableErrors.filter(({ knownToQemu, bit }) => knownToQemu && bit > 0))(
    '$name goes up as its default severity says',
    (known) => {
      const fn = reporting();
      expect(latchError(fn, known)).toEqual({ kind: 'message', severity: known.defaultSeverity });
      expect(uncorrectableStatus(fn)).toBe(known.mask);
    },
  );

  it.each(correctableErrors)('$name is correctable', (known) => {
    const fn = reporting();
    const masked = ['ADV_NONFATAL', 'INTERNAL', 'HL_OVERFLOW'].includes(known.name);
    expect(latchError(fn, known)).toEqual(
      masked ? { kind: 'lost', at: 'masked' } : { kind: 'message', severity: 'correctable' },
    );
    expect(fn.readConfig(fn.aerCapability + aerRegister.correctableStatus, 4)).toBe(known.mask);
  });

  it('takes its severity from the register, not from the default', () => {
    const fn = reporting();
    fn.writeConfig(fn.aerCapability + aerRegister.uncorrectableSeverity, 4, 0);
    expect(latchError(fn, error('MALF_TLP'))).toEqual({ kind: 'message', severity: 'nonFatal' });
  });

  it.each([
    ['serr', (fn: SimulatedFunction) => fn.writeConfig(0x04, 2, 0x0006)],
    ['deviceControl', (fn: SimulatedFunction) => fn.writeConfig(fn.expressCapability + 8, 2, 0)],
    ['deviceControl', (fn: SimulatedFunction) => fn.writeConfig(fn.expressCapability + 8, 2, 0x000b)],
    [
      'masked',
      (fn: SimulatedFunction) =>
        fn.writeConfig(fn.aerCapability + aerRegister.uncorrectableMask, 4, 0x0004_0000),
    ],
  ] as const)('vanishes at %s, but its status bit is set', (at, spoil) => {
    const fn = reporting();
    spoil(fn);
    expect(latchError(fn, error('MALF_TLP'))).toEqual({ kind: 'lost', at });
    expect(uncorrectableStatus(fn)).toBe(0x0004_0000);
  });

  it('is not reported after a reset until Device Control and COMMAND are written again', () => {
    const fn = reporting();
    fn.conventionalReset();
    expect(latchError(fn, error('COMP_ABORT'))).toEqual({ kind: 'lost', at: 'deviceControl' });
    fn.writeConfig(fn.expressCapability + 8, 2, 0x000f);
    expect(latchError(fn, error('COMP_ABORT'))).toEqual({ kind: 'lost', at: 'serr' });
    fn.writeConfig(0x04, 2, workingCommand);
    expect(latchError(fn, error('COMP_ABORT'))).toEqual({ kind: 'message', severity: 'nonFatal' });
  });

  it('that comes first owns the header log and the pointer, over a reset too', () => {
    const fn = reporting();
    const log = fn.aerCapability + aerRegister.headerLog;
    const pointer = (): number =>
      fn.readConfig(fn.aerCapability + aerRegister.capabilitiesAndControl, 4) & 0x1f;
    latchError(fn, error('MALF_TLP'), [1, 2, 3, 4]);
    fn.conventionalReset();
    fn.writeConfig(0x04, 2, workingCommand);
    fn.writeConfig(fn.expressCapability + 8, 2, 0x000f);
    latchError(fn, error('COMP_ABORT'), [5, 6, 7, 8]);
    expect(uncorrectableStatus(fn)).toBe(0x0004_8000);
    expect([pointer(), fn.readConfig(log, 4), fn.readConfig(log + 12, 4)]).toEqual([18, 1, 4]);
    fn.writeConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4, 0xffff_ffff);
    latchError(fn, error('COMP_ABORT'), [5, 6, 7, 8]);
    expect([pointer(), fn.readConfig(log, 4), fn.readConfig(log + 12, 4)]).toEqual([15, 5, 8]);
  });

  it.each(['nvme', 'zpciVirtio', 'conventionalNic'] as const)('has nowhere to go in %s', (name) => {
    expect(latchError(poweredFunction(name), error('MALF_TLP'))).toEqual({
      kind: 'lost',
      at: 'noAerCapability',
    });
  });

  it('of a removed function is not met at all', () => {
    const fn = reporting();
    fn.setLink('removed');
    expect(latchError(fn, error('MALF_TLP'))).toEqual({ kind: 'lost', at: 'unreachable' });
  });
});

describe('an error message', () => {
  const hierarchy = (): Hierarchy => {
    const made = new Hierarchy(topologies.sharedSwitch);
    for (const address of ['0000:03:00.0', '0000:04:00.0', '0000:05:00.0']) {
      const fn = functionAt(made, address);
      fn.writeConfig(fn.expressCapability + 8, 2, 0x000f);
    }
    return made;
  };
  const report = (made: Hierarchy, address: string, name: string): unknown => {
    const node = made.node(addressOf(address));
    return node === undefined ? undefined : made.reportError(node, error(name));
  };

  it('reaches the root port above, which notes who sent it', () => {
    const made = hierarchy();
    const port = functionAt(made, '0000:00:04.0');
    expect(report(made, '0000:04:00.0', 'MALF_TLP')).toMatchObject({
      kind: 'reported',
      severity: 'fatal',
      rootPort: { fn: port },
    });
    const aer = port.aerCapability;
    expect(port.readConfig(aer + aerRegister.rootStatus, 4)).toBe(0x54);
    expect(port.readConfig(aer + aerRegister.uncorrectableSource, 2)).toBe(0x0400);
    report(made, '0000:03:00.0', 'COMP_ABORT');
    expect(port.readConfig(aer + aerRegister.rootStatus, 4)).toBe(0x7c);
    expect(port.readConfig(aer + aerRegister.uncorrectableSource, 2)).toBe(0x0400);
    const other = functionAt(made, '0000:00:05.0');
    expect(other.readConfig(other.aerCapability + aerRegister.rootStatus, 4)).toBe(0);
  });

  it('is stopped by a bridge without SERR, unless it is correctable', () => {
    const made = hierarchy();
    functionAt(made, '0000:01:00.0').writeConfig(0x3e, 2, 0);
    expect(report(made, '0000:03:00.0', 'MALF_TLP')).toEqual({
      kind: 'lost',
      at: 'bridgeSerr',
      node: '0000:01:00.0',
    });
    expect(report(made, '0000:03:00.0', 'BAD_TLP')).toMatchObject({
      kind: 'reported',
      severity: 'correctable',
    });
  });

  it('interrupts nobody when Root Error Command says so', () => {
    const made = hierarchy();
    const port = functionAt(made, '0000:00:05.0');
    port.writeConfig(port.aerCapability + aerRegister.rootCommand, 4, 0x3);
    expect(report(made, '0000:05:00.0', 'DLP')).toEqual({
      kind: 'lost',
      at: 'rootCommand',
      node: '0000:00:05.0',
    });
    expect(report(made, '0000:05:00.0', 'COMP_TIME')).toMatchObject({ kind: 'reported' });
  });
});
