import { success } from '../../core/result.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { VfioOpener } from '../../kernel/vfio/vfioOpener.ts';
import { badDmaOf } from './badDma.ts';
import { driverFor } from './drivers.ts';
import { LinuxVfioDevice } from './linuxVfioDevice.ts';
import type { OpenVfioDevice } from './vfioOpening.ts';

/** Opens the devices of one machine; they share IOMMU groups. */
export const vfioOpening = (kernel: Kernel): OpenVfioDevice => {
  const opener = new VfioOpener(kernel);
  return async ({ function: fn, emit }) => {
    const { address } = fn;
    const device = await LinuxVfioDevice.open({
      kernel,
      opener,
      address,
      listener: {
        signal: (protocol, signal) => emit({ kind: 'signal', address, protocol, ...signal }),
        answered: (protocol, late) =>
          emit({ kind: 'answered', at: late.answered.at, address, protocol, ...late }),
        releaseRequested: (at) => emit({ kind: 'releaseRequested', at, address }),
        // The waiter's end is the rig's: nothing of it can be heard any more, and the next call says so.
        deaf: () => undefined,
      },
    });
    if (!device.ok) return device;
    const { protocols, resetKinds } = device.value.abilities;
    const driver = driverFor(device.value, fn);
    const badDma = badDmaOf(device.value, driver);
    return success({ device: device.value, driver, badDma, protocols, resetKinds });
  };
};
