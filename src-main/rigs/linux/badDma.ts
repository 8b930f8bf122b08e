import { badAddress, type BadDmaPlace } from '../../core/faults/badDma.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { UserSpaceDriver } from '../session/vfioDevice.ts';
import type { LinuxVfioDevice } from './linuxVfioDevice.ts';
import { queueLength } from './virtqueue.ts';

/** A driver that can send its device to memory that is not its own. */
export interface MisdirectedDriver extends UserSpaceDriver {
  /** Makes the device read at this I/O address. It needs `initialise` afterwards. */
  misdirect(address: bigint): Promise<Result<void>>;
}

/** A real error of a zPCI function: its own DMA to an address that the platform refuses. */
export interface BadDma {
  /** The address that the device was sent to. Whether the kernel was told is for a witness to say. */
  cause(where: BadDmaPlace): Promise<Result<bigint>>;
}

/** Null for a function that is not zPCI, and for a device that the bench has no driver for. */
export const badDmaOf = (device: LinuxVfioDevice, driver: MisdirectedDriver | null): BadDma | null => {
  const { zpci } = device.abilities;
  if (zpci === null || driver === null) return null;
  const aperture = { start: zpci.base.startDma, end: zpci.base.endDma };
  return {
    cause: async (where) => {
      const address = badAddress(where, aperture, queueLength, () => device.unmappedAddress());
      if (!address.ok) return address;
      const command = await device.readConfig(configOffset.command, 2);
      if (!command.ok) return command;
      if ((command.value & commandBit.busMaster) === 0) {
        return failure(
          'injectionRefused',
          `BusMaster of ${device.address} is off, so that it does no DMA; bring the device back first (reinitialise).`,
        );
      }
      const misdirected = await driver.misdirect(address.value);
      return misdirected.ok ? success(address.value) : misdirected;
    },
  };
};
