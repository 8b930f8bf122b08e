import type { PciAddress } from '../core/pci/address.ts';
import type { Step } from './schema.ts';

const valueOf = (step: Step): object => {
  const value: unknown = step.kind === 'inject' || step.kind === 'expect' ? step.value.value : step.value;
  return typeof value === 'object' && value !== null ? value : {};
};

/** The device that a step is aimed at by its own words; null where it takes the scenario's. */
export const deviceOf = (step: Step): PciAddress | null =>
  (valueOf(step) as { device?: PciAddress }).device ?? null;

/** The code with which a step has to be refused; null where it has to succeed. */
export const refusalOf = (step: Step): string | null =>
  (valueOf(step) as { refused?: string }).refused ?? null;
