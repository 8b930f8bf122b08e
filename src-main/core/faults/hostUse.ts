import { missingCase } from '../exhaustive.ts';
import type { PciAddress } from '../pci/address.ts';
import { failure, type BenchError } from '../result.ts';
import type { HostUse } from './fault.ts';

/** A rule before something is done that said no. `rule` names it in `details`. */
export const preflightRefusal = (rule: string, message: string): BenchError =>
  failure('preflightRefused', message, { details: { rule } }).error;

/** Why neither a fault nor another driver may come to a function that the host lives on; null where it does not. */
export const harmToHost = (target: {
  readonly address: PciAddress;
  readonly use: HostUse;
  readonly usedAs?: string;
}): BenchError | null => {
  const { address, use, usedAs } = target;
  const named = usedAs === undefined ? '' : ` (${usedAs})`;
  switch (use) {
    case 'free':
      return null;
    case 'rootFilesystem':
      return preflightRefusal(
        'hostRoot',
        `The host's root file system is on ${address}${named}; losing it takes the host down.`,
      );
    case 'mountedDisk':
      return preflightRefusal(
        'mountedDisk',
        `A disk of ${address} is in use by the host${named}; unmount it first.`,
      );
    case 'networkLink':
      return preflightRefusal(
        'onlyNetworkLink',
        `The host's way into the network is ${address}${named}; losing it cuts the host off. Set up another link first.`,
      );
    default:
      return missingCase(use);
  }
};
