import type { MisdirectedDriver } from './badDma.ts';
import type { LinuxVfioDevice } from './linuxVfioDevice.ts';
import { virtioRngDriver } from './virtioRng.ts';

/** The bench's own driver of a device; null where it has none, and "recovered" then means the registers alone. */
export const driverFor = (
  device: LinuxVfioDevice,
  { vendorId, deviceId }: { readonly vendorId: number; readonly deviceId: number },
): MisdirectedDriver | null =>
  // Virtio 1.2, 4.1.2: 0x1040 + the device type; entropy source is 4. A transitional one is 0x1005.
  vendorId === 0x1af4 && (deviceId === 0x1044 || deviceId === 0x1005) ? virtioRngDriver(device) : null;
