import { describe, expect, it } from 'vitest';
import { auditRestore, type RestoreAudit } from '../../../src-main/core/restore/audit.ts';
import { auditText, factText, findingText, problemText } from '../../../src-main/core/restore/auditText.ts';
import type { RestoreEvent, RestoreHistory, RestorePolicy } from '../../../src-main/core/restore/history.ts';
import type { ModelledKernel } from '../../../src-main/core/restore/kernelVersion.ts';
import type { FunctionTemplate } from '../../../src-main/rigs/simulated/hardware/functionTemplate.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import { ModelDevice, type HistoryAction } from '../../../src-main/rigs/simulated/modelDevice.ts';
import { recoveryActions } from '../../../src-main/rigs/simulated/whatIf.ts';

type Played = Exclude<RestorePolicy, 'unknown'>;

const played = (
  template: FunctionTemplate,
  kernel: ModelledKernel,
  policy: Played,
  actions: readonly HistoryAction[],
): ModelDevice => {
  const device = new ModelDevice(template, kernel, policy);
  device.play(actions);
  return device;
};

const named = (audit: RestoreAudit, name: string) => {
  const register = audit.registers.find((one) => one.name === name);
  if (register === undefined) throw new Error(`No register ${name}.`);
  return register;
};

const field = (audit: RestoreAudit, register: string, name: string) => {
  const found = named(audit, register).fields.find((one) => one.name === name);
  if (found === undefined) throw new Error(`No field ${name} of ${register}.`);
  return found;
};

const hazards = (audit: RestoreAudit): readonly string[] =>
  audit.hazards.map(({ kind, state }) => `${kind} ${state}`);

const read = (moment: string): HistoryAction => ({ kind: 'read', moment, views: 'hardware' });
const command = (value: number): HistoryAction => ({ kind: 'write', offset: 4, width: 2, value });
const enable = (feature: 'msix' | 'tph'): HistoryAction => ({ kind: 'feature', feature, change: 'enabled' });
const until = (actions: readonly HistoryAction[], moment: string): readonly HistoryAction[] =>
  actions.slice(0, actions.findIndex((one) => one.kind === 'read' && one.moment === moment) + 1);

const history = (events: readonly RestoreEvent[], more: Partial<RestoreHistory> = {}): RestoreHistory => ({
  kernel: '7.2',
  platform: 'aer',
  protocol: 'notify',
  policy: 'nothing',
  events,
  ...more,
});
const reading = (
  at: number,
  moment: string,
  config: Uint8Array | null,
  view: 'vfio' | 'hardware' = 'hardware',
) => ({ kind: 'reading', at, moment, view, config }) as const;

const rng = templates.virtioRng;
const everything = templates.acceleratorWithEverything;

describe('the audit of a fatal error as the RFC handles it', () => {
  const actions = recoveryActions(rng);

  it('says after event 2 what observation 3 says, and that the hardware itself left it', () => {
    const device = played(rng, '7.2', 'nothing', until(actions, 'afterReset'));
    const audit = auditRestore(device.history());
    expect(hazards(audit)).toEqual(
      expect.arrayContaining([
        'interruptsKernelOnly present',
        'baseAddressesZero present',
        'memoryOff present',
        'msixOff present',
        'reportingOff present',
      ]),
    );
    for (const name of ['command', 'deviceControl', 'baseAddress1', 'cacheLineSize']) {
      expect(`${name}: ${findingText(named(audit, name).finding)}`).toContain('the hardware itself');
    }
    expect(field(audit, 'command', 'memorySpace').finding).toMatchObject({
      certainty: 'proved',
      source: 'hardwareReset',
    });
    expect(named(audit, 'cacheLineSize').verdict).toBe('lost');
    expect(named(audit, 'command').verdict).toBe('hazard');
  });

  it('names who brought each value back, step by step', () => {
    const audit = auditRestore(played(rng, '7.2', 'nothing', actions).history());
    expect(audit.hazards.filter(({ state }) => state === 'present')).toEqual([]);
    // vfio's own copy of the BARs, which its DEVICE_RESET then saved and restored.
    expect(field(audit, 'baseAddress1', 'address').finding).toMatchObject({ source: 'lastSave' });
    expect(named(audit, 'baseAddress1').verdict).toBe('restored');
    expect(field(audit, 'messageControl', 'enable').finding).toMatchObject({
      certainty: 'proved',
      source: 'liveKernelState',
    });
    expect(field(audit, 'command', 'busMaster').finding).toMatchObject({
      certainty: 'proved',
      source: 'userSpace',
    });
    expect(named(audit, 'deviceControl').finding).toMatchObject({ certainty: 'proved', source: 'userSpace' });
    // DEVICE_RESET saved the zero that the kernel's reset had left; its own reset leaves the same.
    expect(named(audit, 'cacheLineSize')).toMatchObject({ verdict: 'lost' });
    expect(field(audit, 'cacheLineSize', 'value').finding).toMatchObject({
      certainty: 'ambiguous',
      candidates: ['hardwareReset', 'lastSave'],
    });
  });

  it('finds that DevCtl stays zero where nobody writes it (observation 5)', () => {
    const express = named(
      auditRestore(played(rng, '7.2', 'nothing', actions).history()),
      'deviceControl',
    ).offset;
    const last = actions.findLastIndex((one) => one.kind === 'write' && one.offset === express);
    const without = actions.filter((_, index) => index !== last);
    const audit = auditRestore(played(rng, '7.2', 'nothing', without).history());
    expect(hazards(audit)).toContain('reportingOff present');
    expect(named(audit, 'deviceControl').verdict).toBe('hazard');
  });

  it('finds the save of zeros when DEVICE_RESET comes before COMMAND (observation 4)', () => {
    const audit = auditRestore(
      played(rng, '7.2', 'nothing', [
        ...until(actions, 'afterReset'),
        { kind: 'deviceReset' },
        read('end'),
      ]).history(),
    );
    expect(hazards(audit)).toEqual(
      expect.arrayContaining(['poisonedSave present', 'memoryOffSaved present', 'baseAddressesZero present']),
    );
  });

  it('tells the open-time snapshot from the last save where they differ (observation 16)', () => {
    const audit = auditRestore(played(rng, '7.2', 'openSnapshot', until(actions, 'afterReset')).history());
    expect(field(audit, 'command', 'memorySpace').finding).toMatchObject({
      certainty: 'proved',
      source: 'openSnapshot',
    });
    // The BARs are the same in every snapshot, and what the reset made of them nobody saw.
    expect(field(audit, 'baseAddress1', 'address').finding).toMatchObject({ certainty: 'ambiguous' });
    // Bus master stays off until COMMAND is rewritten.
    expect(hazards(audit)).toContain('busMasterOff present');
    // COMMAND of the snapshot has INTx Disable clear; it was the MSI-X step that set it.
    expect(field(audit, 'messageControl', 'enable').finding.source).toBe('liveKernelState');
  });
});

describe('hazards that only the history shows', () => {
  it('the TPH trap, where reset_done pushes the open-time zeros over TPH that is on', () => {
    const actions = [
      read('open'),
      command(0x506),
      enable('tph'),
      read('armed'),
      { kind: 'deviceReset' },
      read('end'),
    ] as const;
    const trapped = auditRestore(played(everything, '7.2', 'resetDone', actions).history());
    expect(hazards(trapped)).toContain('tphTrap present');
    expect(field(trapped, 'control', 'pmeEnable').verdict).toBe('expected');
    const spared = auditRestore(played(everything, '7.2', 'nothing', actions).history());
    expect(hazards(spared)).not.toContain('tphTrap present');
  });

  it.each([
    ['6.12', true],
    ['7.2', false],
  ] as const)('MSI-X restored while Memory is off on %s: %s', (kernel, lost) => {
    const audit = auditRestore(
      played(everything, kernel, 'nothing', [
        read('open'),
        command(0x506),
        enable('msix'),
        read('armed'),
        command(0x500),
        read('duringWait'),
        { kind: 'deviceReset' },
        read('end'),
      ]).history(),
    );
    expect(hazards(audit).includes('msixMemoryOff present')).toBe(lost);
    expect(hazards(audit)).toContain('memoryOffSaved present');
  });

  it('a mapping of a BAR that nothing decodes, until it is unmapped', () => {
    const before = played(rng, '7.2', 'nothing', [read('open'), command(0x106), read('armed')]).fn.snapshot();
    const after = rng.layout.resetValue;
    const mapped: readonly RestoreEvent[] = [
      reading(1, 'armed', before),
      { kind: 'mapping', at: 2, change: 'mapped' },
      { kind: 'recoveryReset', at: 3, proof: 'certain' },
      reading(4, 'afterReset', after),
    ];
    expect(hazards(auditRestore(history(mapped)))).toContain('mappedReadsZero present');
    const unmapped = [
      ...mapped,
      { kind: 'mapping', at: 5, change: 'unmapped' } as const,
      reading(6, 'end', after),
    ];
    expect(hazards(auditRestore(history(unmapped)))).toContain('mappedReadsZero passed');
  });

  it('a device that answers ones', () => {
    const before = rng.layout.resetValue;
    const audit = auditRestore(
      history([reading(1, 'armed', before), reading(2, 'end', new Uint8Array(4096).fill(0xff))]),
    );
    expect(hazards(audit)).toEqual(['allOnes present']);
    expect(named(audit, 'command').values.at(-1)).toBeNull();
    expect(audit.problems).toContainEqual({
      kind: 'unreadable',
      view: 'hardware',
      moments: [1],
      names: ['end'],
      readability: { kind: 'nothing', because: 'allOnes' },
    });
  });
});

describe('what a history does not tell', () => {
  it('a driver that does not say what it restores leaves several sources, unless a trace tells', () => {
    const device = played(rng, '7.2', 'openSnapshot', until(recoveryActions(rng), 'afterReset'));
    const unsaid = auditRestore(device.history('unknown'));
    expect(field(unsaid, 'command', 'memorySpace').finding).toMatchObject({
      source: null,
      candidates: expect.arrayContaining(['openSnapshot', 'lastSave']),
    });
    const told = device.history('unknown').events;
    const at = told.findIndex(({ kind }) => kind === 'recoveryReset');
    const trace = ['pci_load_saved_state', 'pci_restore_state', 'pci_restore_config_space'].map(
      (name): RestoreEvent => ({ kind: 'traced', at: 1, function: name }),
    );
    const events = [...told.slice(0, at + 1), ...trace, ...told.slice(at + 1)];
    const traced = auditRestore({ ...device.history('unknown'), events });
    const { finding } = field(traced, 'command', 'memorySpace');
    expect(finding.source).toBe('openSnapshot');
    expect(finding.evidence.some(({ kind }) => kind === 'traced')).toBe(true);
    expect(
      traced.steps.find(({ step }) => step.name === 'pci_restore_config_space')?.trace.events,
    ).toHaveLength(1);
  });

  it('event 2 on a kernel that resets nothing (observation 2) is no reset when COMMAND kept its bits', () => {
    const device = played(rng, '6.1', 'nothing', until(recoveryActions(rng), 'armed'));
    const events: readonly RestoreEvent[] = [
      ...device.events,
      { kind: 'recoveryReset', at: 90_000, proof: 'possible' },
      reading(91_000, 'afterReset', device.fn.snapshot()),
    ];
    const audit = auditRestore(history(events, { kernel: '6.1' }));
    expect(field(audit, 'command', 'busMaster').finding).toMatchObject({
      certainty: 'proved',
      source: 'userSpace',
    });
  });

  it('a value that no source had is called unexplained', () => {
    const device = played(rng, '7.2', 'nothing', [read('open')]);
    const other = device.fn.snapshot();
    other[0x0c] = 0x77;
    const audit = auditRestore(history([...device.events, reading(9_000, 'end', other)]));
    expect(field(audit, 'cacheLineSize', 'value').finding).toMatchObject({ certainty: 'open', source: null });
    expect(findingText(named(audit, 'cacheLineSize').finding)).toContain(
      'nothing that was recorded explains it',
    );
  });

  it('nothing read is nothing claimed', () => {
    expect(auditRestore(history([]))).toMatchObject({ registers: [], problems: [{ kind: 'nothingRead' }] });
    const silent = auditRestore(
      history([reading(1, 'armed', null), reading(2, 'end', new Uint8Array(64).fill(0xff))]),
    );
    expect(silent.registers).toEqual([]);
    expect(silent.problems.map(problemText)).toEqual([
      'No config space was read that answers: there is nothing to audit.',
      'Config space (hardware view) unreadable at the arming: it was not read, and why was not kept.',
      'Config space (hardware view) unreadable at the end: all ones, the device did not answer.',
    ]);
    expect(silent.moments).toHaveLength(2);
  });

  it('only the view of VFIO: what VFIO makes up is no evidence', () => {
    const config = rng.layout.resetValue;
    const audit = auditRestore(
      history([reading(1, 'armed', config, 'vfio'), reading(2, 'end', config, 'vfio')]),
    );
    expect(audit.view).toBe('vfio');
    expect(audit.problems).toContainEqual({ kind: 'onlyVirtualView' });
    expect(field(audit, 'baseAddress1', 'address').finding).toMatchObject({ source: null });
  });
});

describe('devices of every kind', () => {
  it('a conventional function has 256 bytes and fewer steps', () => {
    const { conventionalNic } = templates;
    const audit = auditRestore(
      played(conventionalNic, '7.2', 'nothing', recoveryActions(conventionalNic)).history(),
    );
    expect(audit.size).toBe(256);
    const present = audit.steps.filter(({ registers }) => registers.length > 0).map(({ step }) => step.name);
    expect(present).toEqual(['pci_restore_config_space', 'pci_restore_pcix_state', 'pci_restore_msi_state']);
    expect(audit.registers.every(({ offset, width }) => offset + width <= 256)).toBe(true);
  });

  it('a bridge has a type 1 header, whose windows the header step writes', () => {
    const config = templates.rootPort.layout.resetValue;
    const audit = auditRestore(history([reading(1, 'armed', config), reading(2, 'end', config)]));
    expect(named(audit, 'secondaryBus').step).toBe('pci_restore_config_space');
    expect(named(audit, 'rootControl').step).toBe('pci_restore_pcie_state');
    expect(audit.registers.some(({ name }) => name === 'baseAddress2')).toBe(false);
  });

  it('a capability that nobody described is audited as dwords, and said', () => {
    const config = everything.layout.resetValue.slice();
    const offset = everything.layout.capabilities[0]?.offset ?? 0;
    config[offset] = 0x7f;
    const audit = auditRestore(history([reading(1, 'armed', config), reading(2, 'end', config)]));
    expect(audit.problems).toContainEqual({
      kind: 'unknownCapability',
      name: 'Unknown capability 0x7f',
      offset,
    });
    expect(audit.registers.some(({ owner }) => owner === 'Unknown capability 0x7f')).toBe(true);
  });

  it('a config space that turns unreadable half-way keeps what was read, and claims nothing of the rest', () => {
    const device = played(everything, '7.2', 'nothing', [read('armed')]);
    const half = device.fn.snapshot().fill(0xff, 0x100);
    const audit = auditRestore(history([...device.events, reading(50_000, 'end', half)]));
    expect(audit.problems).toContainEqual({
      kind: 'unreadable',
      view: 'hardware',
      moments: [1],
      names: ['end'],
      readability: { kind: 'upTo', offset: 0x100, because: 'allOnes' },
    });
    expect(named(audit, 'uncorrectableSeverity').values[1]).toBeNull();
    expect(named(audit, 'command').values[1]).not.toBeNull();
    const short = auditRestore(history([...device.events, reading(50_000, 'end', half.slice(0, 64))]));
    expect(named(short, 'deviceControl').values[1]).toBeNull();
  });
});

describe('the audit in words', () => {
  it('has a line for each step, for hazards, and facts that are sentences', () => {
    const device = played(everything, '7.2', 'nothing', recoveryActions(everything));
    const audit = auditRestore(device.history());
    const text = auditText(audit);
    for (const { step } of audit.steps) expect(text).toContain(step.name);
    expect(text).toContain('Put right: BARs are zero in hardware.');
    for (const { finding, width } of audit.registers) {
      for (const fact of finding?.evidence ?? []) {
        expect(factText(fact, device.history(), width)).toMatch(/^[A-Z].*\.$/);
      }
    }
  });
});
