import { describe, expect, it } from 'vitest';
import { auditRestore, type RestoreAudit } from '../../src-main/core/restore/audit.ts';
import type { Mark, MarkingMoment } from '../../src-main/core/restore/marking.ts';
import {
  markingStateOf,
  type MarkDetail,
  type MarkingDetail,
  type UnmarkDetail,
} from '../../src-main/core/restore/markingRun.ts';
import { recordedRecoveries } from '../../src-main/core/restore/recordings.ts';
import { historyOf } from '../../src-main/core/restore/runHistory.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { valueAt } from '../../src-main/core/pci/bytes.ts';
import { capabilityId } from '../../src-main/core/pci/capability-ids.ts';
import { decodeSnapshot } from '../../src-main/journal/snapshot.ts';
import { profileNames, profiles, type ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { codeOf, decision, fatal, Lab, nonFatal, policyOf, rng, valueOf } from './lab.ts';

const cacheLine = 0x0c;

const hardware = async (lab: Lab): Promise<Uint8Array> =>
  valueOf(await (lab.coordinator.session(rng) ?? expect.fail('not open')).readConfig('hardware'));

const operations = (lab: Lab, name: string) =>
  lab.linesOf('operation', rng).filter(({ operation }) => operation === name);
const moments = (lab: Lab): readonly MarkingMoment[] =>
  operations(lab, 'mark').map(({ detail }) => (detail as MarkDetail).moment);
const endings = (lab: Lab): readonly string[] =>
  operations(lab, 'unmark').map(
    ({ detail, result }) => `${(detail as UnmarkDetail).because} ${result === 'done' ? 'done' : result.code}`,
  );

const marksOf = (lab: Lab): readonly Mark[] =>
  operations(lab, 'marking').flatMap(({ detail }) => (detail as MarkingDetail).plan.marks);

const ended = (lab: Lab): Promise<void> =>
  lab.until('the old values are back', () => operations(lab, 'unmark').length > 0);

/** `upTo`: the last moment that the audit knows of. */
const auditOf = (lab: Lab, upTo: string): RestoreAudit => {
  const lines = lab.lines.filter((line) => 'device' in line && line.device === rng);
  const recovery = recordedRecoveries(lines).at(-1) ?? expect.fail('no recovery');
  const { kernel, architecture } = lab.rig.info;
  const history =
    historyOf({ lines, kernel, architecture }, recovery, ({ bytes }) => valueOf(decodeSnapshot(bytes))) ??
    expect.fail('an unknown kernel');
  const first = history.events.findIndex((event) => event.kind === 'reading' && event.moment === upTo);
  return auditRestore({ ...history, events: history.events.slice(0, first + 2) });
};

const findingsOf = (audit: RestoreAudit, { offset, mask }: Mark) =>
  audit.registers
    .filter((register) => register.offset === offset)
    .flatMap(({ fields }) => fields.filter((field) => (field.mask & mask) !== 0))
    .map(({ finding }) => finding);

const withAer = profileNames.filter((name) => profiles[name].platform === 'aer');

/** One recovery of the virtio-rng from the arming to its end, acked as soon as the device is quiet. */
const played = async (profile: ProfileName, fault: typeof fatal, marked: boolean): Promise<Lab> => {
  const lab = new Lab({ profile });
  const devices = valueOf(await lab.coordinator.devices());
  const protocol = devices.find(({ address }) => address === rng)?.protocols[0] ?? expect.fail('no protocol');
  const policy = policyOf({ decision: 'ackWhenQuiesced' });
  valueOf(await lab.coordinator.arm(rng, protocol, policy));
  if (marked) valueOf(await lab.coordinator.mark(rng, decision));
  await lab.hit(fault);
  await lab.until('the end was read', () =>
    lab.linesOf('snapshot', rng).some(({ moment, view }) => moment === 'end' && view === 'hardware'),
  );
  if (marked) await ended(lab);
  return lab;
};

describe.each(withAer)('a marking run on %s', (profile) => {
  it.each([
    ['fatal', fatal],
    ['non-fatal', nonFatal],
  ] as const)('leaves nothing of what it marks ambiguous, after a %s error', async (_, fault) => {
    const plain = await played(profile, fault, false);
    const lab = await played(profile, fault, true);
    const marks = marksOf(lab);
    expect(marks.map(({ label }) => label)).toContain('Cache Line Size');
    expect(moments(lab)).toEqual(['armed', 'duringWait', 'afterReset']);
    const ownReset = lab.linesOf('step', rng).some(({ event }) => event.kind === 'resetFinished');
    for (const mark of marks) {
      const [before, after] = [auditOf(plain, 'end'), auditOf(lab, 'end')].map((audit) =>
        findingsOf(audit, mark),
      );
      expect(before?.map(({ certainty }) => certainty)).toContain('ambiguous');
      for (const finding of after ?? []) {
        if (!mark.sticky) expect(finding.certainty).not.toBe('ambiguous');
        // A sticky register holds what user space wrote whether DEVICE_RESET wrote it again or not.
        expect(['userSpace', 'lastSave']).toEqual(expect.arrayContaining([...finding.candidates]));
      }
      // What the kernel's own reset left was told from the save and from the snapshot of the opening.
      for (const { certainty, candidates } of findingsOf(auditOf(lab, 'afterReset'), mark)) {
        // Where the bench resets by itself, that reset has saved what was there, and put the same back.
        if (!ownReset) expect(certainty).not.toBe('ambiguous');
        else if (certainty === 'ambiguous') {
          expect(candidates).toContain('lastSave');
          expect(candidates).not.toContain('openSnapshot');
        }
      }
    }
    expect(endings(lab)).toEqual(['recoveryEnded done']);
    await plain.close();
    await lab.close();
  });
});

describe('the old values', () => {
  const marked = async (profile: ProfileName = 'notify-7.2'): Promise<{ lab: Lab; before: Uint8Array }> => {
    const lab = new Lab({ profile });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const before = await hardware(lab);
    valueOf(await lab.coordinator.mark(rng, decision));
    expect(valueAt(await hardware(lab), cacheLine, 1)).not.toBe(valueAt(before, cacheLine, 1));
    return { lab, before };
  };
  const expectBack = async (lab: Lab, before: Uint8Array): Promise<void> => {
    const after = await hardware(lab);
    for (const { offset, width } of marksOf(lab)) {
      expect(valueAt(after, offset, width)).toBe(valueAt(before, offset, width));
    }
  };

  it('are back after a recovery', async () => {
    const { lab, before } = await marked();
    await lab.hit();
    await lab.phase('recovered');
    await ended(lab);
    await expectBack(lab, before);
    // The next recovery is not marked, and may be answered without asking again.
    await lab.until('handed down', () => lab.linesOf('handDown', rng).at(-1)?.automatic?.at === 'signal');
    await lab.close();
  });

  it('are back after a recovery that failed', async () => {
    const { lab, before } = await marked();
    const session = lab.coordinator.session(rng) ?? expect.fail('not open');
    session.reinitialise = async () => ({ succeeded: false, steps: [{ step: 'COMMAND', result: 'failed' }] });
    await lab.hit();
    await lab.phase('failed');
    await ended(lab);
    expect(endings(lab)).toEqual(['recoveryEnded done']);
    await expectBack(lab, before);
    await lab.close();
  });

  it('are back when nobody acked, or the bench withdrew', async () => {
    for (const onTimeout of ['letExpire', 'withdraw'] as const) {
      const lab = new Lab();
      await lab.arm({ decision: 'askPerson', onTimeout });
      const before = await hardware(lab);
      valueOf(await lab.coordinator.mark(rng, decision));
      await lab.hit(nonFatal);
      await ended(lab);
      expect(lab.state().phase).toBe(onTimeout === 'withdraw' ? 'withdrawn' : 'timedOut');
      await expectBack(lab, before);
      await lab.close();
    }
  });

  it('are back at once when it is cancelled before any fault, and not written twice', async () => {
    const { lab, before } = await marked();
    expect(valueOf(await lab.coordinator.unmark(rng))).toBe('putBack');
    await expectBack(lab, before);
    await lab.hit();
    await lab.phase('recovered');
    expect(moments(lab)).toEqual(['armed']);
    expect(endings(lab)).toEqual(['cancelled done']);
    expect(codeOf(await lab.coordinator.unmark(rng))).toBe('notSupported');
    await lab.close();
  });

  it('are back at the end when it is cancelled in the wait, with no more marks', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'askPerson' });
    const before = await hardware(lab);
    valueOf(await lab.coordinator.mark(rng, decision));
    await lab.hit();
    await lab.phase('awaitingAck');
    expect(valueOf(await lab.coordinator.unmark(rng))).toBe('atTheEnd');
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    await lab.phase('recovered');
    await ended(lab);
    expect(moments(lab)).toEqual(['armed', 'duringWait']);
    await expectBack(lab, before);
    await lab.close();
  });

  it('are back when the device is disarmed, or closed', async () => {
    const { lab, before } = await marked();
    valueOf(await lab.coordinator.disarm(rng));
    expect(endings(lab)).toEqual(['disarmed done']);
    await expectBack(lab, before);
    await lab.arm();
    valueOf(await lab.coordinator.mark(rng, decision));
    const { fn } = lab.rig.machine.devices.get(rng) ?? expect.fail('no device');
    const writes: number[] = [];
    const session = lab.coordinator.session(rng) ?? expect.fail('not open');
    const close = session.close.bind(session);
    session.close = () => {
      writes.push(valueAt(fn.snapshot(), cacheLine, 1));
      return close();
    };
    valueOf(await lab.coordinator.close(rng));
    expect(writes).toEqual([valueAt(before, cacheLine, 1)]);
    expect(endings(lab)).toEqual(['disarmed done', 'closed done']);
    await lab.close();
  });

  it('went with a device that vanished, which is said', async () => {
    const { lab } = await marked();
    valueOf(await lab.coordinator.inject(rng, { kind: 'unplug' }, 'simulated'));
    await ended(lab);
    expect(endings(lab)).toEqual(['deviceVanished deviceLost']);
    expect(markingStateOf(lab.linesOf('operation', rng))).toMatchObject({
      kind: 'ended',
      trouble: { code: 'deviceLost' },
    });
    await lab.close();
  });

  it('are back after a recovery in which the device could not be marked while it was frozen', async () => {
    const device = '0001:01:00.0' as PciAddress;
    const lab = new Lab({ profile: 'eeh', topology: 'eehPe' });
    valueOf(await lab.coordinator.arm(device, 'eeh', policyOf({ decision: 'ackWhenQuiesced' })));
    valueOf(await lab.coordinator.mark(device, decision));
    await lab.hit({ kind: 'eehFreeze' }, device);
    const told = (operation: string) =>
      lab.linesOf('operation', device).filter((line) => line.operation === operation);
    await lab.until('put back', () => told('unmark').length > 0);
    const marks = told('mark').map(
      ({ detail, result }) => `${(detail as MarkDetail).moment} ${result === 'done' ? 'done' : result.code}`,
    );
    expect(marks).toEqual(['armed done', 'duringWait configUnreadable', 'afterReset done']);
    expect(markingStateOf(lab.linesOf('operation', device))).toMatchObject({
      kind: 'ended',
      moments: ['armed', 'afterReset'],
      trouble: null,
    });
    await lab.close();
  });

  it('stay owed when they do not stick, and are tried again', async () => {
    const { lab, before } = await marked();
    const session = lab.coordinator.session(rng) ?? expect.fail('not open');
    const write = session.writeConfig.bind(session);
    session.writeConfig = async () => ({
      ok: false,
      error: { code: 'kernelRefused', message: 'The write failed.' },
    });
    expect(codeOf(await lab.coordinator.unmark(rng))).toBe('kernelRefused');
    expect(markingStateOf(lab.linesOf('operation', rng))).toMatchObject({
      kind: 'marked',
      trouble: { code: 'kernelRefused' },
    });
    session.writeConfig = write;
    expect(valueOf(await lab.coordinator.unmark(rng))).toBe('putBack');
    expect(markingStateOf(lab.linesOf('operation', rng))).toMatchObject({ kind: 'ended', trouble: null });
    await expectBack(lab, before);
    await lab.close();
  });
});

describe('a marking run is refused', () => {
  it('without a name, not armed, in a recovery, and twice; nothing is written', async () => {
    const lab = new Lab();
    expect(codeOf(await lab.coordinator.mark(rng, decision))).toBe('notArmed');
    expect(codeOf(await lab.coordinator.planMarking(rng))).toBe('sessionClosed');
    await lab.arm({ decision: 'askPerson' });
    const before = await hardware(lab);
    expect(codeOf(await lab.coordinator.mark(rng, { operator: ' ', reason: 'x' }))).toBe('malformedInput');
    expect(await hardware(lab)).toEqual(before);
    await lab.hit();
    await lab.phase('awaitingAck');
    expect(codeOf(await lab.coordinator.mark(rng, decision))).toBe('recoveryOpen');
    valueOf(await lab.coordinator.acknowledge(rng, decision));
    await lab.phase('recovered');
    valueOf(await lab.coordinator.mark(rng, decision));
    expect(codeOf(await lab.coordinator.mark(rng, decision))).toBe('stepUnderWay');
    expect(lab.linesOf('refusal', rng).map(({ wish }) => wish)).toEqual(['mark', 'mark', 'mark', 'mark']);
    await lab.close();
  });

  it('on a device that has nothing to mark', async () => {
    const lab = new Lab();
    await lab.arm({ decision: 'askPerson' });
    const session = lab.coordinator.session(rng) ?? expect.fail('not open');
    const read = session.readConfig.bind(session);
    // Without its PCI Express capability nothing is known to be harmless.
    session.readConfig = async (view) => {
      const config = valueOf(await read(view)).slice(0, 256);
      const start = config.findIndex(
        (id, at) => at >= 0x40 && at % 4 === 0 && id === capabilityId.pciExpress,
      );
      config[start] = capabilityId.vendorSpecific;
      return { ok: true, value: config };
    };
    expect(codeOf(await lab.coordinator.mark(rng, decision))).toBe('notSupported');
    await lab.close();
  });
});
