/**
 * A function handle names one enabled instance of a zPCI function. Bit 31 says that the function is enabled (QEMU
 * include/hw/s390x/s390-pci-bus.h, ENABLE_BIT_OFFSET); sysfs shows the handle as `function_handle`.
 */
const enabledBit = 0x8000_0000;

export const isFunctionEnabled = (handle: number): boolean => (handle & enabledBit) !== 0;

/** `0x80020000`, as sysfs shows it. */
export const formatFunctionHandle = (handle: number): string =>
  `0x${(handle >>> 0).toString(16).padStart(8, '0')}`;

/**
 * Whether an error event still speaks of the function as it is now. The kernel ignores an event with another handle
 * than the current one as stale (Linux 7.3, arch/s390/pci/pci_event.c), so a record with one tells of a former life.
 */
export const isStaleEvent = (eventHandle: number, currentHandle: number): boolean =>
  eventHandle >>> 0 !== currentHandle >>> 0;
