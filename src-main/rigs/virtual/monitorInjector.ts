import type { FaultReceipt, FaultRequest } from '../../core/faults/fault.ts';
import { findAerError, type AerError } from '../../core/pci/aer.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { FaultWitness } from '../faultWitness.ts';
import type { RigClock } from '../rig.ts';
import type { Monitor } from './monitor.ts';

export interface MonitorInjection {
  readonly monitor: Monitor;
  /** In the guest: QEMU's "OK" says that the registers were set, not that anybody was told. */
  readonly witness: FaultWitness;
  readonly clock: RigClock;
}

/** QEMU has no name for some uncorrectable errors, and takes them by number. */
const errorWord = ({ knownToQemu, name, mask }: AerError): string =>
  knownToQemu ? name : `0x${mask.toString(16)}`;

/**
 * `pcie_aer_inject_error` of QEMU's monitor for the device of this id (hw/pci/pcie_aer.c). Prints "OK id: …", or what is
 * wrong.
 */
export const injectByMonitor = async (
  request: FaultRequest,
  id: string,
  { monitor, witness, clock }: MonitorInjection,
): Promise<Result<FaultReceipt>> => {
  const { address, injector, fault } = request;
  const error = fault.kind === 'aer' ? findAerError(fault.error) : undefined;
  if (error === undefined) {
    return failure('injectionRefused', `QEMU's monitor injects AER errors, and nothing else, at ${address}.`);
  }
  const expected = await witness.expectFault(request);
  if (!expected.ok) return expected;
  const at = clock.now();
  const said = await monitor.human(`pcie_aer_inject_error ${id} ${errorWord(error)}`);
  if (!said.ok) return said;
  if (!said.value.startsWith('OK')) {
    return failure('injectionRefused', `QEMU's monitor refused ${error.name} at ${address}: ${said.value}`);
  }
  const delivery = await witness.settleFault(expected.value);
  return delivery.ok ? success({ at, injector, fault, delivery: delivery.value }) : delivery;
};
