import { describe, expect, it } from 'vitest';
import type { SimulatedFunction } from '../../../../src-main/rigs/simulated/hardware/simulatedFunction.ts';
import { templates } from '../../../../src-main/rigs/simulated/hardware/templates.ts';
import type { TemplateName } from '../../../../src-main/rigs/simulated/hardware/templates.ts';
import { writeAssignedBars } from '../../../../src-main/rigs/simulated/hardware/firmware.ts';
import { poweredFunction, workingCommand } from './functions.ts';

const mapped = (): boolean => true;
const withEngine = (Object.keys(templates) as TemplateName[]).filter(
  (name) => templates[name].engine !== undefined,
);

const working = (name: TemplateName): SimulatedFunction => {
  const fn = poweredFunction(name);
  fn.writeConfig(0x04, 2, workingCommand);
  expect(fn.initialiseEngine()).toEqual({ kind: 'done' });
  return fn;
};

describe.each(withEngine)('the engine of %s', (name) => {
  const { engine } = templates[name];
  if (engine === undefined) return;

  it('does DMA once it is initialised and may be a bus master', () => {
    expect(working(name).performDma(0x1000, mapped)).toEqual({ kind: 'done' });
  });

  it('shows its identity through a BAR that decodes', () => {
    const { offset, width, value } = engine.identity;
    expect(poweredFunction(name).readBar(engine.bar, offset, width)).toBe(value);
  });

  it('is dead after a reset, and works again only when all was brought back', () => {
    const fn = working(name);
    fn.conventionalReset();
    expect(fn.readBar(engine.bar, engine.identity.offset, engine.identity.width)).toBe(0);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'blocked', because: 'memoryOff' });
    expect(fn.initialiseEngine()).toEqual({ kind: 'blocked', because: 'memoryOff' });
    fn.writeConfig(0x04, 2, workingCommand);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'blocked', because: 'barUnassigned' });
    writeAssignedBars(fn);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'blocked', because: 'engineNotInitialised' });
    fn.initialiseEngine();
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'done' });
  });
});

describe('DMA', () => {
  it('goes through the mapping it is given', () => {
    const fn = working('virtioRng');
    const asked: number[] = [];
    const result = fn.performDma(0xdead_b000, (iova) => {
      asked.push(iova);
      return false;
    });
    expect(result).toEqual({ kind: 'blocked', because: 'notMapped' });
    expect(asked).toEqual([0xdead_b000]);
  });

  it('stops with the bus master bit, and the device keeps its initialisation', () => {
    const fn = working('virtioRng');
    fn.writeConfig(0x04, 2, workingCommand & ~0x4);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'blocked', because: 'busMasterOff' });
    fn.writeConfig(0x04, 2, workingCommand);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'done' });
  });

  it.each(['frozen', 'removed'] as const)('is blocked while %s', (link) => {
    const fn = working('zpciVirtio');
    fn.setLink(link);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'blocked', because: link });
    expect(fn.readBar(4, 0x12, 2)).toBe(0xffff);
    expect(fn.writeBar(4, 0x14, 1, 0)).toBe(link);
  });

  it('needs a BAR where the platform forwards to', () => {
    const fn = working('virtioRng');
    fn.writeConfig(0x20, 4, 0x4000);
    expect(fn.performDma(0x1000, mapped)).toEqual({ kind: 'blocked', because: 'barElsewhere' });
  });

  it('is nothing a port can do', () => {
    expect(poweredFunction('switchUpstreamPort').performDma(0, mapped)).toEqual({
      kind: 'blocked',
      because: 'noEngine',
    });
  });
});

describe('MSI-X', () => {
  const armed = (): SimulatedFunction => {
    const fn = working('virtioRng');
    fn.writeBar(1, 0x10, 4, 0xfee0_1000);
    fn.writeBar(1, 0x14, 4, 0x1);
    fn.writeBar(1, 0x18, 4, 0x41);
    fn.writeBar(1, 0x1c, 4, 0);
    fn.writeConfig(fn.msixCapability + 2, 2, 0x8000);
    return fn;
  };

  it('delivers the message of the table entry', () => {
    const fn = armed();
    expect(fn.raiseMsix(1)).toEqual({ kind: 'delivered', address: 0x1_fee0_1000, data: 0x41 });
    expect(fn.readBar(1, 0x18, 4)).toBe(0x41);
  });

  it.each([
    ['msixDisabled', (fn: SimulatedFunction) => fn.writeConfig(fn.msixCapability + 2, 2, 0)],
    ['functionMasked', (fn: SimulatedFunction) => fn.writeConfig(fn.msixCapability + 2, 2, 0xc000)],
    ['vectorMasked', (fn: SimulatedFunction) => fn.writeBar(1, 0x1c, 4, 1)],
    ['busMasterOff', (fn: SimulatedFunction) => fn.writeConfig(0x04, 2, 0x0002)],
    ['removed', (fn: SimulatedFunction) => fn.setLink('removed')],
    ['frozen', (fn: SimulatedFunction) => fn.setLink('frozen')],
  ] as const)('is blocked: %s', (because, spoil) => {
    const fn = armed();
    spoil(fn);
    expect(fn.raiseMsix(1)).toEqual({ kind: 'blocked', because });
  });

  it('loses its table in a reset: enabling it again is not enough', () => {
    const fn = armed();
    fn.conventionalReset();
    writeAssignedBars(fn);
    fn.writeConfig(0x04, 2, workingCommand);
    expect(fn.raiseMsix(1)).toEqual({ kind: 'blocked', because: 'msixDisabled' });
    fn.writeConfig(fn.msixCapability + 2, 2, 0x8000);
    expect(fn.raiseMsix(1)).toEqual({ kind: 'blocked', because: 'vectorMasked' });
    fn.writeBar(1, 0x1c, 4, 0);
    expect(fn.raiseMsix(1)).toEqual({ kind: 'blocked', because: 'entryZero' });
  });

  it('does not take table writes while memory space is off', () => {
    const fn = armed();
    fn.writeConfig(0x04, 2, 0x0104);
    expect(fn.writeBar(1, 0x18, 4, 0x99)).toBe('memoryOff');
    fn.writeConfig(0x04, 2, workingCommand);
    expect(fn.raiseMsix(1)).toEqual({ kind: 'delivered', address: 0x1_fee0_1000, data: 0x41 });
  });

  it.each([2, -1, 1.5])('has no vector %d', (vector) => {
    expect(armed().raiseMsix(vector)).toEqual({ kind: 'blocked', because: 'noSuchVector' });
  });

  it('is absent from a conventional NIC', () => {
    expect(poweredFunction('conventionalNic').raiseMsix(0)).toEqual({ kind: 'blocked', because: 'noMsix' });
  });
});
