import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeAerInjection } from '../../core/faults/aerInjection.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { AerError } from '../../core/pci/aer.ts';
import { done, type BenchError, type ErrorCode, type Result } from '../../core/result.ts';
import type { ByteOrder } from '../../core/vfio/struct.ts';
import { fileFailure } from '../fileFailure.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import type { HostTree } from '../sysfs/hostTree.ts';
import type { BlockingCalls } from '../threads/blockingCalls.ts';

const fileOf = (tree: HostTree): string => join(tree.dev, 'aer_inject');

interface Refusal {
  readonly code: ErrorCode;
  readonly sentence: (address: PciAddress, error: AerError) => string;
}

/** What an errno of open() or write() means here (drivers/pci/pcie/aer_inject.c), by its number. */
const refusals: Readonly<Record<number, Refusal>> = {
  // EPERM: aer_inject_write() wants CAP_SYS_ADMIN, whoever may open the file.
  1: {
    code: 'permissionDenied',
    sentence: () => 'Injecting through aer_inject needs CAP_SYS_ADMIN; run the agent as root.',
  },
  // ENOENT
  2: {
    code: 'injectorUnavailable',
    sentence: () =>
      'There is no /dev/aer_inject; load the module (modprobe aer_inject), or use another injector.',
  },
  // EACCES
  13: {
    code: 'permissionDenied',
    sentence: () => '/dev/aer_inject may not be written by this user; run the agent as root.',
  },
  // ENODEV
  19: {
    code: 'injectionRefused',
    sentence: (address) =>
      `The kernel has no function ${address}, no root port above it, or no AER service on that port; choose a device below a root port whose AER the kernel owns (no pci=noaer).`,
  },
  // EINVAL. The module has noted the error before it looks at the mask.
  22: {
    code: 'injectionRefused',
    sentence: (address, error) =>
      `${error.name} is masked in the AER capability of ${address}; unmask it, or load aer_inject with aer_mask_override=1. The module keeps a note of it and reports it with the next error.`,
  },
  // ENOTTY and others of irq_inject_interrupt(): the port's interrupt cannot be faked.
  25: {
    code: 'injectionRefused',
    sentence: (address) =>
      `The interrupt of the root port above ${address} cannot be faked on this kernel (GENERIC_IRQ_INJECTION).`,
  },
  // EPROTONOSUPPORT
  93: {
    code: 'injectionRefused',
    sentence: (address) =>
      `${address} or its root port has no AER capability, or the port's AER service does not run; choose a device with AER below a port with AER.`,
  },
};

const refusalOf = (errno: number, address: PciAddress, error: AerError): ReturnType<typeof refused> => {
  const known = refusals[errno];
  return known === undefined
    ? refused(
        errno,
        `The kernel did not inject ${error.name} into ${address}; look at the kernel log.`,
        'injectionRefused',
      )
    : refused(errno, known.sentence(address, error), known.code);
};

/** Why aer_inject cannot be used at all; null when it looks as if it could. */
export const aerInjectTrouble = async (tree: HostTree): Promise<BenchError | null> => {
  try {
    await access(fileOf(tree), constants.W_OK);
    return null;
  } catch (thrown) {
    const { error } = fileFailure(thrown, '');
    const known = refusals[error.errno?.number ?? 0];
    if (known === undefined)
      return { ...error, message: '/dev/aer_inject cannot be opened; load aer_inject anew.' };
    return { ...error, code: known.code, message: known.sentence('' as PciAddress, {} as AerError) };
  }
};

/**
 * Has the kernel report an error that never happened. The write returns when the root port's interrupt has been faked;
 * whether the error then arrives is another question (core/faults/delivery.ts).
 */
export const injectAer = async (
  { tree, calls, blocking, order }: AerInjectNeeds,
  address: PciAddress,
  error: AerError,
): Promise<Result<void>> => {
  const { O_WRONLY, O_CLOEXEC } = openFlags;
  const file = calls.open(fileOf(tree), O_WRONLY | O_CLOEXEC);
  if (!file.ok) return refusalOf(file.errno, address, error);
  const bytes = encodeAerInjection(order, address, error);
  const answer = await blocking.make({ call: 'write', fd: file.value, bytes });
  calls.close(file.value);
  if (!answer.ok) return answer;
  const { result } = answer.value;
  return result.ok ? done : refusalOf(result.errno, address, error);
};

export interface AerInjectNeeds {
  readonly tree: HostTree;
  readonly calls: Syscalls;
  readonly blocking: BlockingCalls;
  readonly order: ByteOrder;
}
