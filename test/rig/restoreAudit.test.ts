import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TracedCall } from '../../src-main/core/kernelTrace/told.ts';
import { parsePciAddress } from '../../src-main/core/pci/address.ts';
import { longAt } from '../../src-main/core/pci/bytes.ts';
import { configOffset } from '../../src-main/core/pci/registers.ts';
import type { RestoreAudit } from '../../src-main/core/restore/audit.ts';
import { concerns } from '../../src-main/core/restore/historyLines.ts';
import type { VirtualRig } from '../../src-main/rigs/virtual/virtualRig.ts';
import { lastAuditOf } from '../../src-main/scenarios/audit.ts';
import { parseScenario } from '../../src-main/scenarios/load.ts';
import { noTricks } from '../../src-main/scenarios/tricks.ts';
import { rigOf, startGuest, type ShelledGuest } from './guests.ts';
import { playOn, type Playing } from './playing.ts';
import { valueOf } from './valueOf.ts';

const address = valueOf(parsePciAddress('0000:01:00.0'));

const story = (steps: readonly string[]) =>
  valueOf(
    parseScenario(
      'story',
      [
        'title: One device, its kernel and the audit',
        'seed: 2',
        'story: What the audit says is in the test.',
        'needs: { protocol: notify, profiles: [notify-6.1], topology: single }',
        `device: '${address}'`,
        'steps:',
        ...steps.map((step) => `  - ${step}`),
        '',
      ].join('\n'),
    ),
  );

/** Up to event 2, with what has come back then; then the way back. */
const acknowledged = [
  'arm: { protocol: notify }',
  'inject: { severity: fatal, error: MALF_TLP }',
  'expect: { phase: awaitingAck, within: 60s }',
  'ack: { reason: test }',
  'expect: { phase: slotReset, within: 60s }',
  'look',
];
const back = ['reinitialise', 'expect: { outcome: recovered, within: 60s }'];
const closed = [
  'arm: { protocol: notify }',
  'inject: { severity: fatal, error: MALF_TLP }',
  'expect: { phase: awaitingAck, within: 60s }',
  'close',
  'expect: { uevent: successfulRecovery, within: 60s }',
  'open',
  'prove',
];

const callsOf = ({ lines }: Playing): readonly TracedCall[] =>
  lines.flatMap((line) => (line.type === 'kernelTrace' && line.told.kind === 'call' ? [line.told.call] : []));

/** What the kernel did from the reset of the slot to the end of the driver's slot_reset. */
const inRecovery = (playing: Playing): readonly TracedCall[] => {
  const calls = callsOf(playing);
  const from = calls.findIndex(({ function: name }) => name === 'pci_bridge_secondary_bus_reset');
  const to = calls.findIndex(({ function: name }) => name === 'vfio_pci_notify:slot_reset');
  return calls.slice(from, to + 1);
};

const resumed = (playing: Playing): readonly TracedCall[] =>
  callsOf(playing).filter(({ within }) => within === 'vfio_pci_notify:resume');

const names = (calls: readonly TracedCall[]): readonly string[] => calls.map(({ function: name }) => name);

const present = ({ hazards }: RestoreAudit): readonly string[] =>
  hazards.flatMap(({ kind, state }) => (state === 'present' ? [kind] : [])).sort();

const sourceOf = ({ registers }: RestoreAudit, name: string, field: string) =>
  registers.find((register) => register.name === name)?.fields.find((one) => one.name === field)?.finding
    .source;

describe('the audit of a real kernel, by itself', () => {
  let guest: ShelledGuest;
  let rig: VirtualRig;
  beforeAll(async () => {
    guest = await startGuest({ moduleParameters: { ack_timeout_ms: '60000' } });
    rig = await rigOf(guest);
  });
  afterAll(() => rig.close());

  const play = async (steps: readonly string[]): Promise<Playing> => {
    const playing = await playOn(story(steps), rig, noTricks(rig));
    expect(playing.result.failedStep).toBeNull();
    return playing;
  };
  const repair = (name: string, value: 'Y' | 'N') =>
    guest.shell.run(`echo ${value} > /sys/module/vfio_pci_notify/parameters/${name}`);
  /** As of the last line of a step; the steps are those of `acknowledged`. */
  const auditAt = ({ lines }: Playing, step: number): RestoreAudit => {
    const end = lines.findIndex((line) => line.type === 'scenario' && line.step === step + 1);
    const own = lines.slice(0, end === -1 ? lines.length : end).filter((line) => concerns(line, address));
    const audit = lastAuditOf(own, rig.info);
    if (audit === null) throw new Error('There is nothing to audit.');
    return audit;
  };

  it('without a repair event 2 finds a device that was reset, and the trace no restore (observation 3)', async () => {
    const playing = await play([...acknowledged, ...back]);
    const audit = auditAt(playing, acknowledged.length);
    expect(present(audit)).toEqual(
      expect.arrayContaining(['baseAddressesZero', 'busMasterOff', 'memoryOff', 'msixOff', 'reportingOff']),
    );
    expect(names(inRecovery(playing))).not.toContain('pci_restore_state');
    // The bench's own order brings all of it back.
    expect(present(auditAt(playing, acknowledged.length + back.length))).toEqual([]);
  });

  it('with restore_snapshot only Bus Master is off, and the trace has the steps (observation 16)', async () => {
    await repair('restore_snapshot', 'Y');
    const playing = await play([...acknowledged, ...back]);
    await repair('restore_snapshot', 'N');
    const audit = auditAt(playing, acknowledged.length);
    expect(present(audit)).toContain('busMasterOff');
    for (const gone of ['baseAddressesZero', 'memoryOff', 'reportingOff']) {
      expect(present(audit)).not.toContain(gone);
    }
    expect(sourceOf(audit, 'command', 'memorySpace')).toBe('openSnapshot');
    const traced = inRecovery(playing);
    const restored = traced.find(({ function: name }) => name === 'pci_restore_state');
    expect(names(traced)).toContain('pci_load_saved_state');
    expect(restored?.within).toBe('vfio_pci_notify:slot_reset');
    expect(restored?.steps.map((step) => step.function)).toEqual(
      expect.arrayContaining(['pci_restore_aer_state', 'pci_restore_config_space', 'pci_restore_msi_state']),
    );
  });

  it('with close_withdraws a device that was closed in the wait is restored when the kernel goes on', async () => {
    await repair('close_withdraws', 'Y');
    const playing = await play([...closed, 'expect: { proof: proven }']);
    await repair('close_withdraws', 'N');
    expect(names(resumed(playing))).toContain('pci_restore_state');
  });

  // The last one: nobody brings this device back but a reboot.
  it('without it the next open finds all BARs zero (observation 10)', async () => {
    const playing = await play([...closed, 'expect: { proof: failed }']);
    expect(names(resumed(playing))).not.toContain('pci_restore_state');
    const opening = [...playing.readings].findLast(([name]) => name.includes(' open hardware'))?.[1];
    expect(longAt(opening ?? new Uint8Array(0), configOffset.baseAddress0 + 4 * 4)).toBe(0xc);
  });
});
