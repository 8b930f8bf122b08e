import type { PciAddress } from '../../../core/pci/address.ts';
import { done, type Result } from '../../../core/result.ts';
import type { PlatformAction } from '../../../core/zpci/platformActions.ts';
import { removeDevice, replug } from './hotplug.ts';
import { refused } from './kernelError.ts';
import type { Machine } from './machine.ts';
import { timing } from './profile.ts';
import { delay, type KernelThread } from './scheduler.ts';

export interface PlatformSite {
  readonly machine: Machine;
  readonly address: PciAddress;
  /** Functions that were deconfigured. */
  readonly poweredOff: Set<PciAddress>;
}

/**
 * recover_store() removes, disables, enables and scans (arch/s390/pci/pci_sysfs.c); disable_slot() removes and
 * deconfigures (drivers/pci/hotplug/s390_pci_hpc.c). What comes back has no driver: its driver_override went with the device.
 */
export function* actOnSimulatedPlatform(
  { machine, address, poweredOff }: PlatformSite,
  action: PlatformAction,
): KernelThread<Result<void>> {
  const device = machine.devices.get(address);
  if (device === undefined) return refused('ENODEV', `${address} is not there.`);
  switch (action) {
    case 'recover':
      yield* removeDevice(machine, device);
      yield* delay(machine.random.between(timing.zpciReset.least, timing.zpciReset.most));
      return replug(machine, device);
    case 'powerOff':
      yield* removeDevice(machine, device);
      poweredOff.add(address);
      return done;
    case 'powerOn':
      poweredOff.delete(address);
      return replug(machine, device);
    default:
      return refused('EOPNOTSUPP', 'A simulated machine has no service element.');
  }
}
