/** ATS (PCIe 10.5.1), PRI (10.5.2) and PASID (7.8.9): what a device needs to share an address space. */
import { bits, extendedHead, flag, hexadecimal, plain, register } from './specification.ts';
import type { RegisterSpecification } from './specification.ts';

/** PCI_ATS_* */
export const addressTranslationServices: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 2, 'capabilities', 'ATSCap', [
    bits(4, 0, 'invalidateQueueDepth', 'Invalidate Queue Depth', hexadecimal(2)),
    flag(5, 'pageAlignedRequest'),
    flag(6, 'globalInvalidate'),
    flag(7, 'relaxedOrdering'),
  ]),
  register(0x06, 2, 'control', 'ATSCtl', [
    bits(4, 0, 'smallestTranslationUnit', 'Smallest Translation Unit', hexadecimal(2)),
    flag(15, 'enable', 'Enable'),
  ]),
];

/** PCI_PRI_* */
export const pageRequestInterface: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 2, 'control', 'PRICtl', [flag(0, 'enable', 'Enable'), flag(1, 'reset', 'Reset')]),
  register(0x06, 2, 'status', 'PRISta', [
    flag(0, 'responseFailure', 'RF'),
    flag(1, 'unexpectedPageRequestGroup', 'UPRGI'),
    flag(8, 'stopped', 'Stopped'),
    flag(15, 'responsePasidRequired', 'PASID'),
  ]),
  plain(0x08, 4, 'capacity', 'Page Request Capacity', hexadecimal(8)),
  plain(0x0c, 4, 'allocation', 'Page Request Allocation', hexadecimal(8)),
];

/** PCI_PASID_* */
export const processAddressSpaceId: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 2, 'capabilities', 'PASIDCap', [
    flag(1, 'executePermission', 'Exec'),
    flag(2, 'privilegedMode', 'Priv'),
    bits(12, 8, 'maximumWidth', 'Max PASID Width', hexadecimal(2)),
  ]),
  register(0x06, 2, 'control', 'PASIDCtl', [
    flag(0, 'enable', 'Enable'),
    flag(1, 'executePermission', 'Exec'),
    flag(2, 'privilegedMode', 'Priv'),
  ]),
];
