import { describe, expect, it } from 'vitest';
import type { RestoreOverview, RestoreRow } from '../../../src-main/core/restore/overview.ts';
import { restoreOverview } from '../../../src-main/core/restore/overview.ts';
import { restoreStepsOf } from '../../../src-main/core/restore/steps.ts';
import { readDump } from '../pci/lspci-dump.ts';
import { recordedFatal } from './recorded.ts';

const steps = restoreStepsOf('7.2');
const rowsOf = (overview: RestoreOverview): readonly RestoreRow[] =>
  overview.steps.flatMap(({ rows }) => rows);
const rowOf = (overview: RestoreOverview, label: string): RestoreRow => {
  const row = rowsOf(overview).find((one) => one.label === label);
  if (row === undefined) throw new Error(`There is no row ${label}.`);
  return row;
};
const signs = (row: RestoreRow): string => row.cells.map(({ state }) => state).join(' ');

const endpoint =
  readDump('q35.txt').find(({ address }) => address === '0000:03:00.0')?.config ?? new Uint8Array(0);
const changed = (config: Uint8Array, bytes: Readonly<Record<number, number>>): Uint8Array => {
  const copy = Uint8Array.from(config);
  for (const [offset, value] of Object.entries(bytes)) copy[Number(offset)] = value;
  return copy;
};

describe('a fatal error as the RFC handles it', () => {
  it('wipes what observation 3 says, and everything is back when the bench has brought the device back', async () => {
    const { recovery, readings } = await recordedFatal('notify-7.2', 'end');
    expect(recovery).toMatchObject({
      number: 1,
      protocol: 'notify',
      severity: 'fatal',
      outcome: 'recovered',
    });
    const overview = restoreOverview(steps, readings);
    expect(overview.asOf).toBe('end');
    for (const label of ['DevCtl', 'COMMAND', 'BAR 1', 'BAR 4', 'BAR 4 upper', 'MSI-X']) {
      const row = rowOf(overview, label);
      expect(`${label}: ${signs(row)} ${row.verdict}`).toBe(`${label}: same same changed back restored`);
    }
    expect(rowOf(overview, 'UESta')).toMatchObject({ verdict: 'cleared' });
    expect(rowOf(overview, 'UESvrt')).toMatchObject({ verdict: 'unchanged' });
    expect(overview.hazards.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'BARs zero passed',
      'Memory off passed',
      'Bus Master off passed',
      'MSI-X off passed',
      'DevCtl zero passed',
      'SERR off passed',
    ]);
  });

  it('is full of hazards while nobody has brought the device back', async () => {
    const { readings } = await recordedFatal('notify-7.2', 'afterReset', { afterReset: 'wait' });
    const overview = restoreOverview(steps, readings);
    expect(overview.asOf).toBe('afterReset');
    expect(overview.hazards.every(({ state }) => state === 'present')).toBe(true);
    for (const label of ['DevCtl', 'COMMAND', 'BAR 1', 'MSI-X']) {
      expect(rowOf(overview, label).verdict).toBe('hazard');
    }
    expect(rowOf(overview, 'COMMAND').hazards.map(({ kind }) => kind)).toEqual([
      'memoryOff',
      'busMasterOff',
      'serrOff',
    ]);
    expect(rowOf(overview, 'MSI-X').hazards[0]?.evidence).toBe('Message Control 0x0001, was 0x8001');
  });

  it('keeps BARs and DevCtl where slot_reset restores the open-time snapshot (observation 16)', async () => {
    const { readings } = await recordedFatal('notify-7.2-restore', 'afterReset', { afterReset: 'wait' });
    const overview = restoreOverview(steps, readings);
    for (const label of ['DevCtl', 'BAR 1', 'BAR 4']) {
      expect(rowOf(overview, label).verdict).toBe('unchanged');
    }
    expect(overview.hazards.map(({ kind }) => kind)).toEqual(['busMasterOff', 'msixOff']);
  });
});

describe('the table', () => {
  it('lists every step in kernel order, and which of them this device has', () => {
    const overview = restoreOverview(steps, { armed: endpoint });
    expect(overview.steps.map(({ step }) => step.name)).toEqual(steps.map(({ name }) => name));
    const absent = overview.steps.filter(({ presence }) => presence === 'absent');
    expect(absent.map(({ step }) => step.name)).toContain('pci_restore_pasid_state');
    expect(absent.every(({ rows }) => rows.length === 0)).toBe(true);
    expect(rowsOf(overview).every(({ verdict }) => verdict === 'pending')).toBe(true);
    expect(overview.hazards).toEqual([]);
  });

  it('knows of no device while nothing was read', () => {
    const overview = restoreOverview(steps, {});
    expect(overview.asOf).toBeNull();
    expect(new Set(overview.steps.map(({ presence }) => presence))).toEqual(new Set(['unknown']));
  });

  it('folds the registers of the header that say little, and counts each one once', () => {
    const { rows, folded } = restoreOverview(steps, { armed: endpoint }).steps.find(
      ({ step }) => step.name === 'pci_restore_config_space',
    ) ?? { rows: [], folded: 0 };
    expect(rows.map(({ label }) => label)).toContain('COMMAND');
    expect(rows.map(({ label }) => label)).not.toContain('vendorId');
    const whole = restoreOverview(steps, {
      armed: endpoint,
      end: new Uint8Array(4096).fill(0xff),
    }).steps.find(({ step }) => step.name === 'pci_restore_config_space');
    expect(rows.length + folded).toBe(whole?.rows.length);
  });

  it.each([
    { name: 'bits gone', bytes: { 0x04: 0x02, 0x05: 0x01 }, verdict: 'hazard' },
    { name: 'another value', bytes: { 0x05: 0x07 }, verdict: 'changed' },
    { name: 'the same', bytes: {}, verdict: 'unchanged' },
  ])('says of COMMAND with $name: $verdict', ({ bytes, verdict }) => {
    const armed = changed(endpoint, { 0x04: 0x06, 0x05: 0x05 });
    const overview = restoreOverview(steps, { armed, end: changed(armed, bytes) });
    expect(rowOf(overview, 'COMMAND').verdict).toBe(verdict);
  });

  it('calls a register whose bits are gone lost where that is not dangerous', () => {
    const armed = changed(endpoint, { 0x0c: 0x10 });
    const row = rowOf(restoreOverview(steps, { armed, end: changed(armed, { 0x0c: 0 }) }), 'Cache Line Size');
    expect(row).toMatchObject({ verdict: 'lost', hazards: [] });
  });

  it('says that a device which reads all ones does not answer, and nothing else', () => {
    const overview = restoreOverview(steps, { armed: endpoint, end: new Uint8Array(4096).fill(0xff) });
    expect(overview.hazards.map(({ kind, state }) => [kind, state])).toEqual([['allOnes', 'present']]);
  });

  it('takes no half of a 64-bit BAR for a lost one when it was zero before', () => {
    const armed = changed(endpoint, { 0x10: 0x0c, 0x13: 0xfe, 0x14: 0, 0x15: 0, 0x16: 0, 0x17: 0 });
    const { hazards } = restoreOverview(steps, { armed, end: changed(armed, { 0x13: 0 }) });
    expect(hazards.map(({ kind, offsets }) => [kind, offsets])).toEqual([['baseAddressesZero', [0x10]]]);
  });

  it('never throws, whatever was read', () => {
    for (const { config } of ['q35.txt', 'q35-errors.txt', 'synthetic.txt'].flatMap(readDump)) {
      for (const end of [new Uint8Array(0), new Uint8Array(3), new Uint8Array(4096), config.slice(0, 64)]) {
        const overview = restoreOverview(steps, { armed: config, end });
        expect(overview.steps).toHaveLength(steps.length);
      }
    }
  });
});
