import { describe, expect, it } from 'vitest';
import { dumpOf } from '../../../src-renderer/snapshots/hex.ts';
import { problemSentence } from '../../../src-renderer/views/config/problems.ts';
import { configTable, filteredBlocks } from '../../../src-renderer/views/config/rows.ts';
import { decodeConfigSpace } from '../../../src-main/core/pci/decode.ts';
import { readDump } from '../../core/pci/lspci-dump.ts';

const spaces = ['q35.txt', 'q35-errors.txt', 'synthetic.txt'].flatMap((name) => readDump(name));
const endpoint = spaces.find(({ address }) => address === '0000:03:00.0')?.config ?? new Uint8Array(0);
const changed = (config: Uint8Array, bytes: Readonly<Record<number, number>>): Uint8Array => {
  const copy = Uint8Array.from(config);
  for (const [offset, value] of Object.entries(bytes)) copy[Number(offset)] = value;
  return copy;
};
const registersOf = (bytes: Uint8Array, before: Uint8Array | null = null) =>
  configTable(bytes, before).blocks.flatMap(({ registers }) => registers);

describe('the decoded config space', () => {
  it('has every register that the decoder has, each with a key of its own', () => {
    for (const { config } of spaces) {
      const decoded = decodeConfigSpace(config);
      const rows = registersOf(config);
      const expected =
        decoded.header.registers.length +
        decoded.capabilities.reduce((sum, { registers }) => sum + registers.length, 0);
      expect(rows).toHaveLength(expected);
      expect(new Set(rows.map(({ key }) => key)).size).toBe(expected);
    }
  });

  it('says flags as lspci does', () => {
    const control = registersOf(changed(endpoint, { 4: 0x06, 5: 0x01 })).find(({ offset }) => offset === 4);
    expect(control?.summary).toContain('Mem+ BusMaster+');
    expect(control?.summary).toContain('SERR+');
    expect(control?.fields.find(({ name }) => name === 'BusMaster')).toMatchObject({ bits: '2', value: '+' });
  });

  it('tells what differs from another reading, register and field', () => {
    const before = changed(endpoint, { 4: 0x06, 5: 0x01 });
    const rows = registersOf(changed(before, { 4: 0x02 }), before);
    const different = rows.filter(({ was }) => was !== null);
    expect(different.map(({ offset, was, value }) => [offset, was, value])).toEqual([[4, 0x0106, 0x0102]]);
    expect(different[0]?.fields.filter(({ was }) => was !== null)).toEqual([
      { name: 'BusMaster', bits: '2', value: '−', was: '+' },
    ]);
  });

  it('compares also where the capability list is gone in one of them', () => {
    const rows = registersOf(endpoint, new Uint8Array(endpoint.length));
    expect(rows.filter(({ value }) => value !== 0).every(({ was }) => was === 0)).toBe(true);
  });

  it('names the upper half of a 64-bit BAR and gives it no flags', () => {
    const bytes = changed(endpoint, { 0x20: 0x0c, 0x24: 0x38 });
    expect(registersOf(bytes).find(({ offset }) => offset === 0x24)).toMatchObject({
      name: 'Region 4, upper half',
      fields: [],
      summary: '',
    });
  });

  it.each([
    ['busmaster', true],
    ['004', true],
    ['control', true],
    ['header busmaster', true],
    ['no such word', false],
  ])('is searched for %j', (search, found) => {
    const { blocks } = configTable(changed(endpoint, { 4: 0x06, 5: 0x01 }), null);
    const rows = filteredBlocks(blocks, search, false).flatMap(({ registers }) => registers);
    expect(rows.some(({ offset }) => offset === 4)).toBe(found);
    expect(filteredBlocks(blocks, '', false)).toBe(blocks);
  });

  it('says each problem of the walk in a sentence', () => {
    const problems = spaces.flatMap(({ config }) => configTable(config, null).problems);
    const cut = configTable(endpoint.slice(0, 256), null).problems;
    const ones = configTable(new Uint8Array(4096).fill(0xff), null).problems;
    expect(problems.length + cut.length + ones.length).toBeGreaterThan(2);
    for (const problem of [...problems, ...cut, ...ones]) {
      expect(problemSentence(problem)).toMatch(/^[A-Z].*\.$/);
      expect(problemSentence(problem)).not.toMatch(/undefined|NaN/);
    }
  });
});

describe('the dump', () => {
  it('is what lspci prints', () => {
    const lines = dumpOf(endpoint).split('\n');
    expect(lines).toHaveLength(endpoint.length / 16);
    expect(lines[0]).toMatch(/^000: [0-9a-f]{2}( [0-9a-f]{2}){15}$/);
    expect(dumpOf(endpoint.slice(0, 256)).split('\n')[1]).toMatch(/^10: /);
  });
});
