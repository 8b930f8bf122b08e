import type { Fault } from '../core/faults/fault.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { RigInfo } from '../rigs/rig.ts';

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

type Architecture = RigInfo['architecture'];

const machines = { x86_64: 'an x86 rig', s390x: 'an s390x rig', ppc64le: 'a POWER rig' } as const;

/** An option that would be ignored is refused: the fault would not be the one that was asked for. */
const foreign = (architecture: Architecture, option: string): Result<never> =>
  failure('malformedInput', `--${option} says nothing to ${machines[architecture]}; leave it out.`);

export const faultOf = (architecture: Architecture, options: FaultOptions): Result<Fault> => {
  const { error, severity: severityText, zpci } = options;
  if (architecture !== 's390x' && zpci !== undefined) return foreign(architecture, 'zpci');
  if (architecture !== 'x86_64' && error !== undefined) return foreign(architecture, 'error');
  if (architecture !== 'x86_64' && severityText !== undefined) return foreign(architecture, 'severity');
  switch (architecture) {
    case 'x86_64': {
      if (severityText === undefined) {
        return success({ kind: 'aer', error: error ?? 'MALF_TLP', severity: null });
      }
      const severity = oneOf('severity', ['correctable', 'nonFatal', 'fatal'] as const, severityText);
      if (!severity.ok) return severity;
      return success({ kind: 'aer', error: error ?? 'MALF_TLP', severity: severity.value });
    }
    case 's390x': {
      const places = ['unmapped', 'belowAperture', 'aboveAperture'] as const;
      const where = oneOf('place', places, zpci ?? 'unmapped');
      return where.ok ? success({ kind: 'zpciDma', where: where.value }) : where;
    }
    case 'ppc64le':
      return success({ kind: 'eehFreeze' });
  }
};
