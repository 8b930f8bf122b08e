/** Single Root I/O Virtualization (PCIe 9.3.3; PCI_SRIOV_*). */
import { bits, extendedHead, flag, hexadecimal, plain, register } from './specification.ts';
import type { RegisterSpecification } from './specification.ts';

export const singleRootVirtualization: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 4, 'capabilities', 'IOVCap', [
    flag(0, 'migration', 'Migration'),
    flag(1, 'ariHierarchyPreserved'),
    flag(2, 'tenBitTagRequester', '10BitTagReq'),
    bits(31, 21, 'interruptMessage', 'Interrupt Message Number', hexadecimal(3)),
  ]),
  register(0x08, 2, 'control', 'IOVCtl', [
    flag(0, 'vfEnable', 'Enable'),
    flag(1, 'migrationEnable', 'Migration'),
    flag(2, 'migrationInterrupt', 'Interrupt'),
    flag(3, 'vfMemorySpace', 'MSE'),
    flag(4, 'ariHierarchy', 'ARIHierarchy'),
    flag(5, 'tenBitTagRequester', '10BitTagReq'),
  ]),
  register(0x0a, 2, 'status', 'IOVSta', [flag(0, 'migration', 'Migration')]),
  plain(0x0c, 2, 'initialVfs', 'Initial VFs'),
  plain(0x0e, 2, 'totalVfs', 'Total VFs'),
  plain(0x10, 2, 'numVfs', 'Number of VFs'),
  plain(0x12, 1, 'functionDependencyLink', 'Function Dependency Link', hexadecimal(2)),
  plain(0x14, 2, 'firstVfOffset', 'VF offset'),
  plain(0x16, 2, 'vfStride', 'stride'),
  plain(0x1a, 2, 'vfDeviceId', 'Device ID', hexadecimal(4)),
  plain(0x1c, 4, 'supportedPageSizes', 'Supported Page Size', hexadecimal(8)),
  plain(0x20, 4, 'systemPageSize', 'System Page Size', hexadecimal(8)),
  ...[0, 1, 2, 3, 4, 5].map((index) =>
    register(0x24 + 4 * index, 4, `vfBaseAddress${index}`, `Region ${index}`, [
      bits(2, 1, 'memoryType'),
      flag(3, 'prefetchable'),
      bits(31, 4, 'address', undefined, (_, whole) => hexadecimal(8)((whole & ~0xf) >>> 0, 0)),
    ]),
  ),
  register(0x3c, 4, 'migrationStateArray', 'VF Migration', [
    bits(2, 0, 'bar', 'BIR'),
    bits(31, 3, 'offset', 'offset', (_, whole) => hexadecimal(8)((whole & ~7) >>> 0, 0)),
  ]),
];
