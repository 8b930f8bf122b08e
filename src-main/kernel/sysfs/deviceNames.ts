/**
 * The functions of a QEMU guest (virtio 1.2, 4.1.2 and 5; QEMU docs/specs/pci-ids.rst), which has no pci.ids of its own:
 * vendor and device id in one number.
 */
const names = new Map<number, string>([
  [0x1af4_1000, 'Virtio network (transitional)'],
  [0x1af4_1001, 'Virtio block (transitional)'],
  [0x1af4_1003, 'Virtio console (transitional)'],
  [0x1af4_1005, 'Virtio RNG (transitional)'],
  [0x1af4_1041, 'Virtio network'],
  [0x1af4_1042, 'Virtio block'],
  [0x1af4_1043, 'Virtio console'],
  [0x1af4_1044, 'Virtio RNG'],
  [0x1b36_000c, 'QEMU PCIe root port'],
  [0x1b36_0010, 'QEMU NVMe controller'],
  [0x104c_8232, 'PCIe switch upstream port'],
  [0x104c_8233, 'PCIe switch downstream port'],
]);

/** Null for everything else. */
export const knownDeviceName = (vendorId: number, deviceId: number): string | null =>
  names.get(vendorId * 0x1_0000 + deviceId) ?? null;
