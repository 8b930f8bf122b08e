import { describe, expect, it } from 'vitest';
import type { JournalLine, LineOf } from '../../../src-main/core/journal/line.ts';
import type { TracedCall, TraceState } from '../../../src-main/core/kernelTrace/told.ts';
import { auditRestore } from '../../../src-main/core/restore/audit.ts';
import { auditText } from '../../../src-main/core/restore/auditText.ts';
import { auditTable } from '../../../src-main/core/restore/auditTable.ts';
import type { RestoreEvent, RestoreHistory } from '../../../src-main/core/restore/history.ts';
import { recordedRecoveries } from '../../../src-main/core/restore/recordings.ts';
import { historyOf } from '../../../src-main/core/restore/runHistory.ts';
import { tracedEvents, tracedReset, traceSightOf } from '../../../src-main/core/restore/runTrace.ts';
import { restoreStepNames } from '../../../src-main/core/restore/steps.ts';
import { decodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import { notHandedDown, withSession } from '../../coordinator/between.ts';
import { Lab, fatal, rng, valueOf } from '../../coordinator/lab.ts';
import { callsIn, recordedTrace } from '../kernelTrace/recordedTrace.ts';
import { linesOfDevice } from './recorded.ts';

const port = '0000:00:04.0';
const envelope = { seq: 1, at: 0, wall: '2026-11-21T00:00:00.000Z', type: 'kernelTrace' } as const;
const silent = { took: 0, returned: null, request: null, within: null, steps: [] } as const;

const line = (
  happened: number,
  call: Partial<TracedCall> & Pick<TracedCall, 'function'>,
  subject: string | null = rng,
): LineOf<'kernelTrace'> => ({
  ...envelope,
  device: rng,
  happened,
  subject,
  told: { kind: 'call', call: { ...silent, edge: 'ended', ...call } },
});
const stateLine = (state: TraceState): LineOf<'kernelTrace'> => ({
  ...envelope,
  device: null,
  happened: 0,
  subject: null,
  told: { kind: 'state', state },
});
const recoveryFunctions = ['pcie_do_recovery', 'aer_root_reset', 'dpc_reset_link', 'pci_restore_state'];
const watching = (seen: readonly string[]): LineOf<'kernelTrace'> =>
  stateLine({ kind: 'watching', means: 'kprobes', seen, unseen: [], devices: 'known' });
const restore = (happened: number, within: string): LineOf<'kernelTrace'> =>
  line(happened, {
    function: 'pci_restore_state',
    took: 500,
    within,
    steps: [
      { function: 'pci_restore_pcie_state', after: 10, took: 5 },
      { function: 'pci_restore_config_space', after: 40, took: 90 },
    ],
  });

/** A fatal recovery of the simulated device up to the reading after its reset, with a trace of a kernel beside it. */
const traced = async (
  trace: (openedAt: number, resetAt: number) => readonly JournalLine[],
): Promise<RestoreHistory> => {
  const lab = new Lab({ between: (rig) => withSession(rig, notHandedDown) });
  await lab.arm({ decision: 'ackWhenQuiesced', afterReset: 'wait' });
  await lab.hit(fatal);
  await lab.until('afterReset', () =>
    lab.linesOf('snapshot').some(({ moment, view }) => moment === 'afterReset' && view === 'hardware'),
  );
  await lab.close();
  const own = linesOfDevice(lab);
  const recovery = recordedRecoveries(own).at(-1);
  const after = lab.linesOf('snapshot').find(({ moment }) => moment === 'afterReset');
  if (recovery === undefined || after === undefined) throw new Error('Nothing was recorded.');
  const lines = [...own, ...trace(recovery.openedAt, after.at)];
  const run = { lines, kernel: '7.2.13', architecture: 'x86_64' };
  const history = historyOf(run, recovery, ({ bytes }) => valueOf(decodeSnapshot(bytes)));
  if (history === null) throw new Error('No steps are known of 7.2.13.');
  return history;
};
const resets = ({ events }: RestoreHistory): readonly RestoreEvent[] =>
  events.filter(({ kind }) => kind === 'recoveryReset');

describe('the trace of a fatal recovery on Linux 6.1', () => {
  const lines = callsIn(recordedTrace).map(({ at, address, call }): LineOf<'kernelTrace'> => ({
    ...envelope,
    device: rng,
    happened: at,
    subject: address,
    told: { kind: 'call', call },
  }));
  const events = tracedEvents(lines);

  it('has every restore with its steps, told by a reset and none of them by the recovery', () => {
    const restores = events.filter((event) => event.function === 'pci_restore_state');
    expect(restores.length).toBeGreaterThan(0);
    expect(new Set(restores.map(({ by }) => by))).toEqual(new Set(['reset']));
    const steps = events.filter((event) => restoreStepNames.some((name) => name === event.function));
    expect(steps).toHaveLength(13 * restores.length);
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort((one, other) => one - other));
  });

  it('shows when the port reset the bus', () => {
    const recovery = lines.filter(
      ({ told }) => told.kind === 'call' && told.call.function === 'pcie_do_recovery',
    );
    const [from, to] = [recovery.at(0)?.happened ?? 0, recovery.at(-1)?.happened ?? 0];
    const told = tracedReset(lines, undefined, from, to);
    expect(told.kind).toBe('reset');
    const root = lines.find(
      ({ told: one }) =>
        one.kind === 'call' && one.call.function === 'pci_bus_error_reset' && one.call.edge === 'ended',
    );
    expect(told).toMatchObject({ at: root?.happened });
  });
});

describe('a trace beside the readings', () => {
  it('puts the reset where it was seen, as certain', async () => {
    const history = await traced((opened) => [
      watching(recoveryFunctions),
      line(opened + 90_000, { function: 'aer_root_reset', took: 80_000, returned: 5 }, port),
      line(opened + 95_000, { function: 'pcie_do_recovery', returned: 5 }),
    ]);
    expect(resets(history)).toEqual([
      expect.objectContaining({ proof: 'certain', at: expect.any(Number) as number }),
    ]);
    const order = history.events.map((event) => (event.kind === 'reading' ? event.moment : event.kind));
    expect(order.indexOf('recoveryReset')).toBeGreaterThan(order.lastIndexOf('duringWait'));
    expect(order.indexOf('recoveryReset')).toBeLessThan(order.indexOf('afterReset'));
  });

  it('that would have shown a reset and shows none is proof of none', async () => {
    const history = await traced((opened, after) => [
      watching(recoveryFunctions),
      line(after + 1, { function: 'pcie_do_recovery', took: after - opened }),
    ]);
    expect(resets(history)).toEqual([]);
    // Of a trace that has lost records nothing follows from silence.
    const lossy = await traced((opened, after) => [
      watching(recoveryFunctions),
      line(after + 1, { function: 'pcie_do_recovery', took: after - opened }),
      { ...envelope, device: null, happened: after, subject: null, told: { kind: 'lost', count: 3 } },
    ]);
    expect(resets(lossy)).toEqual([expect.objectContaining({ proof: 'possible' })]);
  });

  it('tells the steps that happened from those that did not, and from those it cannot show', async () => {
    const shown = [
      ...recoveryFunctions,
      'pci_restore_pcie_state',
      'pci_restore_config_space',
      'pci_enable_acs',
    ];
    const history = await traced((opened) => [
      watching(shown),
      line(opened + 90_000, { function: 'aer_root_reset', took: 80_000, returned: 5 }, port),
      restore(opened + 92_000, 'vfio_pci_notify:slot_reset'),
      line(opened + 93_000, { function: 'pcie_do_recovery', returned: 5 }),
    ]);
    const audit = auditRestore(history);
    const sight = (name: string) => audit.steps.find(({ step }) => step.name === name)?.trace;
    const reset = audit.moments.findIndex(({ name }) => name === 'afterReset');
    expect(sight('pci_restore_pcie_state')).toMatchObject({ sight: 'ran' });
    expect(sight('pci_restore_pcie_state')?.runs).toEqual(
      audit.moments.map((_, moment) => (moment === reset ? 1 : 0)),
    );
    expect(sight('pci_enable_acs')).toMatchObject({ sight: 'didNotRun', events: [] });
    expect(sight('pci_restore_ats_state')).toMatchObject({ sight: 'unseen', events: [] });
    const text = auditText(audit);
    expect(text).toContain('pci_restore_pcie_state (seen to run)');
    expect(text).toContain('pci_enable_acs (did not run): the device has nothing that it writes');
    expect(text).toContain('pci_restore_ats_state (unseen, may have run)');
    const control = audit.registers.find(({ name }) => name === 'deviceControl');
    expect(control?.fields[0]?.finding.evidence).toContainEqual(
      expect.objectContaining({ kind: 'traced', function: 'pci_restore_pcie_state' }),
    );
    const sections = auditTable(audit, 'all');
    expect(sections.find(({ step }) => step?.name === 'pci_restore_pcie_state')?.trace?.sight).toBe('ran');
  });

  it('of a restore within a reset of the bench proves nothing about what the recovery restored', async () => {
    const by = (within: string) => tracedEvents([restore(1_000, within)]).map((event) => event.by)[0];
    expect([by('pci_dev_restore'), by('report_slot_reset'), by('pci_save_state')]).toEqual([
      'reset',
      'recovery',
      'unknown',
    ]);
    // Another device's restore is none of this one's.
    expect(tracedEvents([line(5, { function: 'pci_restore_state' }, port)])).toEqual([]);
  });

  it('that nobody switched on is no trace, and its steps are inferred', async () => {
    const history = await traced(() => []);
    expect(history.trace).toBeUndefined();
    const sights = auditRestore(history).steps.map(({ trace }) => trace.sight);
    expect(new Set(sights)).toEqual(new Set(['notTraced']));
    const off = traceSightOf([stateLine({ kind: 'off', error: null })], '7.2');
    expect(off?.whole).toBe(false);
    const anonymous = traceSightOf(
      [
        stateLine({
          kind: 'watching',
          means: 'functions',
          seen: ['pci_restore_state'],
          unseen: [],
          devices: 'unknown',
        }),
      ],
      '7.2',
    );
    expect(anonymous?.whole).toBe(false);
  });
});
