import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  correctableErrors,
  defaultSeverityMask,
  uncorrectableErrors,
} from '../../../src-main/core/pci/aer.ts';
import { valueAt } from '../../../src-main/core/pci/bytes.ts';
import { capabilityId, extendedCapabilityId } from '../../../src-main/core/pci/capability-ids.ts';
import { capabilityOf, decodeConfigSpace } from '../../../src-main/core/pci/decode.ts';
import type { DecodedConfig, DecodedField, DecodedRegister } from '../../../src-main/core/pci/decode.ts';
import { diffConfigSpaces } from '../../../src-main/core/pci/diff.ts';
import { readDump } from './lspci-dump.ts';
import type { DumpedFunction } from './lspci-dump.ts';

const functions = ['q35.txt', 'q35-errors.txt', 'synthetic.txt'].flatMap((name) =>
  readDump(name).map((one): DumpedFunction & { readonly dump: string } => ({ ...one, dump: name })),
);

const functionAt = (dump: string, address: string): Uint8Array => {
  const found = functions.find((one) => one.dump === dump && one.address === address);
  if (found === undefined) throw new Error(`${dump} has no ${address}`);
  return found.config;
};

const blocksOf = (decoded: DecodedConfig): readonly (readonly DecodedRegister[])[] => [
  decoded.header.registers,
  ...decoded.capabilities.map((one) => one.registers),
];

const fieldOf = (
  registers: readonly DecodedRegister[] | undefined,
  name: string,
  field: string,
): DecodedField => {
  const found = registers?.find((one) => one.name === name)?.fields.find((one) => one.name === field);
  if (found === undefined) throw new Error(`no ${name}.${field}`);
  return found;
};

/** What must hold for any decode: it says what the bytes say, and no more than was read. */
const consistent = (config: Uint8Array, decoded: DecodedConfig): void => {
  for (const registers of blocksOf(decoded)) {
    for (const { offset, width, value, fields } of registers) {
      if (offset + width > config.length) throw new Error('a register outside the bytes');
      if (value !== valueAt(config, offset, width)) throw new Error('a value that the bytes do not say');
      for (const field of fields) {
        if (field.value !== ((value & field.mask) >>> 0) / 2 ** field.bitOffset)
          throw new Error('a field apart');
      }
    }
  }
};

describe('the tables of registers', () => {
  it('have fields that fit, do not overlap, and have names of their own', () => {
    for (const { config } of functions) {
      for (const registers of blocksOf(decodeConfigSpace(config))) {
        const names = registers.map((one) => one.name);
        expect(new Set(names).size, names.join()).toBe(names.length);
        const bytes = new Set<number>();
        for (const { name, offset, width, fields } of registers) {
          for (let at = offset; at < offset + width; at += 1) {
            expect(bytes.has(at), `${name} overlaps at ${at}`).toBe(false);
            bytes.add(at);
          }
          let seen = 0;
          for (const field of fields) {
            expect(field.mask, `${name}.${field.name}`).toBeLessThan(2 ** (8 * width));
            expect((seen & field.mask) >>> 0, `${name}.${field.name}`).toBe(0);
            expect(field.mask).toBe(2 ** field.bitOffset * (2 ** field.bitWidth - 1));
            seen = (seen | field.mask) >>> 0;
          }
          expect(new Set(fields.map((one) => one.name)).size, name).toBe(fields.length);
          const labels = fields.flatMap((one) => one.label ?? []);
          expect(new Set(labels).size, name).toBe(labels.length);
        }
      }
    }
  });

  it('say what the bytes say, for every dumped function cut to any length', () => {
    fc.assert(
      fc.property(fc.constantFrom(...functions), fc.integer({ min: 0, max: 4096 }), ({ config }, length) => {
        const part = config.subarray(0, length);
        consistent(part, decodeConfigSpace(part));
      }),
      { numRuns: 400 },
    );
  });

  it('say what the bytes say on any bytes, and neither hang nor throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096, size: 'max' }), fc.boolean(), (random, list) => {
        const config = Uint8Array.from(random);
        if (list && config.length > 0x34) config.set([0xf4, 0x1a, 0x44, 0x10, 0, 0, 0x10, 0]);
        consistent(config, decodeConfigSpace(config));
      }),
      { numRuns: 300 },
    );
  });

  it('say what the bytes say when the capabilities of a real function are scrambled', () => {
    const flips = fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(...functions), flips, ({ config }, changes) => {
        const scrambled = Uint8Array.from(config);
        for (const [offset, value] of changes) scrambled[offset % config.length] = value;
        consistent(scrambled, decodeConfigSpace(scrambled));
        diffConfigSpaces(config, scrambled);
      }),
      { numRuns: 300 },
    );
  });
});

describe('decodeConfigSpace', () => {
  it('reads an endpoint', () => {
    const decoded = decodeConfigSpace(functionAt('q35.txt', '0000:03:00.0'));
    expect(decoded.header).toMatchObject({ kind: 'endpoint', multiFunction: false });
    expect(fieldOf(decoded.header.registers, 'vendorId', 'value')).toMatchObject({
      value: 0x1af4,
      meaning: '1af4',
    });
    expect(fieldOf(decoded.header.registers, 'command', 'busMaster')).toMatchObject({
      value: 1,
      label: 'BusMaster',
    });
    expect(decoded.capabilities.map((one) => one.name)).toContain('Address Translation Service');
    expect(decoded.capabilities.every((one) => one.known)).toBe(true);
    const common = decoded.capabilities.find(
      (one) =>
        one.id === capabilityId.vendorSpecific &&
        fieldOf(one.registers, 'configurationType', 'value').meaning === 'CommonCfg',
    );
    expect(fieldOf(common?.registers, 'structureLength', 'value').value).toBeGreaterThan(0);
  });

  it('reads a bridge', () => {
    const { header } = decodeConfigSpace(functionAt('q35.txt', '0000:00:04.0'));
    expect(header.kind).toBe('bridge');
    expect(fieldOf(header.registers, 'secondaryBus', 'value')).toMatchObject({ value: 1, meaning: '01' });
    expect(fieldOf(header.registers, 'bridgeControl', 'serr').value).toBe(1);
  });

  it('shows what an injected error left behind', () => {
    const decoded = decodeConfigSpace(functionAt('q35-errors.txt', '0000:01:00.0'));
    const aer = capabilityOf(decoded, extendedCapabilityId.advancedErrorReporting, true);
    const set = (name: string) =>
      aer?.registers.find((one) => one.name === name)?.fields.filter((one) => one.value === 1);
    expect(set('uncorrectableStatus')?.map((one) => one.name)).toEqual(['COMP_TIME', 'MALF_TLP']);
    expect(set('correctableStatus')?.map((one) => one.name)).toEqual(['BAD_TLP']);
    // A fresh function has the reset value of the severity register.
    expect(aer?.registers.find((one) => one.name === 'uncorrectableSeverity')?.value).toBe(
      defaultSeverityMask & 0x03ff_ffff,
    );
    const port = capabilityOf(
      decodeConfigSpace(functionAt('q35-errors.txt', '0000:00:05.0')),
      extendedCapabilityId.advancedErrorReporting,
      true,
    );
    expect(fieldOf(port?.registers, 'uncorrectableSource', 'value').meaning).toBe('0100');
  });

  it('names the AER fields as aer.ts does', () => {
    const aer = capabilityOf(
      decodeConfigSpace(functionAt('q35.txt', '0000:03:00.0')),
      extendedCapabilityId.advancedErrorReporting,
      true,
    );
    const names = (name: string) =>
      aer?.registers.find((one) => one.name === name)?.fields.map((one) => one.name);
    expect(names('uncorrectableMask')).toEqual(uncorrectableErrors.map((one) => one.name));
    expect(names('correctableMask')).toEqual(correctableErrors.map((one) => one.name));
  });

  it.each([
    [0x0000, ['messageAddress', 'messageData'], 0x08],
    [0x0080, ['messageAddress', 'messageUpperAddress', 'messageData'], 0x0c],
    [0x0100, ['messageAddress', 'messageData', 'maskBits', 'pendingBits'], 0x08],
    [0x0180, ['messageAddress', 'messageUpperAddress', 'messageData', 'maskBits', 'pendingBits'], 0x0c],
  ])('lays out MSI with control %s', (control, names, dataAt) => {
    const config = new Uint8Array(256);
    config.set([0xf4, 0x1a, 0x44, 0x10, 0, 0, 0x10, 0]);
    config[0x34] = 0x50;
    config.set([0x05, 0, control & 0xff, control >>> 8], 0x50);
    const msi = capabilityOf(decodeConfigSpace(config), capabilityId.msi, false);
    expect(msi?.registers.slice(2).map((one) => one.name)).toEqual(names);
    expect(msi?.registers.find((one) => one.name === 'messageData')?.offset).toBe(0x50 + dataAt);
  });

  it('has the second half of PCI Express only from version 2 on', () => {
    const names = (version: number) => {
      const config = new Uint8Array(256);
      config.set([0xf4, 0x1a, 0x44, 0x10, 0, 0, 0x10, 0]);
      config[0x34] = 0x40;
      config.set([0x10, 0, version, 0], 0x40);
      const express = capabilityOf(decodeConfigSpace(config), capabilityId.pciExpress, false);
      return express?.registers.map((one) => one.name) ?? [];
    };
    expect(names(1)).not.toContain('deviceControl2');
    expect(names(2)).toContain('deviceControl2');
    expect(names(1)).not.toContain('slotControl');
  });

  it('shows an unknown capability raw, and says that it is unknown', () => {
    const unknown = decodeConfigSpace(functionAt('synthetic.txt', '10000:01:00.0')).capabilities.find(
      (one) => one.id === 0x7777,
    );
    expect(unknown).toMatchObject({ known: false, name: 'Unknown extended capability 0x7777', version: 3 });
    expect(unknown?.registers.map((one) => one.offset)).toEqual([
      0x2b0, 0x2b4, 0x2b8, 0x2bc, 0x2c0, 0x2c4, 0x2c8, 0x2cc,
    ]);
    expect(unknown?.registers.slice(1).every((one) => one.fields.length === 0)).toBe(true);
  });

  it('reads the steering tags that lie in the capability', () => {
    const tph = capabilityOf(
      decodeConfigSpace(functionAt('synthetic.txt', '10000:01:00.0')),
      extendedCapabilityId.tphRequester,
      true,
    );
    expect(tph?.registers.filter((one) => one.name.startsWith('steeringTable'))).toHaveLength(4);
    expect(fieldOf(tph?.registers, 'capabilities', 'steeringTableSizeMinusOne').meaning).toBe('4 entries');
  });

  it('says of a function that does not answer just that', () => {
    const decoded = decodeConfigSpace(new Uint8Array(4096).fill(0xff));
    expect(decoded.capabilities).toEqual([]);
    expect(decoded.problems).toEqual([{ kind: 'unreadable', reading: 'allOnes' }]);
    expect(decoded.header.kind).toBe('unknown');
    expect(decodeConfigSpace(new Uint8Array(0)).header.registers).toEqual([]);
  });
});
