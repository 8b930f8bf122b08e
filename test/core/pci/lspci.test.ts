import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { decodeConfigSpace } from '../../../src-main/core/pci/decode.ts';
import { syntheticDump } from '../../fixtures/lspci/synthetic.ts';
import { compare } from './lspci-compare.ts';
import { fixturePath, fixtureText, readDump } from './lspci-dump.ts';
import { parseLspci } from './lspci-text.ts';

const dumps = ['q35.txt', 'q35-errors.txt', 'synthetic.txt'];

// `-n` leaves out names, which come from the pci.ids of the machine and not from the dump.
const lspci = (name: string) =>
  spawnSync('lspci', ['-n', '-D', '-vvv', '-F', fixturePath(name)], { encoding: 'utf8' });

const available = spawnSync('lspci', ['--version']).status === 0;

// Without lspci there is nothing to compare with; on the build machine that is a failure, elsewhere it is said.
describe.skipIf(!available && process.env['CI'] !== 'true')(
  'decoding like lspci -vvv -F (needs pciutils)',
  () => {
    for (const name of dumps) {
      it(`agrees with everything lspci prints about the functions of ${name}`, () => {
        const { stdout, status } = lspci(name);
        expect(status).toBe(0);
        const printed = parseLspci(stdout);
        const functions = readDump(name);
        expect(printed.map((one) => one.address)).toEqual(functions.map((one) => one.address));
        const comparisons = functions.map(({ config }, index) => {
          const one = printed[index];
          if (one === undefined) throw new Error('lspci printed fewer functions than the dump has');
          return compare(one, decodeConfigSpace(config));
        });
        expect(comparisons.flatMap((one) => one.differences)).toEqual([]);
        // Not vacuously: thousands of flags and numbers.
        expect(comparisons.reduce((sum, one) => sum + one.agreed, 0)).toBeGreaterThan(700);
      });
    }

    it('covers every capability the console promises to decode', () => {
      const titles = dumps
        .flatMap((name) => parseLspci(lspci(name).stdout))
        .flatMap((one) => one.sections.map((section) => section.title))
        .join('\n');
      for (const title of [
        'Express',
        'MSI:',
        'MSI-X:',
        'Advanced Error Reporting',
        'PASID',
        'PRI',
        'ATS',
        'Virtual Channel',
        'Physical Resizable BAR',
        'Virtual Resizable BAR',
        'Downstream Port Containment',
        'Precision Time Measurement',
        'Transaction Processing Hints',
        'Access Control Services',
        'SR-IOV',
        'Power Management',
      ]) {
        expect(titles).toContain(title);
      }
    });

    it('notices when any compared field is decoded wrongly', () => {
      const noticed = new Set<string>();
      const tried = new Set<string>();
      const printed = parseLspci(lspci('synthetic.txt').stdout);
      // The first twelve are root ports and endpoints that hold every capability between them. A field whose value is
      // out of range has one wording for many values, so it is enough to notice a field in one of them.
      for (const [index, { config }] of readDump('synthetic.txt').slice(0, 12).entries()) {
        const one = printed[index];
        if (one === undefined) throw new Error('lspci printed fewer functions than the dump has');
        for (const { offset, width, mask, what } of compare(one, decodeConfigSpace(config)).looked) {
          const kind = `${index % 2 === 0 ? 'port' : 'endpoint'} ${offset.toString(16)} ${what}`;
          tried.add(kind);
          if (noticed.has(kind)) continue;
          for (let bit = 0; bit < width * 8; bit += 1) {
            if (((mask >>> bit) & 1) === 0) continue;
            const wrong = Uint8Array.from(config);
            wrong[offset + (bit >>> 3)] = (wrong[offset + (bit >>> 3)] ?? 0) ^ (1 << (bit & 7));
            if (compare(one, decodeConfigSpace(wrong)).differences.length === 0) continue;
            noticed.add(kind);
            break;
          }
        }
      }
      expect(tried.size).toBeGreaterThan(400);
      expect([...tried].filter((kind) => !noticed.has(kind))).toEqual([]);
    });

    it('notices when a field or a capability is missing from our decode', () => {
      const printed = parseLspci(lspci('synthetic.txt').stdout)[1];
      const config = readDump('synthetic.txt')[1]?.config;
      if (printed === undefined || config === undefined) throw new Error('the synthetic dump is too short');
      const decoded = decodeConfigSpace(config);
      for (const [dropped, capability] of decoded.capabilities.entries()) {
        const without = {
          ...decoded,
          capabilities: decoded.capabilities.filter((_, index) => index !== dropped),
        };
        expect(compare(printed, without).differences, capability.name).not.toEqual([]);
      }
      const aer = decoded.capabilities.find((one) => one.name === 'Advanced Error Reporting');
      for (const register of aer?.registers.slice(1, 6) ?? []) {
        for (const field of register.fields.filter((one) => one.label !== undefined && one.bitOffset < 22)) {
          if (register.name.startsWith('correctable') && field.bitOffset > 13) continue;
          const thinner = {
            ...decoded,
            capabilities: decoded.capabilities.map((one) => ({
              ...one,
              registers: one.registers.map((other) =>
                other === register
                  ? { ...other, fields: other.fields.filter((kept) => kept !== field) }
                  : other,
              ),
            })),
          };
          expect(compare(printed, thinner).differences, `${register.name} ${field.name}`).not.toEqual([]);
        }
      }
    });
  },
);

describe('the synthetic dump', () => {
  it('is what its generator makes', () => {
    expect(fixtureText('synthetic.txt')).toBe(syntheticDump());
  });
});
