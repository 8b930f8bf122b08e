import type { DeviceAction } from '../../core/recovery/reports.ts';
import type { Result } from '../../core/result.ts';
import type { VfioDevice } from './vfioDevice.ts';

/** The calls of a device that quiescing and reinitialising need. */
export type WorkedDevice = Pick<
  VfioDevice,
  'readConfig' | 'writeConfig' | 'reset' | 'enableMsix' | 'disableMsix' | 'unmapBars' | 'remapDma'
>;

/** The device, with each call that changes its registers noted when it has succeeded: one that failed wrote nothing. */
export const noting = (device: WorkedDevice, note: (action: DeviceAction) => void): WorkedDevice => {
  const noted = async (call: Promise<Result<void>>, action: DeviceAction): Promise<Result<void>> => {
    const result = await call;
    if (result.ok) note(action);
    return result;
  };
  return {
    readConfig: (offset, width) => device.readConfig(offset, width),
    writeConfig: (offset, width, value) =>
      noted(device.writeConfig(offset, width, value), { kind: 'write', offset, width, value }),
    reset: () => noted(device.reset(), { kind: 'deviceReset' }),
    enableMsix: () => noted(device.enableMsix(), { kind: 'msix', change: 'enabled' }),
    disableMsix: () => noted(device.disableMsix(), { kind: 'msix', change: 'disabled' }),
    unmapBars: () => device.unmapBars(),
    remapDma: () => device.remapDma(),
  };
};
