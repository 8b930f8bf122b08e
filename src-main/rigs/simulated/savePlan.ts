import { extendedCapabilityId } from '../../core/pci/capability-ids.ts';
import { tphRegister, virtualChannelRegister } from '../../core/pci/capability-registers.ts';
import { longAt } from '../../core/pci/bytes.ts';
import { modelledKernels } from '../../core/restore/kernelVersion.ts';
import type { ModelledKernel } from '../../core/restore/kernelVersion.ts';
import { restoreStepsOf } from '../../core/restore/steps.ts';
import type { RestoreRegister, RestoreStepName, RestoreTarget } from '../../core/restore/steps.ts';
import { offsetOfCapability } from './hardware/configSpaceLayout.ts';
import type { FunctionTemplate } from './hardware/functionTemplate.ts';
import type { Width } from './hardware/simulatedFunction.ts';

/** One register in the save buffers. */
export interface SaveSlot {
  readonly offset: number;
  readonly width: Width;
}

/** A step and the part of the save buffers that is its own: slots `from` up to, not including, `to`. */
export interface PlannedStep {
  readonly name: RestoreStepName;
  readonly from: number;
  readonly to: number;
}

/**
 * Where each register of one kind of function is kept by one kernel: `saved_config_space` in slots 0 to 15, then the
 * capability save buffers. One flat array, so that a save, a stored state and a loaded one are a copy each.
 */
export interface SavePlan {
  readonly slots: readonly SaveSlot[];
  /** In kernel order: what a restore executes. */
  readonly steps: readonly PlannedStep[];
  /** Slots that a save leaves alone while TPH is off. */
  readonly gated: PlannedStep | undefined;
}

const headerSlots: readonly SaveSlot[] = Array.from({ length: 16 }, (_, index) => ({
  offset: 4 * index,
  width: 4 as const,
}));

const present = (register: RestoreRegister, template: FunctionTemplate): boolean => {
  if (register.only === 'rootPort') return template.kind === 'rootPort';
  if (register.only === 'slot') return template.kind === 'rootPort' || template.kind === 'downstreamPort';
  return true;
};

/** How often a register with a stride is there; the capability itself says it. */
const repetitions = (target: RestoreTarget, capabilityAt: number, template: FunctionTemplate): number => {
  const { resetValue } = template.layout;
  if (target.capability.space !== 'extended') return 1;
  switch (target.capability.id) {
    case extendedCapabilityId.virtualChannel:
    case extendedCapabilityId.multiFunctionVirtualChannel:
    case extendedCapabilityId.virtualChannelWithMfvc:
      return 1 + (longAt(resetValue, capabilityAt + virtualChannelRegister.portCapabilities1) & 0x7);
    case extendedCapabilityId.tphRequester: {
      const capabilities = longAt(resetValue, capabilityAt + tphRegister.capabilities);
      // PCI_TPH_LOC_CAP: only a steering table inside the capability is saved with it.
      return (capabilities & 0x600) === 0x200 ? 1 + ((capabilities & 0x07ff_0000) >>> 16) : 0;
    }
    default:
      return 1;
  }
};

const slotsOf = (target: RestoreTarget, template: FunctionTemplate): SaveSlot[] => {
  const { capability } = target;
  if (capability.space === 'header') return [];
  const at = offsetOfCapability(template.layout, capability.space, capability.id);
  if (at === 0) return [];
  return target.registers
    .filter((register) => present(register, template))
    .flatMap((register): SaveSlot[] => {
      const count = register.stride === undefined ? 1 : repetitions(target, at, template);
      return Array.from({ length: count }, (_, index) => ({
        offset: at + register.offset + index * (register.stride ?? 0),
        width: register.width,
      }));
    });
};

const makePlan = (template: FunctionTemplate, version: ModelledKernel): SavePlan => {
  const slots = [...headerSlots];
  const steps = restoreStepsOf(version).map((step): PlannedStep => {
    if (step.name === 'pci_restore_config_space') return { name: step.name, from: 0, to: headerSlots.length };
    const from = slots.length;
    if (step.provenance === 'lastSave') {
      slots.push(...step.targets.flatMap((target) => slotsOf(target, template)));
    }
    return { name: step.name, from, to: slots.length };
  });
  return { slots, steps, gated: steps.find((step) => step.name === 'pci_restore_tph_state') };
};

const plans = new WeakMap<FunctionTemplate, Map<ModelledKernel, SavePlan>>();

/** Made once for each kind of function; all kernels at once, for a rig may change its mind. */
export const savePlanOf = (template: FunctionTemplate, version: ModelledKernel): SavePlan => {
  let byVersion = plans.get(template);
  if (byVersion === undefined) {
    byVersion = new Map(modelledKernels.map((kernel) => [kernel, makePlan(template, kernel)]));
    plans.set(template, byVersion);
  }
  const plan = byVersion.get(version);
  if (plan === undefined) throw new Error(`No kernel ${version} is modelled.`);
  return plan;
};
