import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCapability } from '../../../src-main/core/pci/capabilities.ts';
import { capabilityId } from '../../../src-main/core/pci/capability-ids.ts';
import { diffConfigSpaces } from '../../../src-main/core/pci/diff.ts';
import type { RegisterChange } from '../../../src-main/core/pci/diff.ts';
import { readDump } from './lspci-dump.ts';

const spaces = ['q35.txt', 'q35-errors.txt', 'synthetic.txt'].flatMap((name) =>
  readDump(name).map((one) => one.config),
);
const endpoint =
  readDump('q35.txt').find((one) => one.address === '0000:03:00.0')?.config ?? new Uint8Array(0);

const changed = (before: Uint8Array, bytes: Readonly<Record<number, number>>): Uint8Array => {
  const after = Uint8Array.from(before);
  for (const [offset, value] of Object.entries(bytes)) after[Number(offset)] = value;
  return after;
};

/** Writes what a diff says over the first reading. */
const apply = (before: Uint8Array, changes: readonly RegisterChange[]): Uint8Array => {
  const after = Uint8Array.from(before);
  for (const { offset, width, after: value } of changes) {
    for (let index = 0; index < width; index += 1) after[offset + index] = (value >>> (8 * index)) & 0xff;
  }
  return after;
};

describe('diffConfigSpaces', () => {
  it('finds nothing between equal readings', () => {
    for (const config of spaces) expect(diffConfigSpaces(config, Uint8Array.from(config))).toEqual([]);
    expect(diffConfigSpaces(new Uint8Array(0), new Uint8Array(4096))).toEqual([]);
  });

  it('names the register and the fields that a lost COMMAND and DevCtl differ in', () => {
    const deviceControl = (findCapability(endpoint, capabilityId.pciExpress) ?? 0) + 8;
    expect(endpoint[deviceControl]).toBe(0x0f);
    const changes = diffConfigSpaces(endpoint, changed(endpoint, { 4: 0, 5: 0, [deviceControl]: 0x06 }));
    expect(changes.map((one) => [one.owner, one.name, one.label])).toEqual([
      ['Header', 'command', 'Control'],
      ['PCI Express', 'deviceControl', 'DevCtl'],
    ]);
    expect(changes[0]?.fields.map((one) => [one.name, one.before, one.after])).toContainEqual([
      'busMaster',
      1,
      0,
    ]);
    expect(changes[1]?.fields.map((one) => [one.label, one.before, one.after])).toEqual([
      ['CorrErr', 1, 0],
      ['UnsupReq', 1, 0],
    ]);
  });

  it('gives both meanings of a field that has words', () => {
    const synthetic = spaces.at(-1) ?? new Uint8Array(0);
    const latency = changed(synthetic, { 0x0c: 0x20 });
    expect(diffConfigSpaces(synthetic, latency)).toMatchObject([
      { name: 'cacheLineSize', fields: [{ beforeMeaning: '64 bytes', afterMeaning: '128 bytes' }] },
    ]);
  });

  it('reports bytes that no register covers as unknown dwords', () => {
    expect(diffConfigSpaces(endpoint, changed(endpoint, { 0xf05: 0xab }))).toEqual([
      { offset: 0xf04, width: 4, owner: 'Unknown', name: 'rawf04', before: 0, after: 0xab00, fields: [] },
    ]);
  });

  it('tells a change of reserved bits by the register alone', () => {
    const status = endpoint[6] ?? 0;
    expect(diffConfigSpaces(endpoint, changed(endpoint, { 6: status ^ 0x02 }))).toMatchObject([
      { name: 'status', fields: [] },
    ]);
  });

  it('still names the registers when the capability list itself is gone', () => {
    const wiped = Uint8Array.from(endpoint).fill(0);
    const changes = diffConfigSpaces(endpoint, wiped);
    expect(changes.map((one) => one.owner)).toContain('PCI Express');
    expect(changes.map((one) => one.owner)).toContain('Advanced Error Reporting');
    // The same from the other side: what came back is named by the reading that has it.
    expect(diffConfigSpaces(wiped, endpoint).map((one) => [one.owner, one.name])).toContainEqual([
      'PCI Express',
      'deviceControl',
    ]);
    expect(apply(endpoint, changes)).toEqual(wiped);
  });

  it('says neither more nor less than what differs, between any two readings', () => {
    const anySpace = fc.constantFrom(...spaces);
    const edits = fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 40 });
    const pair = fc.oneof(
      fc.tuple(anySpace, anySpace),
      fc.tuple(anySpace, edits).map(([config, list]) => {
        const bytes = list.map(([offset, value]) => [offset % config.length, value] as const);
        return [config, changed(config, Object.fromEntries(bytes))] as const;
      }),
      fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 })),
    );
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const length = Math.min(before.length, after.length);
        const changes = diffConfigSpaces(before, after);
        expect(apply(before, changes).subarray(0, length)).toEqual(
          Uint8Array.from(after.subarray(0, length)),
        );
        expect(changes.every((one) => one.before !== one.after && one.offset + one.width <= length)).toBe(
          true,
        );
        const offsets = changes.map((one) => one.offset);
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
        for (const change of changes) {
          for (const field of change.fields) expect(field.before).not.toBe(field.after);
        }
      }),
      { numRuns: 300 },
    );
  });
});
