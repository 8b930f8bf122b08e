/**
 * The same device and the same history under the policies that were argued about, side by side: which register ends with
 * which value, and from where. Only a simulated device can tell, whose every source is known.
 */
import type { AuditHazard } from './auditHazards.ts';
import type { RestorePolicy } from './history.ts';
import type { ModelledKernel } from './kernelVersion.ts';
import type { Provenance } from './provenance.ts';

/** The policies of seed 2, side by side. */
export const comparedPolicies = [
  'nothing',
  'lastSave',
  'openSnapshot',
  'resetDone',
] as const satisfies readonly RestorePolicy[];
export type ComparedPolicy = (typeof comparedPolicies)[number];

export const policyTitles: Readonly<Record<ComparedPolicy, string>> = {
  nothing: 'RFC',
  lastSave: 'pci_restore_state',
  openSnapshot: 'open-time snapshot',
  resetDone: 'reset_done',
};

export const policyMeanings: Readonly<Record<ComparedPolicy, string>> = {
  nothing: 'The RFC of 2026-06-09 as posted, and a stock vfio-pci: slot_reset restores nothing.',
  lastSave: 'slot_reset calls pci_restore_state(): the last save of the kernel.',
  openSnapshot: 'slot_reset loads the state that vfio saved when the device was opened, and restores that.',
  resetDone:
    'As the RFC; after every function reset the open-time snapshot is restored on top (patch v18 3/4).',
};

export interface WhatIfCell {
  /** At the end. */
  readonly value: number;
  /** The true sources of its bits, from the simulated hardware; several where its fields differ. */
  readonly sources: readonly Provenance[];
}

export interface WhatIfRow {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly owner: string;
  readonly name: string;
  readonly label: string;
  /** When it was first read after the device was set to work: at `armed`, else at the first moment. */
  readonly before: number | null;
  readonly by: Readonly<Record<ComparedPolicy, WhatIfCell>>;
  /** Whether the policies end with different values. */
  readonly differs: boolean;
}

export interface WhatIf {
  readonly kernel: ModelledKernel;
  readonly rows: readonly WhatIfRow[];
  readonly hazards: Readonly<Record<ComparedPolicy, readonly AuditHazard[]>>;
}

/** A comparison for a device of a rig. */
export interface WhatIfAnswer extends WhatIf {
  /** Of the simulated device that it was played on. */
  readonly device: string;
  /** `itself`: the rig is simulated, and so is the device; `twin`: a simulated one of the same kind. */
  readonly playedOn: 'itself' | 'twin';
  /** `recorded`: what was done to the device in its recovery; `usual`: a recovery as the bench does it. */
  readonly history: 'recorded' | 'usual';
}
