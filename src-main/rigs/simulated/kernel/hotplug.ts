import { done, type Result } from '../../../core/result.ts';
import { enumerate } from '../savedState.ts';
import { writeAssignedBars } from '../hardware/firmware.ts';
import type { Machine } from './machine.ts';
import { PciDevice } from './pciDevice.ts';
import { driverNamed } from './vfioDrivers.ts';
import { VfioCore } from './vfioCore.ts';
import type { KernelThread } from './scheduler.ts';
import { refused } from './kernelError.ts';

/** Binds a driver by name; the VFIO side of the function appears with a VFIO driver. */
export const bindDriver = (machine: Machine, device: PciDevice, name: string): void => {
  device.driver = driverNamed(machine, name);
  device.vfio = device.driver.vfio === 'vfio' ? new VfioCore(machine, device) : null;
};

/** driver/unbind: waits for the device lock first and only then asks user space to let go (observation 11). */
export function* unbindDriver(device: PciDevice): KernelThread<void> {
  yield* device.lock.lock();
  if (device.vfio !== null) yield* device.vfio.waitUntilReleased();
  device.driver = null;
  device.vfio = null;
  device.lock.unlock();
}

/** sysfs `remove`: takes pci_bus_sem for writing, so it waits for every recovery that walks a bus (observation 13). */
export function* removeDevice(machine: Machine, device: PciDevice): KernelThread<void> {
  yield* unbindDriver(device);
  yield* machine.busSemaphore.write();
  device.present = false;
  machine.busSemaphore.releaseWrite();
  machine.emit({ kind: 'deviceRemoved', at: machine.clock.now(), address: device.address });
}

/** The device is pulled: it is gone at once, and its driver learns of it afterwards. */
export function* unplug(machine: Machine, device: PciDevice): KernelThread<void> {
  device.fn.setLink('removed');
  device.present = false;
  machine.log(device.address, 'pciehp: Slot: Card not present');
  machine.emit({ kind: 'deviceRemoved', at: machine.clock.now(), address: device.address });
  yield* unbindDriver(device);
}

/** The same device comes back, found and set up anew: nothing of its old state, in hardware or kernel, is left. */
export const replug = (machine: Machine, device: PciDevice): Result<void> => {
  if (device.present)
    return refused('EEXIST', `${device.address} is on the bus; there is nothing to plug in.`);
  const { fn, node } = device;
  fn.setLink('up');
  fn.conventionalReset();
  writeAssignedBars(fn);
  const fresh = new PciDevice(node, enumerate(fn, machine.profile.version));
  machine.devices.set(device.address, fresh);
  machine.emit({ kind: 'deviceAdded', at: machine.clock.now(), address: device.address });
  return done;
};
