import { missingCase } from '../../src-main/core/exhaustive.ts';
import type { ErrorRecord } from '../../src-main/core/recovery/reports.ts';

const nameOf = (error: ErrorRecord): string => {
  switch (error.source) {
    case 'aer':
      return error.name;
    case 'ccdf':
      return error.pecName;
    case 'eeh':
      return 'frozen PE';
    default:
      return missingCase(error);
  }
};

/** The error that came first, and how many came with it: `MALF_TLP`, `MALF_TLP +2`; empty when none is known. */
export const errorName = (errors: readonly ErrorRecord[]): string => {
  const first = errors.find((error) => error.source === 'aer' && error.first) ?? errors[0];
  if (first === undefined) return '';
  return errors.length === 1 ? nameOf(first) : `${nameOf(first)} +${errors.length - 1}`;
};
