import type { ConfigReading, RigClock } from '../rig.ts';
import type { VfioDevice } from './vfioDevice.ts';

/** Both readings are asked for at once, so that with a kernel that answers at once nothing comes between them. */
export const readBothViews = async (
  device: Pick<VfioDevice, 'readConfigSpace' | 'readHardwareConfigSpace'>,
  clock: RigClock,
): Promise<ConfigReading> => {
  const at = clock.now();
  const [vfio, hardware] = await Promise.all([device.readConfigSpace(), device.readHardwareConfigSpace()]);
  return { at, vfio, hardware };
};
