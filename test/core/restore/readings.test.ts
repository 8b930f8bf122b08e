import { describe, expect, it } from 'vitest';
import { auditRestore, type RestoreAudit } from '../../../src-main/core/restore/audit.ts';
import { problemText } from '../../../src-main/core/restore/auditText.ts';
import type { RestoreEvent, RestoreHistory } from '../../../src-main/core/restore/history.ts';
import { recordedRecoveries } from '../../../src-main/core/restore/recordings.ts';
import { historyOf } from '../../../src-main/core/restore/runHistory.ts';
import { errnoOf } from '../../../src-main/core/errno.ts';
import { failure, type Result } from '../../../src-main/core/result.ts';
import { decodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import { ModelDevice } from '../../../src-main/rigs/simulated/modelDevice.ts';
import type { ConfigReading, DeviceSession } from '../../../src-main/rigs/rig.ts';
import { notHandedDown, withSession } from '../../coordinator/between.ts';
import { Lab, fatal } from '../../coordinator/lab.ts';
import { linesOfDevice } from './recorded.ts';

const offBus = failure('configUnreadable', 'The config space cannot be read: the function is gone.', {
  errno: errnoOf('EIO'),
});
const reading = (
  at: number,
  moment: string,
  config: Uint8Array | null,
  more: Partial<Extract<RestoreEvent, { kind: 'reading' }>> = {},
) => ({ kind: 'reading', at, moment, view: 'hardware', config, ...more }) as const;
const history = (events: readonly RestoreEvent[], more: Partial<RestoreHistory> = {}): RestoreHistory => ({
  kernel: '7.3',
  platform: 'aer',
  protocol: 'notify',
  policy: 'nothing',
  events,
  ...more,
});
const texts = ({ problems }: RestoreAudit): readonly string[] => problems.map(problemText);
const named = (audit: RestoreAudit, name: string) => {
  const found = audit.registers.find((one) => one.name === name);
  if (found === undefined) throw new Error(`No register ${name}.`);
  return found;
};
const everything = templates.acceleratorWithEverything;
/** A device in service, as it is read before the error. */
const inService = (template = everything): Uint8Array => {
  const device = new ModelDevice(template, '7.3', 'nothing');
  device.play([{ kind: 'write', offset: 4, width: 2, value: 0x0506 }]);
  return device.fn.snapshot();
};

/** Records a fatal recovery of a device of which one view cannot be read when `refuses` says so. */
const recordedWith = async (
  refuses: (view: 'vfio' | 'hardware', count: number) => boolean,
): Promise<{ audit: RestoreAudit; lab: Lab }> => {
  let count = 0;
  const seen = ({ at, vfio, hardware }: ConfigReading): ConfigReading => ({
    at,
    vfio: refuses('vfio', (count += 1)) ? offBus : vfio,
    hardware: refuses('hardware', (count += 1)) ? offBus : hardware,
  });
  const lab = new Lab({
    between: (rig) => {
      const open = async (address: Parameters<typeof rig.open>[0]): Promise<Result<DeviceSession>> => {
        const opened = await rig.open(address);
        if (!opened.ok) return opened;
        const session = opened.value;
        return {
          ok: true,
          value: {
            ...session,
            readBothViews: async () => seen(await session.readBothViews()),
            reinitialise: (reader) => session.reinitialise((step, reading) => reader?.(step, seen(reading))),
          },
        };
      };
      return { ...withSession(rig, notHandedDown), open };
    },
  });
  await lab.arm({ decision: 'ackWhenQuiesced', afterReset: 'reinitialise' });
  await lab.hit(fatal);
  await lab.phase('recovered');
  await lab.until('the last reading', () =>
    lab.lines.some((line) => 'moment' in line && line.moment === 'end' && line.view === 'hardware'),
  );
  await lab.close();
  const lines = linesOfDevice(lab);
  const recovery = recordedRecoveries(lines).at(-1);
  if (recovery === undefined) throw new Error('Nothing was recorded.');
  const run = { lines, kernel: '7.2', architecture: 'x86_64' };
  const told = historyOf(run, recovery, ({ bytes }) => {
    const unpacked = decodeSnapshot(bytes);
    return unpacked.ok ? unpacked.value : null;
  });
  if (told === null) throw new Error('No steps are known.');
  return { audit: auditRestore(told), lab };
};

describe('a view that cannot be read', () => {
  it('is recorded with its error and errno, and the audit says when', async () => {
    // Two are read when it is armed.
    const { audit, lab } = await recordedWith((view, count) => view === 'hardware' && count === 4);
    const [line] = lab.linesOf('unreadable');
    expect(line?.moment).toBe('beforeFault');
    expect(line).toMatchObject({
      view: 'hardware',
      error: { code: 'configUnreadable', errno: { number: 5 } },
    });
    const at = audit.moments.findIndex(({ name }) => name === line?.moment);
    expect(named(audit, 'command').values[at]).toBeNull();
    expect(named(audit, 'command').otherValues[at]).not.toBeNull();
    expect(texts(audit)).toContain(
      'Config space (hardware view) unreadable at the time before the fault: configUnreadable (EIO, 5). The config space cannot be read: the function is gone.',
    );
  });

  it('all the time leaves the other, and the reason is said once', async () => {
    const { audit } = await recordedWith((view) => view === 'hardware');
    // Only the opening was read in the hardware's view.
    const why = audit.problems.filter(({ kind }) => kind === 'unreadable');
    expect(why).toHaveLength(1);
    expect(named(audit, 'command').otherValues.filter((value) => value !== null).length).toBeGreaterThan(3);
  });

  it('both at the last moment: what was dangerous before is not taken to be put right', () => {
    const before = inService();
    const zeroed = everything.layout.resetValue;
    const gone = { unread: { kind: 'refused', error: offBus.error } } as const;
    const audit = auditRestore(
      history([
        reading(1, 'armed', before),
        { kind: 'recoveryReset', at: 2, proof: 'certain' },
        reading(3, 'afterReset', zeroed),
        reading(4, 'end', null, gone),
      ]),
    );
    expect(audit.hazards.map(({ kind, state }) => `${kind} ${state}`)).toContain('memoryOff present');
    expect(named(audit, 'command').values).toEqual([expect.any(Number), 0, null]);
  });

  it('makes a save uncertain that a kernel refuses of a device that does not answer', () => {
    const before = inService();
    const audit = (middle: RestoreEvent) =>
      auditRestore(
        history([
          { kind: 'opened', at: 0 },
          reading(1, 'open', before),
          reading(2, 'armed', before),
          middle,
          { kind: 'deviceReset', at: 4, reach: 'function' },
          reading(5, 'end', before),
        ]),
      );
    const certainty = (middle: RestoreEvent): unknown => {
      const field = named(audit(middle), 'command').fields.find(({ name }) => name === 'busMaster');
      return field?.finding.evidence.find((fact) => fact.kind === 'source' && fact.source === 'lastSave');
    };
    expect(certainty(reading(3, 'duringWait', before))).toMatchObject({ fit: 'had' });
    expect(
      certainty(reading(3, 'duringWait', null, { unread: { kind: 'refused', error: offBus.error } })),
    ).not.toMatchObject({ fit: 'had' });
  });
});

describe('a config space that turns unreadable half-way', () => {
  it('invents no hazard from the ones in the part that did not answer', () => {
    const before = inService();
    const half = before.slice().fill(0xff, 0x100);
    const audit = auditRestore(history([reading(1, 'armed', before), reading(2, 'end', half)]));
    expect(audit.hazards).toEqual([]);
    expect(named(audit, 'uncorrectableStatus').values).toEqual([0, null]);
    expect(texts(audit)).toContain(
      'Config space (hardware view) unreadable from 0x100 on at the end: all ones, where the device had others before.',
    );
  });

  it('in the first reading already is audited in full by the others', () => {
    const before = inService();
    const half = before.slice().fill(0xff, 0x100);
    const audit = auditRestore(
      history([reading(1, 'open', half), reading(2, 'armed', before), reading(3, 'end', before)]),
    );
    expect(named(audit, 'uncorrectableSeverity').values[0]).toBeNull();
    expect(named(audit, 'uncorrectableSeverity').values[2]).not.toBeNull();
    expect(texts(audit)).toContain(
      'Config space (hardware view) unreadable from 0x100 on at the opening: all ones, where the device had others before.',
    );
  });

  it('within the header says from which byte on', () => {
    const before = inService();
    const audit = auditRestore(
      history([reading(1, 'armed', before), reading(2, 'end', before.slice(0, 0x30))]),
    );
    expect(named(audit, 'command').values[1]).not.toBeNull();
    expect(named(audit, 'interruptLine').values[1]).toBeNull();
    expect(texts(audit)).toContain(
      'Config space (hardware view) unreadable from 0x30 on at the end: the reading ends there.',
    );
  });
});

describe('devices out of the ordinary', () => {
  const audited = (config: Uint8Array): RestoreAudit =>
    auditRestore(history([reading(1, 'armed', config), reading(2, 'end', config)]));

  it('256 bytes of a conventional function are whole', () => {
    const audit = audited(inService(templates.conventionalNic));
    expect(audit.size).toBe(256);
    expect(texts(audit).filter((text) => text.includes('unreadable'))).toEqual([]);
    expect(audit.steps.filter(({ registers }) => registers.length === 0).length).toBeGreaterThan(10);
  });

  it('a type 1 header is that of a bridge; another type is said, and its first 16 bytes are audited', () => {
    const bridge = templates.rootPort.layout.resetValue;
    expect(named(audited(bridge), 'bridgeControl').step).toBe('pci_restore_config_space');
    const cardBus = bridge.slice();
    cardBus[0x0e] = 0x02;
    const audit = audited(cardBus);
    expect(texts(audit)).toContain(
      'The header is one of a CardBus bridge; only its first 16 bytes are audited.',
    );
    expect(audit.registers.filter(({ owner, offset }) => owner === 'Header' && offset >= 0x10)).toEqual([]);
  });

  it('vendor capabilities that nobody knows are raw dwords, by no step, and said', () => {
    const config = inService();
    const first = config[0x34] ?? 0;
    // The first capability becomes a vendor-specific one of 8 bytes.
    config.set([0x09, config[first + 1] ?? 0, 0x08, 0x77, 0xde, 0xad, 0xbe, 0xef], first);
    const audit = audited(config);
    const raw = audit.registers.find(({ offset }) => offset === first + 4);
    expect(raw).toMatchObject({ step: null, values: [0xefbe_adde, 0xefbe_adde], verdict: 'expected' });
    expect(
      texts(audit).some((text) => text.includes(`at 0x${first.toString(16)} holds what only its vendor`)),
    ).toBe(true);
  });

  it('capability lists that run in a circle are said, and audited as far as they go', () => {
    const config = inService();
    const first = config[0x34] ?? 0;
    config[first + 1] = first;
    const audit = audited(config);
    expect(texts(audit).some((text) => text.includes('(loop)'))).toBe(true);
    expect(named(audit, 'command').values).toHaveLength(2);
  });
});
