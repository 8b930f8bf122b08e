import { describe, expect, it } from 'vitest';
import { encodeAerInjection } from '../../../src-main/core/faults/aerInjection.ts';
import {
  judgeDelivery,
  type DeliveryEvidence,
  type ReportingFunction,
} from '../../../src-main/core/faults/delivery.ts';
import { parsePciAddress, type PciAddress } from '../../../src-main/core/pci/address.ts';
import { findAerError, type AerError } from '../../../src-main/core/pci/aer.ts';
import { findCapability, findExtendedCapability } from '../../../src-main/core/pci/capabilities.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { Hierarchy } from '../../../src-main/rigs/simulated/hardware/hierarchy.ts';

const addressOf = (text: string): PciAddress => {
  const parsed = parsePciAddress(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
};
const errorOf = (name: string): AerError => {
  const error = findAerError(name);
  if (error === undefined) throw new Error(`There is no ${name}.`);
  return error;
};

const hierarchy = new Hierarchy(topologies.single);
const quiet = { correctable: 0, nonFatal: 0, fatal: 0 };

/** A function as firmware and kernel leave it: everything reported. */
const reporting = (
  address: string,
  change: (config: Uint8Array) => void = () => undefined,
): ReportingFunction => {
  const node = hierarchy.node(addressOf(address));
  if (node === undefined) throw new Error(`There is no ${address}.`);
  const config = node.fn.snapshot();
  set16(config, 0x04, 0x0506);
  const express = findCapability(config, 0x10) ?? 0;
  set16(config, express + 0x08, 0x000f);
  if (address === '0000:00:04.0') {
    set16(config, 0x3e, 0x0002);
    set32(config, (findExtendedCapability(config, 1) ?? 0) + 0x2c, 7);
  } else {
    set32(config, (findExtendedCapability(config, 1) ?? 0) + 0x08, 0);
    set32(config, (findExtendedCapability(config, 1) ?? 0) + 0x14, 0);
  }
  change(config);
  return { address: addressOf(address), config, counters: quiet };
};
const set16 = (config: Uint8Array, at: number, value: number): void =>
  new DataView(config.buffer, config.byteOffset).setUint16(at, value, true);
const set32 = (config: Uint8Array, at: number, value: number): void =>
  new DataView(config.buffer, config.byteOffset).setUint32(at, value, true);
const aerAt = (config: Uint8Array): number => findExtendedCapability(config, 1) ?? 0;
const expressAt = (config: Uint8Array): number => findCapability(config, 0x10) ?? 0;

const dut = '0000:01:00.0';
const port = '0000:00:04.0';

const evidence = (
  name: string,
  changes: { readonly dut?: (config: Uint8Array) => void; readonly port?: (config: Uint8Array) => void } = {},
  more: Partial<DeliveryEvidence> = {},
): DeliveryEvidence => {
  const path = { device: reporting(dut, changes.dut), ports: [reporting(port, changes.port)] };
  return {
    error: errorOf(name),
    injector: 'qemuMonitor',
    before: path,
    after: path,
    heard: [],
    aerInjectLoaded: false,
    ...more,
  };
};

describe('an injected error arrived', () => {
  const { before } = evidence('MALF_TLP');

  it.each([
    ['the device counts it', { ...before, device: { ...before.device, counters: { ...quiet, fatal: 1 } } }],
    [
      'its root port counts it',
      { ...before, ports: [{ ...reporting(port), counters: { ...quiet, nonFatal: 3 } }] },
    ],
  ])('when %s', (_, after) => {
    const { kind, detail } = judgeDelivery(evidence('MALF_TLP', {}, { after }));
    expect(kind).toBe('reported');
    expect(detail).toMatch(/counted a (fatal|non-fatal) error of 0000:/);
  });

  it('when something was heard, whatever the registers say', () => {
    const heard = ['The kernel log says: AER'];
    const shut = (config: Uint8Array): void => void config.fill(0, 4);
    expect(judgeDelivery(evidence('COMP_TIME', { dut: shut }, { heard }))).toEqual({
      kind: 'reported',
      detail: heard[0],
    });
  });

  it('also where the kernel keeps no counters of the device', () => {
    const bare = { ...before, device: { ...before.device, counters: null } };
    expect(judgeDelivery(evidence('MALF_TLP', {}, { before: bare, after: bare })).kind).toBe('lost');
  });
});

describe('an injected error got lost', () => {
  it.each<[string, string, Parameters<typeof evidence>[1], string, RegExp]>([
    ['masked', 'MALF_TLP', { dut: (c) => set32(c, aerAt(c) + 8, 1 << 18) }, 'masked', /MALF_TLP is masked/],
    [
      'masked, correctable',
      'BAD_TLP',
      { dut: (c) => set32(c, aerAt(c) + 0x14, 0x40) },
      'masked',
      /BAD_TLP is masked/,
    ],
    [
      'DevCtl of zero',
      'COMP_TIME',
      { dut: (c) => set16(c, expressAt(c) + 8, 0) },
      'deviceControl',
      /DevCtl of .* is 0x0/,
    ],
    [
      'DevCtl without fatal',
      'MALF_TLP',
      { dut: (c) => set16(c, expressAt(c) + 8, 3) },
      'deviceControl',
      /fatal errors/,
    ],
    ['SERR off', 'MALF_TLP', { dut: (c) => set16(c, 4, 6) }, 'serr', /COMMAND.SERR/],
    [
      'SERR off at the port',
      'MALF_TLP',
      { port: (c) => set16(c, 4, 7) },
      'platform',
      /0000:00:04.0 .*COMMAND/,
    ],
    [
      'SERR off in Bridge Control',
      'COMP_TIME',
      { port: (c) => set16(c, 0x3e, 0) },
      'platform',
      /Bridge Control/,
    ],
    [
      'Root Error Command off',
      'COMP_TIME',
      { port: (c) => set32(c, aerAt(c) + 0x2c, 1) },
      'platform',
      /Root Error Command/,
    ],
    [
      'latched and not told',
      'MALF_TLP',
      { dut: (c) => set32(c, aerAt(c) + 4, 1 << 18) },
      'platform',
      /stands in the AER status/,
    ],
    ['not even latched', 'MALF_TLP', {}, 'platform', /never reached/],
  ])('%s', (_, name, changes, where, detail) => {
    const delivery = judgeDelivery(evidence(name, changes));
    expect(delivery).toMatchObject({ kind: 'lost', where });
    expect(delivery.detail).toMatch(detail);
  });

  it('at the severity that the device gives it', () => {
    const made = (severity: number): ReturnType<typeof judgeDelivery> =>
      judgeDelivery(
        evidence('COMP_TIME', {
          dut: (config) => {
            set32(config, aerAt(config) + 0x0c, severity);
            set16(config, expressAt(config) + 8, 0b1011);
          },
        }),
      );
    expect(made(0)).not.toMatchObject({ where: 'deviceControl' });
    expect(made(1 << 14)).toMatchObject({ where: 'deviceControl' });
  });

  it('a correctable one needs no SERR', () => {
    const off = (config: Uint8Array): void => set16(config, 4, 6);
    expect(judgeDelivery(evidence('BAD_TLP', { dut: off, port: off }))).toMatchObject({
      where: 'platform',
      detail: expect.stringContaining('never reached'),
    });
  });

  it('one of aer_inject passes by DevCtl and SERR, but not by the mask and the root port', () => {
    const shut = (config: Uint8Array): void => {
      set16(config, 4, 0);
      set16(config, expressAt(config) + 8, 0);
    };
    const injector = 'aerInject';
    expect(judgeDelivery(evidence('MALF_TLP', { dut: shut }, { injector })).detail).toMatch(/never reached/);
    const masked = (config: Uint8Array): void => set32(config, aerAt(config) + 8, 1 << 18);
    expect(judgeDelivery(evidence('MALF_TLP', { dut: masked }, { injector }))).toMatchObject({
      where: 'masked',
    });
    const deaf = (config: Uint8Array): void => set32(config, aerAt(config) + 0x2c, 0);
    expect(judgeDelivery(evidence('MALF_TLP', { port: deaf }, { injector })).detail).toMatch(
      /Root Error Command/,
    );
  });

  it('in a QEMU that sends no correctable messages', () => {
    const standing = (config: Uint8Array): void => set32(config, aerAt(config) + 0x10, 0x40);
    expect(judgeDelivery(evidence('BAD_TLP', { dut: standing })).detail).toMatch(/QEMU before 8.0/);
    expect(judgeDelivery(evidence('BAD_TLP')).detail).toMatch(/never reached/);
    const { detail } = judgeDelivery(evidence('BAD_TLP', { dut: standing }, { injector: 'simulated' }));
    expect(detail).toMatch(/told and counted nothing/);
  });

  it('behind the copies that aer_inject has the kernel read', () => {
    const after = (injector: DeliveryEvidence['injector']): string =>
      judgeDelivery(evidence('MALF_TLP', {}, { injector, aerInjectLoaded: true })).detail;
    expect(after('qemuMonitor')).toMatch(/rmmod aer_inject/);
    expect(after('aerInject')).not.toMatch(/rmmod/);
    const off = (config: Uint8Array): void => set16(config, 4, 6);
    const shut = evidence('MALF_TLP', { dut: off }, { aerInjectLoaded: true });
    expect(judgeDelivery(shut)).toMatchObject({ where: 'serr' });
  });

  it('where nothing can be read, or no port is above', () => {
    const { before } = evidence('MALF_TLP');
    const blind = { ...before, device: { ...before.device, config: null } };
    expect(judgeDelivery(evidence('MALF_TLP', {}, { before: blind })).detail).toMatch(/cannot be read/);
    expect(judgeDelivery(evidence('MALF_TLP', {}, { before: { ...before, ports: [] } })).detail).toMatch(
      /no root port/,
    );
  });
});

describe('a request to aer_inject', () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

  it('has the 32 bytes of struct aer_error_inj', () => {
    expect(hex(encodeAerInjection('little', addressOf('10000:e1:1f.7'), errorOf('MALF_TLP')))).toBe(
      `e11f0700${'00000400'}${'00000000'}${'01000e0b'}${'00000000'.repeat(3)}${'00000100'}`,
    );
    expect(hex(encodeAerInjection('big', addressOf('0000:01:00.0'), errorOf('BAD_TLP')))).toBe(
      `01000000${'00000000'}${'00000040'}${'0b0e0001'}${'00000000'.repeat(3)}${'00000000'}`,
    );
  });
});
