import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findCapability,
  findExtendedCapability,
  walkCapabilities,
} from '../../../src-main/core/pci/capabilities.ts';
import { readDump } from './lspci-dump.ts';

/** A type 0 header with the given capabilities at the given offsets, each pointing where it is told to. */
const space = (
  size: number,
  pointer: number,
  conventional: readonly (readonly [offset: number, id: number, next: number])[] = [],
  extended: readonly (readonly [offset: number, id: number, next: number])[] = [],
): Uint8Array => {
  const config = new Uint8Array(size);
  const put = (offset: number, ...bytes: readonly number[]): void => {
    for (const [index, byte] of bytes.entries()) if (offset + index < size) config[offset + index] = byte;
  };
  put(0, 0xf4, 0x1a, 0x44, 0x10);
  put(6, 0x10, 0);
  put(0x34, pointer);
  for (const [offset, id, next] of conventional) put(offset, id, next);
  for (const [offset, id, next] of extended) {
    put(offset, id & 0xff, id >>> 8, 1 | ((next & 0xf) << 4), next >>> 4);
  }
  return config;
};

const offsets = (config: Uint8Array) => walkCapabilities(config).capabilities.map((entry) => entry.offset);

describe('walkCapabilities', () => {
  it('follows both lists, in the order of the links', () => {
    const config = space(
      4096,
      0x80,
      [
        [0x80, 0x10, 0x40],
        [0x40, 0x01, 0],
      ],
      [
        [0x100, 0x01, 0x200],
        [0x200, 0x0d, 0x148],
        [0x148, 0x0e, 0],
      ],
    );
    expect(walkCapabilities(config)).toMatchObject({
      capabilities: [
        { id: 0x10, name: 'PCI Express', offset: 0x80, extended: false },
        { id: 0x01, name: 'Power Management', offset: 0x40, extended: false, length: 8 },
        {
          id: 0x01,
          name: 'Advanced Error Reporting',
          offset: 0x100,
          extended: true,
          version: 1,
          length: 0x2c,
        },
        { id: 0x0d, name: 'Access Control Services', offset: 0x200, extended: true, version: 1, length: 8 },
        { id: 0x0e, name: 'Alternative Routing-ID Interpretation', offset: 0x148, extended: true, length: 8 },
      ],
      problems: [],
    });
    expect(findCapability(config, 0x01)).toBe(0x40);
    expect(findExtendedCapability(config, 0x01)).toBe(0x100);
    expect(findExtendedCapability(config, 0x10)).toBeUndefined();
  });

  it('has no list where the status register says there is none', () => {
    const config = space(256, 0x40, [[0x40, 0x01, 0]]);
    config[6] = 0;
    expect(walkCapabilities(config)).toEqual({ capabilities: [], problems: [] });
  });

  it.each([
    ['itself', [[0x40, 0x05, 0x40]], 1, 0x40, 0x40],
    [
      'the first of three',
      [
        [0x40, 0x01, 0x50],
        [0x50, 0x05, 0x60],
        [0x60, 0x11, 0x40],
      ],
      3,
      0x60,
      0x40,
    ],
  ] as const)('cuts a conventional list that comes back to %s', (_, list, count, from, pointer) => {
    const walk = walkCapabilities(space(256, 0x40, list));
    expect(walk.capabilities).toHaveLength(count);
    expect(walk.problems).toEqual([{ kind: 'loop', list: 'conventional', from, pointer }]);
  });

  it('cuts an extended list that comes back', () => {
    const walk = walkCapabilities(
      space(
        4096,
        0,
        [],
        [
          [0x100, 0x0e, 0x140],
          [0x140, 0x0d, 0x100],
        ],
      ),
    );
    expect(walk.capabilities).toHaveLength(2);
    expect(walk.problems).toEqual([{ kind: 'loop', list: 'extended', from: 0x140, pointer: 0x100 }]);
  });

  it('reports a pointer with its low bits set, and goes on with them masked as the specification asks', () => {
    const walk = walkCapabilities(space(256, 0x42, [[0x40, 0x01, 0]]));
    expect(walk.capabilities).toMatchObject([{ offset: 0x40 }]);
    expect(walk.problems).toEqual([{ kind: 'misaligned', list: 'conventional', from: 0x34, pointer: 0x42 }]);
  });

  it('does not follow a pointer into the header', () => {
    expect(walkCapabilities(space(256, 0x10))).toEqual({
      capabilities: [],
      problems: [{ kind: 'intoHeader', list: 'conventional', from: 0x34, pointer: 0x10 }],
    });
    expect(walkCapabilities(space(4096, 0, [], [[0x100, 0x0e, 0x40]])).problems).toEqual([
      { kind: 'intoHeader', list: 'extended', from: 0x100, pointer: 0x40 },
    ]);
  });

  it('says that the list goes on beyond the bytes an unprivileged reader gets', () => {
    expect(walkCapabilities(space(64, 0x40))).toEqual({
      capabilities: [],
      problems: [{ kind: 'truncated', list: 'conventional', from: 0x34, pointer: 0x40, length: 64 }],
    });
  });

  it('says that only 256 bytes of a PCI Express function were read', () => {
    const config = space(256, 0x40, [[0x40, 0x10, 0]]);
    expect(walkCapabilities(config).problems).toEqual([{ kind: 'extendedSpaceMissing', length: 256 }]);
  });

  it('says that an extended list leaves the bytes that were read', () => {
    expect(walkCapabilities(space(512, 0, [], [[0x100, 0x0e, 0x800]])).problems).toEqual([
      { kind: 'truncated', list: 'extended', from: 0x100, pointer: 0x800, length: 512 },
    ]);
  });

  it('says that a capability is longer than the bytes that were read', () => {
    expect(walkCapabilities(space(4096, 0, [], [[0xff8, 0x10, 0]])).problems).toEqual([]);
    const walk = walkCapabilities(
      space(
        4096,
        0,
        [],
        [
          [0x100, 0x0e, 0xff8],
          [0xff8, 0x10, 0],
        ],
      ),
    );
    expect(walk.problems).toEqual([
      { kind: 'capabilityTruncated', list: 'extended', offset: 0xff8, needed: 0x40, length: 4096 },
    ]);
  });

  it('tells a function that does not answer from one that is not there at all', () => {
    expect(walkCapabilities(new Uint8Array(4096).fill(0xff)).problems).toEqual([
      { kind: 'unreadable', reading: 'allOnes' },
    ]);
    expect(walkCapabilities(new Uint8Array(256)).problems).toEqual([
      { kind: 'unreadable', reading: 'allZero' },
    ]);
    expect(walkCapabilities(new Uint8Array(0)).problems).toEqual([{ kind: 'headerTruncated', length: 0 }]);
    expect(walkCapabilities(space(40, 0x40)).problems).toEqual([{ kind: 'headerTruncated', length: 40 }]);
  });

  it('reads a virtual function, whose ids really are ffff', () => {
    const config = space(256, 0x40, [[0x40, 0x01, 0]]);
    config.fill(0xff, 0, 4);
    expect(offsets(config)).toEqual([0x40]);
  });

  it('stops at a capability that reads all ones', () => {
    const config = space(4096, 0x40, [[0x40, 0xff, 0xff]], []);
    config.fill(0xff, 0x100, 0x104);
    expect(walkCapabilities(config)).toEqual({
      capabilities: [],
      problems: [
        { kind: 'allOnes', list: 'conventional', from: 0x34, pointer: 0x40 },
        { kind: 'allOnes', list: 'extended', from: 0x100, pointer: 0x100 },
      ],
    });
  });

  it('finds no problem in what real (emulated) devices say', () => {
    for (const { address, config } of readDump('q35.txt')) {
      const problems = walkCapabilities(config).problems.filter((one) => one.kind !== 'extendedSpaceMissing');
      expect(problems, address).toEqual([]);
    }
  });

  it('ends, without a throw and without a capability told twice, on any bytes of any length', () => {
    const bytes = fc.uint8Array({ maxLength: 4096, size: 'max' });
    // Random bytes seldom have a list at all, so half of the runs get a header that starts one.
    const withList = bytes.map((config) => {
      const copy = Uint8Array.from(config);
      copy.set([0xf4, 0x1a].slice(0, copy.length));
      if (copy.length > 0x34) copy[6] = 0x10;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(bytes, withList), (config) => {
        const { capabilities, problems } = walkCapabilities(config);
        expect(new Set(capabilities.map((one) => one.offset)).size).toBe(capabilities.length);
        for (const { offset, extended } of capabilities) {
          expect(offset % 4).toBe(0);
          expect(offset).toBeGreaterThanOrEqual(extended ? 0x100 : 0x40);
          expect(offset).toBeLessThan(config.length);
        }
        if (config.length < 64) expect(problems).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('reports every chain that loops, wherever it loops to', () => {
    const slots = fc.uniqueArray(fc.integer({ min: 0x40 / 4, max: 0xfc / 4 }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(slots, fc.nat(), (chosen, back) => {
        const chain = chosen.map((slot) => slot * 4);
        const target = chain[back % chain.length] ?? 0;
        const list = chain.map((offset, index) => [offset, 0x03, chain[index + 1] ?? target] as const);
        const config = space(256, chain[0] ?? 0, list);
        const { capabilities, problems } = walkCapabilities(config);
        expect(capabilities.map((one) => one.offset)).toEqual(chain);
        expect(problems.filter((one) => one.kind === 'loop')).toEqual([
          { kind: 'loop', list: 'conventional', from: chain.at(-1), pointer: target },
        ]);
      }),
    );
  });
});
