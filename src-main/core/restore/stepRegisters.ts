import { baseAddressesOf } from '../pci/base-addresses.ts';
import { capabilityId } from '../pci/capability-ids.ts';
import type { RegisterSpecification } from '../pci/layouts/specification.ts';
import type { HeaderKind, PlacedCapability, Placement } from '../pci/placement.ts';
import { configOffset } from '../pci/registers.ts';
import type { RestoreStep, RestoreTarget } from './steps.ts';

/** One register that a step writes on this device. */
export interface StepRegister {
  /** From the start of configuration space. */
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  /** Short: `COMMAND`, `BAR 1`, or what `lspci` calls it. */
  readonly label: string;
  /** In words: `Device control`. */
  readonly name: string;
}

/**
 * pci_restore_config_space() (drivers/pci/pci.c) writes the dwords 10-15, 4-9, 0-3 of an endpoint, each range from its
 * end; of a bridge 12-15, 9-11, 0-8; of anything else 0-15, which from the end is one falling order, as a bridge's is.
 */
const dwordOrder = (kind: HeaderKind, offset: number): number => {
  const dword = offset >>> 2;
  if (kind !== 'endpoint') return 15 - dword;
  if (dword >= 10) return 15 - dword;
  return dword >= 4 ? 6 + (9 - dword) : 12 + (3 - dword);
};

const headerRegisters = (placement: Placement, config: Uint8Array): readonly StepRegister[] => {
  const order = (offset: number): number => dwordOrder(placement.headerKind, offset);
  const bars = new Map(
    baseAddressesOf(config, placement.headerKind).map(({ offset, index, part }) => [
      offset,
      part === 'upper' ? `BAR ${index - 1} upper` : `BAR ${index}`,
    ]),
  );
  const labelOf = ({ offset, name, label }: RegisterSpecification): string =>
    bars.get(offset) ?? (offset === configOffset.command ? 'COMMAND' : (label ?? name));
  return placement.header.registers
    .map((one) => ({ offset: one.offset, width: one.width, label: labelOf(one), name: one.name }))
    .sort((one, other) => order(one.offset) - order(other.offset) || one.offset - other.offset);
};

/** The specifications that a register of the step table covers; LTR's one dword covers two. */
const covered = (
  { registers }: PlacedCapability,
  offset: number,
  width: number,
): readonly RegisterSpecification[] =>
  registers.filter((one) => one.offset < offset + width && one.offset + one.width > offset);

const kindOf = (specification: RegisterSpecification): string => specification.name.replaceAll(/\d+/g, '#');

/** A register with a stride is there as often as the layout, which asked the capability, says. */
const repeated = (
  block: PlacedCapability,
  { offset, width, stride }: { offset: number; width: number; stride?: number },
): readonly RegisterSpecification[] => {
  const first = covered(block, offset, width);
  if (stride === undefined || first[0] === undefined) return first;
  const found = [...first];
  const kind = kindOf(first[0]);
  for (let at = offset + stride; ; at += stride) {
    const next = covered(block, at, width)[0];
    if (next === undefined || kindOf(next) !== kind || next === found.at(-1)) return found;
    found.push(next);
  }
};

const registersOfTarget = (target: RestoreTarget, block: PlacedCapability): readonly StepRegister[] => {
  const { base } = block;
  // MSI has four layouts, and the kernel writes whichever the function has (drivers/pci/msi/msi.c).
  const fromLayout = target.capability.space === 'standard' && target.capability.id === capabilityId.msi;
  if (fromLayout) {
    return block.registers
      .filter(({ name }) => name !== 'capabilityHeader' && name !== 'pendingBits')
      .map(({ offset, width, label, name }) => ({
        offset: base + offset,
        width,
        label: label ?? name,
        name,
      }));
  }
  return target.registers.flatMap((register) =>
    repeated(block, register).map(({ offset, width, label, name }) => ({
      offset: base + offset,
      width,
      label: label ?? name,
      name: register.name,
    })),
  );
};

const blockOf = ({ capability }: RestoreTarget, placement: Placement): PlacedCapability | undefined =>
  capability.space === 'header'
    ? undefined
    : placement.capabilities.find(
        ({ entry }) => entry.id === capability.id && entry.extended === (capability.space === 'extended'),
      );

/** Registers that a step writes on the device that `config` was read of, in kernel order; none: it has nothing to do. */
export const registersOfStep = (
  step: RestoreStep,
  placement: Placement,
  config: Uint8Array,
): readonly StepRegister[] =>
  step.targets.flatMap((target) => {
    if (target.capability.space === 'header') return headerRegisters(placement, config);
    const block = blockOf(target, placement);
    return block === undefined ? [] : registersOfTarget(target, block);
  });
