import type { Fault } from '../core/faults/fault.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { KernelProfile } from '../rigs/simulated/kernel/profile.ts';

/** The options of `inject` that say which fault; each belongs to one platform. */
export interface FaultOptions {
  readonly error?: string;
  readonly severity?: string;
  readonly zpci?: string;
}

export const oneOf = <Value extends string>(
  what: string,
  values: readonly Value[],
  text: string,
): Result<Value> =>
  values.includes(text as Value)
    ? success(text as Value)
    : failure('malformedInput', `The ${what} "${text}" is none of ${values.join(', ')}.`);

const platformNames = { aer: 'an x86 rig', zpci: 'an s390x rig', eeh: 'a POWER rig' } as const;

/** An option that would be ignored is refused: the fault would not be the one that was asked for. */
const foreign = (platform: KernelProfile['platform'], option: string): Result<never> =>
  failure('malformedInput', `--${option} says nothing to ${platformNames[platform]}; leave it out.`);

export const faultOf = (platform: KernelProfile['platform'], options: FaultOptions): Result<Fault> => {
  const { error, severity: severityText, zpci } = options;
  if (platform !== 'zpci' && zpci !== undefined) return foreign(platform, 'zpci');
  if (platform !== 'aer' && error !== undefined) return foreign(platform, 'error');
  if (platform !== 'aer' && severityText !== undefined) return foreign(platform, 'severity');
  switch (platform) {
    case 'aer': {
      if (severityText === undefined) {
        return success({ kind: 'aer', error: error ?? 'MALF_TLP', severity: null });
      }
      const severity = oneOf('severity', ['correctable', 'nonFatal', 'fatal'] as const, severityText);
      if (!severity.ok) return severity;
      return success({ kind: 'aer', error: error ?? 'MALF_TLP', severity: severity.value });
    }
    case 'zpci': {
      const places = ['unmapped', 'belowAperture', 'aboveAperture'] as const;
      const where = oneOf('place', places, zpci ?? 'unmapped');
      return where.ok ? success({ kind: 'zpciDma', where: where.value }) : where;
    }
    case 'eeh':
      return success({ kind: 'eehFreeze' });
  }
};
