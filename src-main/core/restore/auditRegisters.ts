import type { FieldSpecification } from '../pci/layouts/specification.ts';
import { placeRegisters, type PlacedBlock, type Placement } from '../pci/placement.ts';
import type { ModelledKernel } from './kernelVersion.ts';
import { fieldNature, registerNature, upperHalves, type RegisterNature } from './registerNature.ts';
import { registersOfStep } from './stepRegisters.ts';
import { restoreStepsOf, type RestoreStep } from './steps.ts';

export interface AuditedField {
  readonly name: string;
  readonly label: string;
  readonly specification: FieldSpecification;
  readonly nature: RegisterNature;
}

/** A register of the device, and the restore step that writes it. */
export interface AuditedRegister {
  /** From the start of configuration space. */
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  /** `Header`, or the name of the capability. */
  readonly owner: string;
  /** Where the capability starts; 0 for the header. */
  readonly base: number;
  readonly name: string;
  readonly label: string;
  readonly nature: RegisterNature;
  /** Null: no step of this kernel writes it, so that a reset leaves what it leaves. */
  readonly step: RestoreStep | null;
  readonly fields: readonly AuditedField[];
}

export interface AuditedDevice {
  readonly placement: Placement;
  readonly registers: readonly AuditedRegister[];
  readonly steps: readonly RestoreStep[];
  /** Bytes of the config space. */
  readonly size: number;
}

const blockRegisters = (
  { base, registers }: PlacedBlock,
  owner: string,
  size: number,
  stepAt: ReadonlyMap<number, RestoreStep>,
  upper: ReadonlySet<number>,
): AuditedRegister[] =>
  registers
    .filter(({ offset, width }) => base + offset + width <= size)
    .map((specification) => ({
      offset: base + specification.offset,
      width: specification.width,
      owner,
      base,
      name: specification.name,
      label: specification.label ?? specification.name,
      nature: registerNature(specification.name),
      step: stepAt.get(base + specification.offset) ?? null,
      fields: (upper.has(base + specification.offset) ? [] : specification.fields).map((field) => ({
        name: field.name,
        label: field.label ?? field.name,
        specification: field,
        nature: fieldNature(specification.name, field.name),
      })),
    }));

/** Every register that `config` shows the device to have, with the step of this kernel that writes it. */
export const auditedDevice = (config: Uint8Array, kernel: ModelledKernel): AuditedDevice => {
  const placement = placeRegisters(config);
  const steps = restoreStepsOf(kernel);
  const stepAt = new Map<number, RestoreStep>();
  for (const step of steps) {
    for (const { offset } of registersOfStep(step, placement, config)) {
      // The AER status step and the AER restore share a capability, never a register.
      if (!stepAt.has(offset)) stepAt.set(offset, step);
    }
  }
  const size = config.length;
  const upper = upperHalves(config, placement);
  return {
    placement,
    steps,
    size,
    registers: [
      ...blockRegisters(placement.header, 'Header', size, stepAt, upper),
      ...placement.capabilities.flatMap((block) =>
        blockRegisters(block, block.entry.name, size, stepAt, upper),
      ),
    ],
  };
};
