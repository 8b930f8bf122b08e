import { describe, expect, it } from 'vitest';
import { Hierarchy } from '../../../../src-main/rigs/simulated/hardware/hierarchy.ts';
import { manyFunctions, topologies } from '../../../../src-main/rigs/simulated/hardware/topologies.ts';
import { partsOf } from '../../../../src-main/core/pci/address.ts';
import { addressOf, functionAt } from './functions.ts';

const all = [...Object.values(topologies), manyFunctions(600)];

describe.each(all.map((topology) => [topology.name, topology] as const))('the topology %s', (_, topology) => {
  const hierarchy = new Hierarchy(topology);

  it('names every function once, on a bus that its port leads to', () => {
    const addresses = topology.functions.map(({ address }) => address);
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const { fn, parent } of hierarchy.nodes) {
      if (parent === undefined) continue;
      const { bus } = partsOf(fn.address);
      expect(parent.fn.readConfig(0x19, 1)).toBe(bus);
      expect(parent.fn.readConfig(0x1a, 1)).toBeGreaterThanOrEqual(bus);
    }
  });

  it('powers on with every endpoint working', () => {
    for (const { fn } of hierarchy.nodes) {
      if (fn.template.kind !== 'endpoint') continue;
      expect(fn.initialiseEngine()).toEqual({ kind: 'done' });
      fn.writeConfig(0x04, 2, fn.command | 0x4);
      expect(fn.performDma(0, () => true)).toEqual({ kind: 'done' });
    }
  });

  it('gives no two BARs of a domain the same addresses, and zPCI functions none', () => {
    if (topology.platform === 'zpci') {
      expect(
        hierarchy.nodes.flatMap(({ fn }) => fn.layout.bars.map(({ index }) => fn.barAddress(index))),
      ).toEqual(hierarchy.nodes.flatMap(({ fn }) => fn.layout.bars.map(() => 0)));
      return;
    }
    const ends = new Map<string, number>();
    const bars = hierarchy.nodes.flatMap(({ fn }) =>
      fn.layout.bars.map((bar) => ({
        window: `${partsOf(fn.address).domain} ${bar.type}`,
        start: fn.assignedBars[bar.index] ?? 0,
        size: bar.size,
      })),
    );
    bars.sort((a, b) => a.start - b.start);
    for (const { window, start, size } of bars) {
      expect(start % size).toBe(0);
      expect(start).toBeGreaterThanOrEqual(ends.get(window) ?? 1);
      ends.set(window, start + size);
    }
  });

  it('marks functions beside others as multi-function', () => {
    for (const node of hierarchy.nodes) {
      if (node.fn.template.kind !== 'endpoint') continue;
      const beside = hierarchy.functionsOfDevice(node).length > 1;
      expect((node.fn.readConfig(0x0e, 1) & 0x80) !== 0).toBe(beside);
    }
  });
});

describe('sharing', () => {
  const groupOf = (topology: (typeof all)[number], address: string): number | undefined =>
    topology.functions.find((entry) => entry.address === addressOf(address))?.iommuGroup;

  it('functions of one device without ACS share an IOMMU group; devices below a switch with ACS do not', () => {
    const { multiFunction, sharedSwitch } = topologies;
    expect(groupOf(multiFunction, '0000:01:00.0')).toBe(groupOf(multiFunction, '0000:01:00.1'));
    expect(groupOf(multiFunction, '0000:02:00.0')).not.toBe(groupOf(multiFunction, '0000:01:00.0'));
    expect(groupOf(sharedSwitch, '0000:03:00.0')).not.toBe(groupOf(sharedSwitch, '0000:04:00.0'));
  });

  it('a reset below a port reaches everything below it and nothing else', () => {
    const hierarchy = new Hierarchy(topologies.sharedSwitch);
    const port = hierarchy.node(addressOf('0000:00:04.0'));
    if (port === undefined) throw new Error('no port');
    hierarchy.resetBelow(port);
    expect(hierarchy.nodes.filter(({ fn }) => fn.resets > 0).map(({ fn }) => fn.address)).toEqual([
      '0000:01:00.0',
      '0000:02:00.0',
      '0000:02:01.0',
      '0000:03:00.0',
      '0000:04:00.0',
    ]);
    expect(hierarchy.below(port)).toHaveLength(5);
  });

  it('an s390x function is alone: no port, its UID as domain, its FID as slot', () => {
    const hierarchy = new Hierarchy(topologies.zpci);
    const [first] = topologies.zpci.functions;
    expect(first).toMatchObject({
      address: '1234:00:00.0',
      parent: null,
      slot: '00000056',
      identity: { kind: 'zpci', uid: 0x1234, fid: 0x56 },
    });
    expect(functionAt(hierarchy, '1234:00:00.0').aerCapability).toBe(0);
    expect(new Set(topologies.zpci.functions.map(({ iommuGroup }) => iommuGroup)).size).toBe(3);
  });
});

it('ten thousand functions are made at once', () => {
  const topology = manyFunctions(10_000);
  expect(topology.functions.filter(({ template }) => template === 'virtioRng')).toHaveLength(10_000);
  expect(new Set(topology.functions.map(({ address }) => address)).size).toBe(20_000);
});
