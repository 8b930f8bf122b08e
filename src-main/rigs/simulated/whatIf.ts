import { auditRestore } from '../../core/restore/audit.ts';
import type { ModelledKernel } from '../../core/restore/kernelVersion.ts';
import type { Provenance } from '../../core/restore/provenance.ts';
import {
  comparedPolicies,
  type ComparedPolicy,
  type WhatIf,
  type WhatIfCell,
  type WhatIfRow,
} from '../../core/restore/whatIf.ts';
import { capabilityId } from '../../core/pci/capability-ids.ts';
import { pciExpressRegister } from '../../core/pci/capability-registers.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import { offsetOfCapability } from './hardware/configSpaceLayout.ts';
import type { FunctionTemplate } from './hardware/functionTemplate.ts';
import { ModelDevice, type HistoryAction } from './modelDevice.ts';

type PerPolicy<Value> = Record<ComparedPolicy, Value>;

const forEachPolicy = <Value>(make: (policy: ComparedPolicy) => Value): PerPolicy<Value> => ({
  nothing: make('nothing'),
  lastSave: make('lastSave'),
  openSnapshot: make('openSnapshot'),
  resetDone: make('resetDone'),
});

/** The same device and the same actions under each policy: which register ends with which value, and from where. */
export const whatIf = (
  template: FunctionTemplate,
  kernel: ModelledKernel,
  actions: readonly HistoryAction[],
): WhatIf => {
  const played = forEachPolicy((policy) => {
    const device = new ModelDevice(template, kernel, policy);
    device.play(actions);
    const audit = auditRestore(device.history());
    const sources = new Map<number, Set<Provenance>>();
    device.ledger.cells.forEach(({ offset }, index) => {
      const known = sources.get(offset) ?? new Set();
      sources.set(offset, known.add(device.ledger.of(index).source));
    });
    return { audit, sources };
  });
  const { audit: first } = played.nothing;
  const armed = Math.max(
    0,
    first.moments.findIndex(({ name }) => name === 'armed'),
  );
  const rows = first.registers.flatMap(
    ({ offset, width, owner, name, label, values }, index): WhatIfRow[] => {
      const by = forEachPolicy((policy): WhatIfCell => {
        const { audit, sources } = played[policy];
        return {
          value: audit.registers[index]?.values.at(-1) ?? 0,
          sources: [...(sources.get(offset) ?? [])],
        };
      });
      // What nobody can write, and what the device writes itself, no policy changes.
      if (by.nothing.sources.length === 0) return [];
      const differs = comparedPolicies.some((policy) => by[policy].value !== by.nothing.value);
      return [{ offset, width, owner, name, label, before: values[armed] ?? null, by, differs }];
    },
  );
  return { kernel, rows, hazards: forEachPolicy((policy) => played[policy].audit.hazards) };
};

const working = commandBit.memorySpace | commandBit.busMaster | commandBit.serr;

/**
 * A recovery as the bench does it, for any device: opened, set to work, reset once, a fatal error, quiesced, reset by the kernel, brought back in the order COMMAND, DEVICE_RESET, COMMAND, DevCtl.
 */
export const recoveryActions = (template: FunctionTemplate): readonly HistoryAction[] => {
  const express = offsetOfCapability(template.layout, 'standard', capabilityId.pciExpress);
  const read = (moment: string): HistoryAction => ({ kind: 'read', moment, views: 'hardware' });
  const command = (value: number): HistoryAction => ({
    kind: 'write',
    offset: configOffset.command,
    width: 2,
    value,
  });
  const control = (value: number): readonly HistoryAction[] =>
    express === 0
      ? []
      : [{ kind: 'write', offset: express + pciExpressRegister.deviceControl, width: 2, value }];
  const on = (['msix', 'ats', 'tph'] as const).map((feature): HistoryAction => ({
    kind: 'feature',
    feature,
    change: 'enabled',
  }));
  return [
    read('open'),
    command(working | commandBit.intxDisable),
    ...control(0x291f),
    { kind: 'write', offset: configOffset.cacheLineSize, width: 1, value: 0x10 },
    ...on,
    // A guest that boots resets its device: the kernel's last save is then of a device in use, not of the opening.
    { kind: 'deviceReset' },
    command(working | commandBit.intxDisable),
    read('armed'),
    command(commandBit.memorySpace | commandBit.serr | commandBit.intxDisable),
    read('duringWait'),
    { kind: 'recoveryReset' },
    read('afterReset'),
    command(working | commandBit.intxDisable),
    read('afterStep: COMMAND'),
    { kind: 'deviceReset' },
    read('afterStep: DEVICE_RESET'),
    command(working | commandBit.intxDisable),
    read('afterStep: COMMAND again'),
    ...control(0x291f),
    read('end'),
  ];
};
