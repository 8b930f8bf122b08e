import { configSize } from '../../core/pci/registers.ts';
import { reachOf } from '../../core/pci/reach.ts';
import { success, type Result } from '../../core/result.ts';
import type { ConfigReading, DeviceSession, RigClock } from '../rig.ts';
import type { VfioDevice } from './vfioDevice.ts';

type ReadDevice = Pick<VfioDevice, 'readConfigSpace' | 'readHardwareConfigSpace'>;

/** Reads both views again and again, for little. */
export type ViewReader = () => Promise<ConfigReading>;

const ones = Buffer.alloc(configSize.extended, 0xff);

/** What was not read is zero, as it was at the opening; of a device that answers nothing it is all ones, as the rest. */
const whole = (read: Result<Uint8Array>, size: number): Result<Uint8Array> => {
  if (!read.ok || read.value.length >= size) return read;
  const answersNothing = ones.compare(read.value, 0, read.value.length, 0, read.value.length) === 0;
  const config = new Uint8Array(size).fill(answersNothing ? 0xff : 0);
  config.set(read.value);
  return success(config);
};

/**
 * A register takes a device about a microsecond, and most of the 1024 are behind the last capability: what `opening`
 * shows to be empty is not read again. Both readings are asked for at once, so that with a kernel that answers at once
 * nothing comes between them.
 */
export const viewReader = (
  device: ReadDevice,
  clock: RigClock,
  { vfio: opened, hardware: openedHardware }: DeviceSession['opening'],
): ViewReader => {
  const reach = {
    vfio: opened === null ? undefined : reachOf(opened),
    hardware: openedHardware === null ? undefined : reachOf(openedHardware),
  };
  return async () => {
    const at = clock.now();
    const [vfio, hardware] = await Promise.all([
      device.readConfigSpace(reach.vfio),
      device.readHardwareConfigSpace(reach.hardware),
    ]);
    return {
      at,
      vfio: whole(vfio, opened?.length ?? 0),
      hardware: whole(hardware, openedHardware?.length ?? 0),
    };
  };
};
