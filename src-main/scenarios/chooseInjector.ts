import type { Fault, InjectorName } from '../core/faults/fault.ts';
import type { PciAddress } from '../core/pci/address.ts';
import { failure, success, type BenchError, type Result } from '../core/result.ts';
import type { Rig } from '../rigs/rig.ts';

/** The first injector that the rig offers for this fault of this device; where all refuse, the first one's reason. */
export const chooseInjector = async (
  rig: Rig,
  address: PciAddress,
  fault: Fault,
): Promise<Result<InjectorName>> => {
  const offered = await rig.injectors(address);
  if (!offered.ok) return offered;
  const fitting = offered.value.filter((offer) => offer.faults.includes(fault.kind));
  const willing = fitting.find((offer) => offer.refusal === null);
  if (willing !== undefined) return success(willing.injector);
  const refusal = fitting[0]?.refusal ?? null;
  return refusal === null
    ? failure('injectorUnavailable', `${rig.info.title} has no injector for this fault of ${address}.`)
    : { ok: false, error: refusal };
};

/** Whether an injector refuses only because the device is closed (rigs/linux/injection.ts). */
export const needsOpenDevice = ({ code, details }: BenchError): boolean =>
  code === 'injectorUnavailable' && details?.['needs'] === 'open';
