import { findAerError } from '../pci/aer.ts';
import { failure, type BenchError } from '../result.ts';
import { aboveApertureRefusal } from './badDma.ts';
import type { FaultRequest, FaultTarget } from './fault.ts';
import { harmToHost, preflightRefusal as refuse } from './hostUse.ts';

/** Whether the kernel waits for an ack of this device just now. */
export type WaitKnowledge = 'waitOpen' | 'noWait';

const aerRefusal = (request: FaultRequest, target: FaultTarget): BenchError | null => {
  if (request.fault.kind !== 'aer') return null;
  const error = findAerError(request.fault.error);
  if (error === undefined) {
    return failure(
      'malformedInput',
      `There is no AER error "${request.fault.error}"; names are those of QEMU, such as MALF_TLP or COMP_TIME.`,
    ).error;
  }
  const { severity } = request.fault;
  if (severity !== null && (error.kind === 'correctable') !== (severity === 'correctable')) {
    return failure(
      'malformedInput',
      `${error.name} is ${error.kind === 'correctable' ? 'a correctable' : 'an uncorrectable'} error and cannot be made ${severity}.`,
    ).error;
  }
  if (target.aer === null) {
    return refuse('noAer', `${target.address} has no AER capability: it cannot report ${error.name}.`);
  }
  const mask = error.kind === 'correctable' ? target.aer.correctableMask : target.aer.uncorrectableMask;
  return (mask & error.mask) === 0
    ? null
    : refuse(
        'masked',
        `${error.name} is masked in the AER capability of ${target.address}: it would be latched and never reported.`,
      );
};

/**
 * The rules before a fault is caused, after selftests/powerpc/eeh: no bridges, nothing that is frozen, nothing that
 * the host lives on, no function of somebody else in the reset's way, nothing whose wait is open. Each refusal says
 * its reason; null means that the fault may be caused.
 */
export const preflight = (
  request: FaultRequest,
  target: FaultTarget,
  wait: WaitKnowledge,
): BenchError | null => {
  const { address } = target;
  if (target.link === 'removed') {
    return failure('deviceLost', `${address} is not on the bus any more.`).error;
  }
  if (target.kind === 'bridge') {
    return refuse('bridge', `${address} is a bridge: a fault there takes down everything below it.`);
  }
  const harm = harmToHost(target);
  if (harm !== null) return harm;
  // Pulling a device out does not ask the kernel; everything else would end up in the wrong recovery.
  if (wait === 'waitOpen' && request.fault.kind !== 'unplug') {
    return refuse('waitOpen', `The kernel waits for an ack of ${address}; end that recovery first.`);
  }
  if (request.fault.kind === 'loopback') return null;
  if (target.link === 'frozen') {
    return refuse(
      'frozen',
      `${address} is frozen: another fault there would not be seen and may disable it for good.`,
    );
  }
  for (const sibling of target.siblings) {
    const shared = harmToHost(sibling);
    if (shared !== null) {
      return refuse(
        String(shared.details?.['rule']),
        `${sibling.address} shares the reset of ${address}. ${shared.message}`,
      );
    }
  }
  const foreign = target.siblings.find((sibling) => sibling.owner === 'host');
  if (foreign !== undefined) {
    return refuse(
      'siblingNotOwned',
      `${foreign.address} shares the reset of ${address} and belongs to ${foreign.driver ?? 'the host'}; bind it to vfio-pci first.`,
    );
  }
  if (request.fault.kind === 'zpciDma' && request.fault.where === 'aboveAperture') {
    return aboveApertureRefusal.error;
  }
  return aerRefusal(request, target);
};
